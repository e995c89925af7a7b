"""How many events one commit takes: as many as the store handles in the time aimed at."""

from __future__ import annotations

from typing import Final

SMALLEST: Final = 500
"""With a ranking head, a commit of fewer writes several rows an event: most of those that it draws from."""
START: Final = 1000
"""About 2,000 rows."""
QUICKEST_CHANGE: Final = 1.5
"""A commit tells little of the next: the size never changes by more than this factor at once."""


class BatchSize:
    """Follows the measured time of commits."""

    def __init__(self, target_seconds: float, largest: int) -> None:
        """Aims at ``target_seconds`` of the store's time, with at most ``largest`` events."""
        self._target = target_seconds
        self._largest = largest
        self.smallest = min(SMALLEST, largest)
        """Fewer events than this are not under load."""
        self._size = float(min(START, largest))

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
        wanted = events * self._target / seconds
        change = min(max(wanted / self._size, 1 / QUICKEST_CHANGE), QUICKEST_CHANGE)
        self._size = min(max(self._size * change, self.smallest), self._largest)
