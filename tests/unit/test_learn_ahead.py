"""A batch that is learned on top of a commit in flight."""

import pytest

from lfm_online.store.memory import MemoryServer
from lfm_online.store.protocol import StoreAwayError
from tests.made_checkpoints import (
    FIRST,
    OTHER,
    SECOND,
    FrailStore,
    batch,
    checkpoint,
    learn,
    state,
    straight,
)
from worker.checkpoint import Checkpoint

SENT = batch(0, 3, [("u", "i", 1.0), ("v", "j", 3.0)])
AHEAD = batch(0, 5, [("v", "i", 5.0), ("u", "j", 2.0)])


def begun(server: MemoryServer) -> Checkpoint:
    """With a commit in flight and the next batch learned on top."""
    worker = checkpoint(server)
    learn(worker, FIRST)
    assert worker.begin(SENT).learned
    assert worker.learn_ahead(AHEAD)
    return worker


def test_it_gives_the_same_as_one_after_the_other() -> None:
    server = MemoryServer()
    worker = begun(server)
    settled = worker.settle()
    assert settled is not None
    assert settled.receipt.committed
    assert server.watermarks == {"ratings-0": 5}, "what is learned ahead is not sent before"
    worker.send()
    worker.settle()
    assert state(server) == straight(FIRST, SENT, AHEAD)


def test_with_nothing_in_flight_or_one_learned_ahead_already_it_is_not_learned() -> None:
    worker = checkpoint(MemoryServer())
    learn(worker, FIRST)
    assert not worker.learn_ahead(SENT)
    assert not begun(MemoryServer()).learn_ahead(batch(0, 7, [("u", "i", 3.0)]))


def test_a_batch_whose_rows_must_be_read_waits_and_its_items_are_not_those_of_the_commit_in_flight() -> None:
    server = MemoryServer()
    worker = checkpoint(server)
    assert worker.begin(FIRST).learned
    assert not worker.learn_ahead(SECOND)
    worker.settle()
    assert server.items == ["i", "j"]
    learn(worker, SECOND)
    assert state(server) == straight(FIRST, SECOND)


def test_dead_letters_wait_for_the_outbox_to_be_counted() -> None:
    worker = checkpoint(MemoryServer())
    learn(worker, FIRST)
    assert worker.begin(SENT).learned
    assert not worker.learn_ahead(batch(0, 5, [("u", "i", 3.0)], letters=[6]))


def test_a_refusal_takes_back_what_was_learned_on_top() -> None:
    server = MemoryServer()
    worker = checkpoint(server)
    learn(worker, FIRST)
    learn(checkpoint(server), OTHER)
    assert worker.begin(SENT).learned
    assert worker.learn_ahead(AHEAD)
    settled = worker.settle()
    assert settled is not None
    assert not settled.receipt.committed
    worker.resync()
    assert worker.learned is None
    learn(worker, SENT)
    learn(worker, AHEAD)
    assert state(server) == straight(FIRST, OTHER, SENT, AHEAD)


@pytest.mark.parametrize("fails_at", ["request lost", "reply lost"])
def test_a_lost_answer_takes_back_what_was_learned_on_top(fails_at: str) -> None:
    server = MemoryServer()
    worker = begun(server)
    assert isinstance(worker.store, FrailStore)
    worker.store.fails_at = fails_at
    with pytest.raises(StoreAwayError):
        worker.settle()
    worker.resync()
    worker.begin(SENT)
    worker.settle()
    learn(worker, AHEAD)
    assert state(server) == straight(FIRST, SENT, AHEAD)


def test_an_answer_lost_while_it_is_sent_leaves_it_to_be_learned_again() -> None:
    server = MemoryServer()
    worker = begun(server)
    worker.settle()
    assert isinstance(worker.store, FrailStore)
    worker.store.fails_at = "send"
    with pytest.raises(StoreAwayError):
        worker.send()
    worker.resync()
    learn(worker, AHEAD)
    assert state(server) == straight(FIRST, SENT, AHEAD)
