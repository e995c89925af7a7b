"""Offsets without a record at the end of what was polled, so that watermarks pass them.

Else a log that keeps nothing but the marker of a transaction would look as if it had lost an event once
retention takes that, and as if there was always something left to learn.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

from worker.source.records import Records, holes

HOLES_SECONDS: Final = 1.0
"""Between two looks for offsets at the log's end that hold no record: each such find is a commit."""


class PassedHoles:
    """Looks for them, now and then."""

    def __init__(self) -> None:
        """The first look is at once."""
        self._looked_at = 0.0

    def take(self, position: dict[int, int], end_of: Callable[[int], int]) -> list[Records]:
        """What stands for them, by ascending partition; nothing while it is too early.

        Args:
            position: The next offset of each partition that is read; moved behind what is found.
            end_of: Where the client has got to in a partition.
        """
        if time.monotonic() - self._looked_at < HOLES_SECONDS:
            return []
        self._looked_at = time.monotonic()
        found = []
        for partition, first in sorted(position.items()):
            end = end_of(partition)
            if end > first:
                found.append(holes(partition, first, end))
                position[partition] = end
        return found
