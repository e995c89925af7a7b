"""Model and store kept in step, on a store in memory: refusals, lost replies, fall-backs."""

import copy
import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from lfm_online.batch import FORGET, RATING, RETRACTION
from lfm_online.layout import HEADER, FormatError
from lfm_online.model import Model
from lfm_online.rules.registry import make_rule
from lfm_online.store.memory import MemoryServer, MemoryStore
from lfm_online.store.protocol import Commit, Range, Receipt, StoreAwayError
from worker.checkpoint import Checkpoint, Settled
from worker.dead_letters.letter import DeadLetter
from worker.events import Events

_ids = itertools.count(1)
Made = tuple[str, str, float]  # user, item ("" is a tombstone), rating (0 is a retraction)


class FrailStore(MemoryStore):
    """Fails as it is told."""

    fails_at = ""

    def _fail(self, at: str) -> None:
        if self.fails_at == at:
            self.fails_at = ""
            self.close()
            raise StoreAwayError(at)

    def send_commit(self, commit: Commit) -> None:
        self._fail("send")
        super().send_commit(commit)

    def receive_commit(self) -> Receipt:
        self._fail("request lost")
        receipt = super().receive_commit()
        self._fail("reply lost")
        return receipt


def checkpoint(server: MemoryServer, *, history: int = 40, feed_entries: int = 1000) -> Checkpoint:
    """A worker's checkpoint, resynced."""
    made = Checkpoint(
        FrailStore(server),
        Model(make_rule("adaptive", 0.5, 5.0, 1), 4),
        "ratings",
        history_size=history,
        feed_entries=feed_entries,
        new_id=lambda: next(_ids).to_bytes(16, "little"),
    )
    made.resync()
    made.beginnings = dict.fromkeys(range(4), 0)
    return made


def batch(partition: int, first: int, made: Sequence[Made], letters: Sequence[int] = ()) -> Events:
    """Events at the offsets from ``first`` on that are not those of letters."""
    end = first + len(made) + len(letters)
    offsets = [offset for offset in range(first, end) if offset not in letters]
    n = len(made)
    what = [FORGET if not item else RATING if rating else RETRACTION for _, item, rating in made]
    return Events(
        np.array(what, np.uint8),
        [user for user, _, _ in made],
        [item for _, item, _ in made],
        np.array([rating or np.nan for _, _, rating in made]),
        np.array(offsets, np.int64) * 1000 + 10**12,
        np.full(n, partition, np.int32),
        np.array(offsets, np.int64),
        np.full(n, -1, np.int64),
        [letter(partition, offset) for offset in letters],
        [Range(partition, first, end)],
    )


def letter(partition: int, offset: int) -> DeadLetter:
    return DeadLetter(
        reason="type",
        detail="",
        topic="ratings",
        partition=partition,
        offset=offset,
        time_ms=0,
        key=None,
        value=b"",
        value_bytes=0,
        sha256="",
    )


def learn(worker: Checkpoint, events: Events) -> Settled:
    """As the pipeline does: a refused batch is learned again until it is through."""
    assert worker.begin(events).sent
    while True:
        settled = worker.settle()
        assert settled is not None
        if settled.receipt.committed:
            return settled
        worker.resync()
        assert worker.begin(events).sent


def state(server: MemoryServer) -> dict[str, object]:
    """All that depends on the events alone: not ids of commits, nor how they were batched."""
    return {
        name: getattr(server, name)
        for name in ("rows", "globals", "items", "histories", "recent", "watermarks")
    }


def straight(*batches: Events) -> dict[str, object]:
    """What the store holds after these, one after another."""
    server = MemoryServer()
    worker = checkpoint(server)
    for events in batches:
        learn(worker, events)
    return state(server)


def header(server: MemoryServer, user: str) -> Any:
    value = server.rows["user"][user]
    return np.frombuffer(value[: HEADER.itemsize], HEADER)[0]


FIRST = batch(0, 0, [("u", "i", 4.0), ("v", "i", 2.0), ("u", "j", 5.0)])
SECOND = batch(0, 3, [("u", "k", 1.0), ("w", "j", 3.0)])
OTHER = batch(1, 0, [("x", "j", 4.5), ("x", "new", 0.5), ("u", "i", 3.0)])


def test_what_was_learned_is_not_learned_again() -> None:
    server = MemoryServer()
    worker = checkpoint(server)
    learn(worker, FIRST)
    once = copy.deepcopy(state(server))
    assert not worker.begin(FIRST).sent
    assert not checkpoint(server).begin(FIRST).sent
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
    assert one.begin(known).sent
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
    assert one.begin(SECOND).sent
    assert one.in_flight is not None
    assert one.in_flight.commit.expected == server.head
    one.settle()
    assert state(server) == straight(FIRST, OTHER, SECOND)


