"""The size of a commit follows what commits cost the store."""

import pytest

from worker.batch_size import QUICKEST_CHANGE, REMEMBERED, SMALLEST, START, BatchSize

TARGET = 0.02


def settled(cost_seconds: float, largest: int = 100_000, commits: int = 60) -> int:
    """The size after many full commits whose events cost the store that much each."""
    size = BatchSize(TARGET, largest)
    for _ in range(commits):
        size.observe(size.events, size.events * cost_seconds)
    return size.events


def test_it_begins_with_about_two_thousand_rows_or_the_most_allowed() -> None:
    assert BatchSize(TARGET, 4000).events == START
    assert BatchSize(TARGET, 10).events == 10


@pytest.mark.parametrize("cost_seconds", [0.5e-6, 2e-6, 20e-6])
def test_it_settles_where_a_commit_takes_the_time_aimed_at(cost_seconds: float) -> None:
    assert settled(cost_seconds) == pytest.approx(TARGET / cost_seconds, rel=0.01)


def test_it_never_falls_below_the_smallest_nor_rises_above_the_largest() -> None:
    assert settled(1.0) == SMALLEST
    assert settled(1e-9, largest=4000) == 4000
    assert settled(1.0, largest=7) == 7


def test_two_slow_commits_change_nothing_a_store_that_stays_slow_does() -> None:
    size = BatchSize(TARGET, 100_000)
    for _ in range(60):
        size.observe(size.events, size.events * 2e-6)
    before = size.events
    for _ in range(REMEMBERED // 2):
        size.observe(size.events, 0.5)
    assert size.events == pytest.approx(before, rel=0.01)
    for _ in range(60):
        size.observe(size.events, size.events * 8e-6)
    assert size.events == pytest.approx(before / 4, rel=0.01)


@pytest.mark.parametrize(("cost_seconds", "factor"), [(1e-9, QUICKEST_CHANGE), (1.0, 1 / QUICKEST_CHANGE)])
def test_one_commit_changes_it_by_a_bounded_factor(cost_seconds: float, factor: float) -> None:
    assert settled(cost_seconds, commits=1) == int(START * factor)


def test_small_commits_and_those_that_cost_nothing_say_nothing() -> None:
    size = BatchSize(TARGET, 4000)
    size.observe(START // 2 - 1, 10.0)
    size.observe(START, 0.0)
    assert size.events == START
