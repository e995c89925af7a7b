"""How many users' rows a worker keeps in memory: the ones not used for longest make room for others."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from lfm_online.rows import Table

KEPT_SHARE: Final = 0.75
"""Of the budget, when room is made: often enough that most of it is in use, seldom enough that the
copying, three rows for each that makes room, is little beside reading a row from the store."""


class RowBudget:
    """Keeps a table within a number of rows."""

    def __init__(self, table: Table, rows: int) -> None:
        """At most ``rows`` of an empty ``table``, or what the batch at hand touches where that is more."""
        self._table = table
        self._rows = rows
        self._batch = 0
        self._used = np.zeros(0, np.uint32)  # by row number: the last batch that touched it
        table.reserve(rows)

    def has_room(self, more: int) -> bool:
        """Whether there is room for so many rows more."""
        return len(self._table) + more <= self._rows

    def make_room(self, more: int) -> bool:
        """Have room for so many rows more; whether that changed row numbers."""
        n = len(self._table)
        if self.has_room(more):
            return False
        kept = max(0, min(int(KEPT_SHARE * self._rows), self._rows - more, n))
        last = np.argpartition(self._used[:n], n - kept)[n - kept :] if kept else np.zeros(0, np.int64)
        numbers = np.sort(last).astype(np.int32)
        self._used[:kept] = self._used[numbers]
        self._table.keep(numbers)
        return True

    def touch(self, numbers: NDArray[np.int32]) -> None:
        """A batch uses these rows."""
        short = len(self._table.loaded) - len(self._used)
        if short > 0:
            self._used = np.concatenate([self._used, np.zeros(short, np.uint32)])
        self._batch += 1
        self._used[numbers] = self._batch
