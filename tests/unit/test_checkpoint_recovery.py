"""Model and store kept in step after lost answers and fall-backs."""

import copy

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
    header,
    learn,
    state,
    straight,
)


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
    assert worker.begin(SECOND).learned is (fails_at != "reply lost")
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
    assert worker.begin(OTHER).gaps == [1], "nobody has said where that log begins since the store fell back"
    worker.beginnings = {1: 0}
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
    assert worker.begin(batch(0, 5, [("u", "i", 1.0)])).learned
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