def test_of_a_refused_batch_only_what_others_left_is_learned() -> None:
    server = MemoryServer()
    slow, quick = checkpoint(server), checkpoint(server)
    both = batch(0, 0, [("u", "i", 4.0), ("v", "i", 2.0), ("u", "j", 5.0), ("u", "k", 1.0), ("w", "j", 3.0)])
    assert slow.begin(both).sent
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
    assert one.begin(FIRST).sent
    learn(other, OTHER)
    assert one.settle() is not None
    one.resync()
    assert one.model.items.ids == server.items == ["j", "new", "i"]
    learn(one, FIRST)
    assert state(server) == straight(OTHER, FIRST)


@pytest.mark.parametrize("fails_at", ["send", "request lost", "reply lost"])
def test_after_a_lost_answer_each_event_counts_once(fails_at: str) -> None:
    server = MemoryServer()
    worker = checkpoint(server)
    learn(worker, FIRST)
    store = worker.store
    assert isinstance(store, FrailStore)
    store.fails_at = fails_at
    with pytest.raises(StoreAwayError):  # noqa: PT012 - it may fail at either
        worker.begin(SECOND)
        worker.settle()
    worker.resync()
    assert worker.begin(SECOND).sent is (fails_at != "reply lost")
    worker.settle()
    learn(worker, OTHER)
    assert state(server) == straight(FIRST, SECOND, OTHER)


def test_a_store_that_fell_back_is_followed_back() -> None:
    server = MemoryServer()
    worker = checkpoint(server)
    learn(worker, FIRST)
    earlier = copy.deepcopy(vars(server))
    learn(worker, OTHER)
    vars(server).update(earlier)
    before = worker.rewinds
    worker.resync()
    assert worker.rewinds == before + 1
    assert worker.watermarks == {0: 3}
    assert worker.model.items.ids == server.items == ["i", "j"]
    learn(worker, SECOND)
    learn(worker, OTHER)
    assert state(server) == straight(FIRST, SECOND, OTHER)


def test_a_store_that_fell_back_and_went_on_without_us_is_another_timeline() -> None:
    server = MemoryServer()
    worker = checkpoint(server)
    learn(worker, FIRST)
    earlier = copy.deepcopy(vars(server))
    learn(worker, SECOND)
    vars(server).update(earlier)
    learn(checkpoint(server), OTHER)  # the head has the sequence number that this worker's has
    assert worker.begin(batch(0, 5, [("u", "i", 1.0)])).sent
    settled = worker.settle()
    assert settled is not None
    assert not settled.receipt.committed
    worker.resync()
    assert worker.watermarks == {0: 3, 1: 3}
    learn(worker, SECOND)
    assert state(server) == straight(FIRST, OTHER, SECOND)


def test_a_worker_that_the_feed_has_left_behind_reads_everything_anew() -> None:
    server = MemoryServer()
    worker, other = checkpoint(server), checkpoint(server, feed_entries=2)
    learn(worker, FIRST)
    for offset in range(5):
        learn(other, batch(2, offset, [("u", f"i{offset}", 2.0)]))
    before = worker.rewinds
    learn(worker, SECOND)
    assert worker.rewinds == before + 1
    assert header(server, "u")["ratings"] == 8


def test_a_tombstone_between_two_ratings_of_one_batch_forgets_the_first_alone() -> None:
    server = MemoryServer()
    worker = checkpoint(server)
    learn(worker, batch(0, 0, [("u", "i", 5.0), ("u", "j", 4.0)]))
    learn(worker, batch(0, 2, [("u", "k", 1.0), ("u", "", 0.0), ("u", "i", 2.0)]))
    assert (header(server, "u")["events"], header(server, "u")["ratings"]) == (1, 1)
    assert len(server.recent["u"]) == 6
    assert "u" not in server.histories
    items = {
        row_id: np.frombuffer(row[:28], HEADER)[0]["events"] for row_id, row in server.rows["item"].items()
    }
    assert items == {"i": 2, "j": 1, "k": 1}, "items keep what they learned"


def test_a_forgotten_user_leaves_nothing_in_the_store() -> None:
    server = MemoryServer()
    learn(checkpoint(server), FIRST)
    learn(checkpoint(server), batch(0, 3, [("u", "", 0.0), ("never-seen", "", 0.0)]))
    assert set(server.rows["user"]) == set(server.recent) == {"v"}
    assert server.histories == {}


def test_a_retraction_counts_in_the_ledger_and_teaches_nothing() -> None:
    server = MemoryServer()
    worker = checkpoint(server)
    learn(worker, FIRST)
    before = copy.deepcopy(server.rows)
    learn(worker, batch(0, 3, [("u", "i", 0.0), ("u", "never-seen", 0.0)]))
    assert server.rows["item"] == before["item"]
    assert server.rows["user"]["u"][HEADER.itemsize :] == before["user"]["u"][HEADER.itemsize :]
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
    assert (server.histories, server.recent) == ({}, {})


def test_a_row_of_another_model_is_told_before_anything_is_learned() -> None:
    server = MemoryServer()
    learn(checkpoint(server), FIRST)
    server.rows["user"]["u"] = b"another"
    before = copy.deepcopy(state(server))
    worker = checkpoint(server)
    with pytest.raises(FormatError, match="user 'u'"):
        worker.begin(SECOND)
    assert state(server) == before
