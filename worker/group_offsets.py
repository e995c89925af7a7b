"""Offsets of the group in Kafka, for outside tools alone: a worker starts from the store's watermarks."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Final

from lfm_online.store.protocol import Range
from worker.source.protocol import Source

COMMIT_SECONDS: Final = 1.0
"""Between two commits of them."""


class GroupOffsets:
    """Tells the group how far its members have learned, now and then."""

    def __init__(self, source: Source, clock: Callable[[], float]) -> None:
        """Nothing to tell yet."""
        self._source = source
        self._clock = clock
        self._told_at = clock()
        self._offsets: dict[int, int] = {}

    def start(self, marks: Mapping[int, int]) -> None:
        """These are this worker's partitions, and how far they are learned."""
        self._offsets = dict(marks)

    def learned(self, ranges: Iterable[Range]) -> None:
        """These offsets are learned."""
        self._offsets |= {r.partition: r.end for r in ranges}

    def tell(self, assigned: frozenset[int], *, at_once: bool = False) -> None:
        """Commit what is new of these partitions, if it is time or must be ``at_once``."""
        if not at_once and self._clock() - self._told_at < COMMIT_SECONDS:
            return
        self._told_at = self._clock()
        mine = {p: offset for p, offset in self._offsets.items() if p in assigned}
        self._offsets = {}
        if mine:
            self._source.commit(mine)
