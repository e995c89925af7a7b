"""The loops of two workers of one model, which take turns."""

import pytest

from tests.made_loop import Loop
from tests.made_records import event
from worker.fetched import AHEAD_BATCHES

BATCH = 10
"""Events of a full batch in these loops."""


@pytest.fixture
def workers() -> tuple[Loop, Loop]:
    """Each with a partition of its own, started."""
    one = Loop(assigned=[0])
    other = Loop(one, assigned=[1])
    one.steps(1)
    other.steps(1)
    return one, other


def test_who_holds_the_turn_commits_until_there_is_nothing_more_and_the_other_waits(
    workers: tuple[Loop, Loop],
) -> None:
    one, other = workers
    one.produce(0, 3 * BATCH)
    one.produce(1, 2)
    one.pipeline.step()
    for _ in range(3):
        other.pipeline.step()
    assert other.checkpoint.in_flight is None, "it is not its turn"
    while not one.pipeline.idle:
        one.pipeline.step()
    while not other.pipeline.idle:
        other.pipeline.step()
    assert one.server.watermarks == {"ratings-0": 3 * BATCH, "ratings-1": 2}
    assert other.counts["refusals"] == one.counts["refusals"] == 0


def test_who_waits_goes_on_fetching_for_some_batches_and_commits_them_one_by_one(
    workers: tuple[Loop, Loop],
) -> None:
    one, other = workers
    one.produce(0, 2 * BATCH)
    one.pipeline.step()
    for _ in range(AHEAD_BATCHES * BATCH + 3):
        one.produce(1, 1)
        other.pipeline.step()
    assert other.source.polled == AHEAD_BATCHES * BATCH
    assert one.server.watermarks == {}
    one.pipeline.drain()
    other.pipeline.step()
    other.pipeline.step()
    assert one.server.watermarks == {"ratings-0": BATCH, "ratings-1": BATCH}


def test_a_refused_batch_waits_for_the_turn_and_is_then_learned(workers: tuple[Loop, Loop]) -> None:
    one, other = workers
    one.produce(0, BATCH)
    one.produce(1, BATCH)
    one.pipeline.step()
    one.server.turn = (b"", 0.0)  # it lapsed
    other.pipeline.step()
    one.pipeline.step()
    other.pipeline.step()
    assert other.counts["refusals"] == 1
    one.pipeline.drain()
    for _ in range(3):
        other.pipeline.step()
    assert one.server.watermarks == {"ratings-0": BATCH, "ratings-1": BATCH}


def test_a_batch_whose_items_are_numbered_takes_in_nothing_more_while_it_waits_for_the_turn() -> None:
    """Else the list of items were in another order than that of the commits."""
    one = Loop()
    one.steps(1)
    one.server.turn = (b"another", one.now + 100)  # of which its own commit tells
    one.produce(0, 1, event(item_id="first"))
    one.pipeline.step()
    one.produce(1, 1, event(item_id="second", user_id="new"))
    one.pipeline.step()
    assert one.checkpoint.in_flight is None, "it is not its turn"
    one.produce(0, 1, event(item_id="third"))
    one.pipeline.step()
    one.server.turn = (b"", 0.0)
    one.steps()
    assert one.server.items == ["first", "second", "third"]
    assert [[r.partition for r in entry.ranges] for entry in one.server.feed] == [[0], [1], [0]]


def test_a_full_outbox_gives_the_turn_back(workers: tuple[Loop, Loop]) -> None:
    one, other = workers
    for _ in range(3):  # batches of which half is bad, the outbox takes two
        one.produce(0, BATCH // 2)
        one.produce(0, BATCH // 2, b"bad")
    one.produce(1, 2)
    for _ in range(5):
        one.pipeline.step()
    assert one.pipeline.held_by == "a full outbox"
    for _ in range(3):
        other.pipeline.step()
    assert one.server.watermarks["ratings-1"] == 2
