"""Model and store kept in step: what each commit sets, and refusals."""

import copy

import numpy as np
import pytest

from lfm_online.history import EMPTY
from lfm_online.layout import HEADER, SLOT, FormatError
from lfm_online.store.memory import MemoryServer
from lfm_online.store.protocol import Range
from tests.made_checkpoints import (
    FIRST,
    OTHER,
    SECOND,
    batch,
    checkpoint,
    header,
    learn,
    letter,
    state,
    straight,
)


def test_what_was_learned_is_not_learned_again() -> None:
    server = MemoryServer()
    worker = checkpoint(server)
    learn(worker, FIRST)
    once = copy.deepcopy(state(server))
    assert not worker.begin(FIRST).learned
    assert not checkpoint(server).begin(FIRST).learned
    overlapping = batch(0, 1, [("v", "i", 2.0), ("u", "j", 5.0), ("u", "k", 1.0), ("w", "j", 3.0)])
    assert state(server) == once
    learn(checkpoint(server), overlapping)
    assert state(server) == straight(FIRST, SECOND)


def test_how_events_are_batched_does_not_show() -> None:
    ratings = [(f"u{j % 3}", f"i{j % 5}", 1.0 + j % 4) for j in range(200)]
    whole = straight(batch(0, 0, ratings))
    parts = [batch(0, start, ratings[start : start + 7]) for start in range(0, 200, 7)]
    assert straight(*parts) == whole


def test_events_that_do_not_join_up_with_the_watermark_must_be_fetched_again() -> None:
    worker = checkpoint(MemoryServer())
    assert worker.begin(SECOND) == (False, [0])
    worker.beginnings = {}
    assert worker.begin(OTHER) == (False, [1])
    assert worker.in_flight is None
    assert worker.settle() is None


def test_a_refused_batch_is_learned_again_from_the_rows_of_the_commit_that_got_through() -> None:
    server = MemoryServer()
    one, other = checkpoint(server), checkpoint(server)
    learn(one, FIRST)
    learn(other, OTHER)
    known = batch(0, 3, [("u", "i", 1.0), ("v", "j", 3.0)])  # nothing of it has to be read
    assert one.begin(known).learned
    settled = one.settle()
    assert settled is not None
    assert not settled.receipt.committed
    one.resync()
    learn(one, known)
    assert state(server) == straight(FIRST, OTHER, known)
    assert one.rewinds == 1, "the first resync; the feed told of all that followed"


def test_a_batch_whose_rows_must_be_read_meets_a_newer_head_before_it_learns() -> None:
    server = MemoryServer()
    one, other = checkpoint(server), checkpoint(server)
    learn(one, FIRST)
    learn(other, OTHER)
    assert one.begin(SECOND).learned
    assert one.in_flight is not None
    assert one.in_flight.commit.expected == server.head
    one.settle()
    assert state(server) == straight(FIRST, OTHER, SECOND)


def test_of_a_refused_batch_only_what_others_left_is_learned() -> None:
    server = MemoryServer()
    slow, quick = checkpoint(server), checkpoint(server)
    both = batch(0, 0, [("u", "i", 4.0), ("v", "i", 2.0), ("u", "j", 5.0), ("u", "k", 1.0), ("w", "j", 3.0)])
    assert slow.begin(both).learned
    learn(quick, FIRST)
    settled = slow.settle()
    assert settled is not None
    assert not settled.receipt.committed
    slow.resync()
    assert learn(slow, both).done.events.ranges == [Range(0, 3, 5)]
    assert state(server) == straight(FIRST, SECOND)


def test_items_of_a_refused_batch_give_their_numbers_back() -> None:
    server = MemoryServer()
    one, other = checkpoint(server), checkpoint(server)
    assert one.begin(FIRST).learned
    learn(other, OTHER)
    assert one.settle() is not None
    one.resync()
    assert one.model.items.ids == server.items == ["j", "new", "i"]
    learn(one, FIRST)
    assert state(server) == straight(OTHER, FIRST)


def test_a_tombstone_between_two_ratings_of_one_batch_forgets_the_first_alone() -> None:
    server = MemoryServer()
    worker = checkpoint(server)
    learn(worker, batch(0, 0, [("u", "i", 5.0), ("u", "j", 4.0)]))
    learn(worker, batch(0, 2, [("u", "k", 1.0), ("u", "", 0.0), ("u", "i", 2.0)]))
    assert (header(server, "u")["events"], header(server, "u")["ratings"]) == (1, 1)
    assert len(server.rows["user"]["u"]) == worker.model.users.row_bytes + 6
    assert "u" not in server.histories
    items = {
        row_id: np.frombuffer(row[:28], HEADER)[0]["events"] for row_id, row in server.rows["item"].items()
    }
    assert items == {"i": 2, "j": 1, "k": 1}, "items keep what they learned"


def test_a_forgotten_user_leaves_nothing_in_the_store() -> None:
    server = MemoryServer()
    learn(checkpoint(server), FIRST)
    learn(checkpoint(server), batch(0, 3, [("u", "", 0.0), ("never-seen", "", 0.0)]))
    assert set(server.rows["user"]) == {"v"}
    assert server.histories == {}


def test_a_retraction_counts_in_the_ledger_and_teaches_nothing() -> None:
    server = MemoryServer()
    worker = checkpoint(server)
    learn(worker, FIRST)
    before = copy.deepcopy(server.rows)
    learn(worker, batch(0, 3, [("u", "i", 0.0), ("u", "never-seen", 0.0)]))
    assert server.rows["item"] == before["item"]
    learned = slice(HEADER.itemsize, worker.model.users.row_bytes)
    assert server.rows["user"]["u"][learned] == before["user"]["u"][learned]
    slots = np.frombuffer(server.rows["user"]["u"][learned.stop :], SLOT)
    assert slots["item"].tolist() == [0, 1]
    assert (slots["rating"] == EMPTY).tolist() == [True, False]
    assert (header(server, "u")["events"], header(server, "u")["ratings"]) == (4, 2)
    assert server.items == ["i", "j"]


def test_letters_go_into_the_outbox_with_the_watermark_even_alone() -> None:
    server = MemoryServer()
    worker = checkpoint(server)
    learn(worker, batch(3, 0, [], letters=[0, 1]))
    assert worker.watermarks == {3: 2}
    assert server.watermarks == {"ratings-3": 2}
    assert server.dead == {3: {offset: letter(3, offset).to_bytes() for offset in (0, 1)}}
    assert server.rows == {"user": {}, "item": {}}


def test_watermarks_of_another_topic_are_not_ours() -> None:
    server = MemoryServer(watermarks={"others-0": 99, "rating-1": 7})
    assert checkpoint(server).watermarks == {}


def test_without_a_history_none_is_kept() -> None:
    server = MemoryServer()
    worker = checkpoint(server, history=0)
    learn(worker, FIRST)
    learn(worker, batch(0, 3, [("u", "i", 0.0), ("v", "", 0.0)]))
    assert server.histories == {}
    assert {len(row) for row in server.rows["user"].values()} == {worker.model.users.row_bytes}


def test_a_row_of_another_model_is_told_before_anything_is_learned() -> None:
    server = MemoryServer()
    learn(checkpoint(server), FIRST)
    server.rows["user"]["u"] = b"another"
    before = copy.deepcopy(state(server))
    worker = checkpoint(server)
    with pytest.raises(FormatError, match="user 'u'"):
        worker.begin(SECOND)
    assert state(server) == before
