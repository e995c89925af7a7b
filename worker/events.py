"""Decoded events as columns, and what they came with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lfm_online.ids import Ids
from lfm_online.store.protocol import Range
from worker.dead_letters.letter import DeadLetter


@dataclass(frozen=True)
class Events:
    """Valid events in the order of ``ranges``, and of offsets; all columns have one length.

    ``ranges`` says which offsets they stand for: all valid events of those are here, and
    ``letters`` holds the others. What a worker fetched has one range a partition, ascending.
    """

    what: NDArray[np.uint8]  # lfm_online.batch: RATING, RETRACTION, FORGET
    users: Ids
    items: Ids  # empty for FORGET
    rating: NDArray[np.float64]
    time_ms: NDArray[np.int64]
    partition: NDArray[np.int32]
    offset: NDArray[np.int64]
    record_ms: NDArray[np.int64]  # the record's own time, -1 where it has none
    letters: Sequence[DeadLetter]
    ranges: Sequence[Range]
    foreign_keys: int = 0  # records keyed by something other than their user

    def __len__(self) -> int:
        """How many valid events."""
        return len(self.users)

    def choose(self, keep: NDArray[Any], ranges: Sequence[Range]) -> Events:
        """The events of a mask or a slice's indices, and the letters within ``ranges``."""
        chosen = np.flatnonzero(keep) if keep.dtype == np.bool_ else keep
        of = {r.partition: r for r in ranges}
        return Events(
            self.what[chosen],
            self.users.take(chosen),
            self.items.take(chosen),
            self.rating[chosen],
            self.time_ms[chosen],
            self.partition[chosen],
            self.offset[chosen],
            self.record_ms[chosen],
            [x for x in self.letters if x.partition in of and _within(x.last, of[x.partition])],
            ranges,
        )

    def from_watermarks(self, watermarks: Mapping[int, int]) -> tuple[Events, list[int]]:
        """What of these is still to be learned.

        Args:
            watermarks: Next offset to learn, per partition.

        Returns:
            The events at or above the watermarks, and the partitions without a watermark, or where
            something between watermark and events is missing; their events are left out.
        """
        marks = dict(watermarks)
        for r in self.ranges:
            if r.first != marks.get(r.partition):
                break
            marks[r.partition] = r.end
        else:
            return self, []
        gaps = [r.partition for r in self.ranges if watermarks.get(r.partition, -1) < r.first]
        ranges = [
            Range(r.partition, max(r.first, watermarks[r.partition]), r.end)
            for r in self.ranges
            if r.partition not in gaps and watermarks[r.partition] < r.end
        ]
        keep = np.zeros(len(self), np.bool_)
        for r in ranges:
            keep |= (self.partition == r.partition) & (self.offset >= r.first)
        return self.choose(keep, ranges), gaps


def _within(offset: int, r: Range) -> bool:
    return r.first <= offset < r.end


def join(parts: Sequence[Events]) -> Events:
    """Events as one, by ascending partition; those of one partition follow each other in ``parts``."""
    if len(parts) == 1:
        return parts[0]
    parts = sorted(parts, key=lambda p: p.ranges[0].partition)
    ranges: list[Range] = []
    for r in (r for p in parts for r in p.ranges):
        if ranges and ranges[-1].partition == r.partition:
            ranges[-1] = ranges[-1]._replace(end=r.end)
        else:
            ranges.append(r)
    return chain(parts, ranges)


def chain(parts: Sequence[Events], ranges: Sequence[Range]) -> Events:
    """Events one behind the other as one, in this order, of these ranges."""
    return Events(
        np.concatenate([p.what for p in parts]),
        Ids.joined([p.users for p in parts]),
        Ids.joined([p.items for p in parts]),
        np.concatenate([p.rating for p in parts]),
        np.concatenate([p.time_ms for p in parts]),
        np.concatenate([p.partition for p in parts]),
        np.concatenate([p.offset for p in parts]),
        np.concatenate([p.record_ms for p in parts]),
        [letter for p in parts for letter in p.letters],
        ranges,
        sum(p.foreign_keys for p in parts),
    )
