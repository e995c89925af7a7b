"""How many events one commit takes: as many as the store handles in the time aimed at."""

from __future__ import annotations

import statistics
from collections import deque
from typing import Final

SMALLEST: Final = 500
"""With a ranking head, a commit of fewer writes several rows an event: most of those that it draws from."""
START: Final = 1000
"""About 2,000 rows."""
QUICKEST_CHANGE: Final = 1.5
"""A commit tells little of the next: the size never changes by more than this factor at once."""
REMEMBERED: Final = 5
"""Commits whose median counts. A store that pauses for one, as at the end of a rewrite of its file, is not a
slow store: smaller commits, which cost more an event, would keep the backlog of the pause from going."""


class BatchSize:
    """Follows the measured time of commits."""

    def __init__(self, target_seconds: float, largest: int) -> None:
        """Aims at ``target_seconds`` of the store's time, with at most ``largest`` events."""
        self._target = target_seconds
        self._largest = largest
        self.smallest = min(SMALLEST, largest)
        """Fewer events than this are not under load."""
        self._size = float(min(START, largest))
        self._costs = deque[float](maxlen=REMEMBERED)  # seconds an event, of the last commits

    @property
    def events(self) -> int:
        """Most events of the next commit."""
        return int(self._size)

    def observe(self, events: int, seconds: float) -> None:
        """A commit of that many events took the store that long.

        Commits of less than half the size say little about it, and are passed over.
        """
        if events * 2 < self._size or seconds <= 0:
            return
        self._costs.append(seconds / events)
        wanted = self._target / statistics.median(self._costs)
        change = min(max(wanted / self._size, 1 / QUICKEST_CHANGE), QUICKEST_CHANGE)
        self._size = min(max(self._size * change, self.smallest), self._largest)
