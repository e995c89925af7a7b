"""The loop at a rebalance, at a full outbox, and over a store that was emptied."""

import pytest

from lfm_online.store.memory import MemoryServer
from tests.made_loop import Loop
from worker.model_opening import NewModelError


def test_what_was_fetched_of_a_partition_that_then_went_away_is_not_learned() -> None:
    loop = Loop()
    loop.produce(1, 1)
    loop.steps()
    loop.produce(1, 3)
    loop.source.taken_away = True
    loop.steps()
    assert loop.server.watermarks == {"ratings-1": 1}


def test_a_store_that_was_emptied_before_the_first_commit_gets_the_meta_with_it() -> None:
    loop = Loop()
    loop.steps()
    assert loop.server.meta is not None
    meta, loop.server.meta = loop.server.meta, None
    loop.produce(0, 1)
    loop.steps()
    assert loop.server.head.sequence == 1
    assert loop.server.meta == meta


def test_a_store_that_lost_the_model_under_a_live_worker_stops_it() -> None:
    loop = Loop()
    loop.produce(0, 3)
    loop.steps()
    assert loop.log.group_offsets == {0: 3}
    vars(loop.server).update(vars(MemoryServer()))
    with pytest.raises(NewModelError, match="does not know model"):
        loop.steps()


def test_a_rebalance_while_an_outbox_is_full_skips_nothing() -> None:
    loop = Loop()
    for _ in range(2):  # the second lot finds no room
        loop.produce(0, 8, b"bad")
        loop.steps()
    assert loop.server.watermarks == {"ratings-0": 8}
    loop.source.assign([0, 1])
    loop.produce(0, 3, b"bad")  # one more than a commit takes
    loop.steps()
    for _ in range(2):
        loop.pipeline.outbox_changed(0, 0)
        loop.steps()
    assert loop.server.watermarks == {"ratings-0": 19}
