"""Columns of decoded events: joined, cut at the watermarks, chosen by partition."""

from collections.abc import Sequence

import numpy as np
import pytest

from lfm_online.ids import Ids
from lfm_online.store.protocol import Range
from tests.made_checkpoints import letter
from worker.events import Events, join


def events(
    partition: int, offsets: Sequence[int], letters: Sequence[int] = (), first: int | None = None
) -> Events:
    """Events at offsets of one partition, their users named by place, and letters between them."""
    n = len(offsets)
    places = [*offsets, *letters]
    return Events(
        np.arange(n, dtype=np.uint8) % 3,
        Ids.of([f"u{partition}-{offset}" for offset in offsets]),
        Ids.of([f"i{partition}-{offset}" for offset in offsets]),
        np.array(offsets, np.float64),
        np.array(offsets, np.int64) * 10,
        np.full(n, partition, np.int32),
        np.array(offsets, np.int64),
        np.array(offsets, np.int64) * 100,
        [letter(partition, offset) for offset in letters],
        [Range(partition, min(places) if first is None else first, max(places) + 1)],
        foreign_keys=1,
    )


def places(found: Events) -> list[tuple[int, int]]:
    """(partition, offset) of each event; all columns must say the same."""
    offsets = found.offset.tolist()
    assert found.rating.tolist() == offsets
    assert (found.time_ms // 10).tolist() == (found.record_ms // 100).tolist() == offsets
    pairs = list(zip(found.partition.tolist(), offsets, strict=True))
    assert found.users == [f"u{p}-{offset}" for p, offset in pairs]
    assert found.items == [f"i{p}-{offset}" for p, offset in pairs]
    assert len(found) == len(found.what) == len(pairs)
    return pairs


def letters_of(found: Events) -> list[tuple[int, int]]:
    return [(each.partition, each.offset) for each in found.letters]


TWO = join([events(0, [5, 6, 9], letters=[7]), events(2, [0, 1], letters=[2], first=0)])


def test_joined_parts_keep_their_order_and_all_that_they_came_with() -> None:
    assert places(TWO) == [(0, 5), (0, 6), (0, 9), (2, 0), (2, 1)]
    assert letters_of(TWO) == [(0, 7), (2, 2)]
    assert TWO.ranges == [Range(0, 5, 10), Range(2, 0, 3)]
    assert TWO.foreign_keys == 2


def test_one_part_joined_is_itself() -> None:
    one = events(0, [1])
    assert join([one]) is one


def test_what_begins_at_the_watermarks_is_left_whole() -> None:
    left, gaps = TWO.from_watermarks({0: 5, 2: 0, 3: 99})
    assert left is TWO
    assert gaps == []


def test_a_partition_without_a_watermark_is_left_out_and_told() -> None:
    left, gaps = TWO.from_watermarks({0: 6})
    assert gaps == [2]
    assert places(left) == [(0, 6), (0, 9)]
    left, gaps = TWO.from_watermarks({})
    assert gaps == [0, 2]
    assert places(left) == []


@pytest.mark.parametrize(
    ("mark", "kept", "letters", "ranges"),
    [
        (6, [(0, 6), (0, 9)], [(0, 7)], [Range(0, 6, 10)]),
        (7, [(0, 9)], [(0, 7)], [Range(0, 7, 10)]),
        (8, [(0, 9)], [], [Range(0, 8, 10)]),
        (9, [(0, 9)], [], [Range(0, 9, 10)]),
        (10, [], [], []),
        (999, [], [], []),
    ],
)
def test_what_lies_below_a_watermark_is_left_out_with_its_letters(
    mark: int, kept: list[tuple[int, int]], letters: list[tuple[int, int]], ranges: list[Range]
) -> None:
    left, gaps = TWO.from_watermarks({0: mark, 2: 0})
    assert places(left) == [*kept, (2, 0), (2, 1)]
    assert letters_of(left) == [*letters, (2, 2)]
    assert left.ranges == [*ranges, Range(2, 0, 3)]
    assert gaps == []


def test_a_partition_that_does_not_join_up_is_left_out_and_told() -> None:
    left, gaps = TWO.from_watermarks({0: 4, 2: 1})
    assert gaps == [0]
    assert places(left) == [(2, 1)]
    assert letters_of(left) == [(2, 2)]
    assert left.ranges == [Range(2, 1, 3)]


def test_nothing_is_left_of_what_was_learned_already() -> None:
    left, gaps = TWO.from_watermarks({0: 10, 2: 3})
    assert (len(left), list(left.letters), list(left.ranges), gaps) == (0, [], [], [])


def test_letters_alone_move_a_watermark_too() -> None:
    left, gaps = events(1, [], letters=[3, 4]).from_watermarks({1: 4})
    assert (len(left), letters_of(left), left.ranges, gaps) == (0, [(1, 4)], [Range(1, 4, 5)], [])
