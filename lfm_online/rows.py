"""Rows in memory: ids to row numbers, growing arrays, and bytes in and out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from lfm_online.aligned import grown, zeros
from lfm_online.distinct import distinct
from lfm_online.hashing import id_hashes
from lfm_online.id_index import IdIndex
from lfm_online.ids import Ids
from lfm_online.item_priors import NO_PRIORS, ItemPriors
from lfm_online.layout import CHUNK, CHUNK_BYTES, FORMAT_VERSION, HEADER, SLOT, FormatError, Kind, Rows
from lfm_online.prefetch import ask_for_all
from lfm_online.ranking.head import RankingHead
from lfm_online.ranking.layout import RankRows, section_bytes, state_of
from lfm_online.row_copies import first_misfit, join_rows, split_rows
from lfm_online.rules.rule import Rule
from lfm_online.store.protocol import ValueBlock

ID_BYTES: Final = 80
"""An id of 36 bytes, where it starts, and its share of a hash table that is at most half full."""
KEPT_AT_ONCE: Final = 1 << 16


class Table:
    """The rows of one kind that a process holds.

    Row numbers count up from 0 in the order in which ids were added, and stay until :meth:`keep`. A row
    is *loaded* once its values are known (read from the store, or started as new); :meth:`forget` takes
    that back and keeps the number.
    """

    def __init__(
        self,
        kind: Kind,
        rule: Rule,
        factors: int,
        *,
        history: int = 0,
        ranking: RankingHead | None = None,
        capacity: int = 256,
    ) -> None:
        """An empty table.

        Args:
            kind: Of its rows.
            rule: Whose rows they are.
            factors: How many a row has.
            history: Ratings that the model remembers of a user; if any, users' rows have a tail.
            ranking: The model's ranking head; None: it has none, nor do rows have a section of it.
            capacity: Rows to make room for; more come by copying.
        """
        self.kind = kind
        self.rule = rule
        self.n_factors = factors
        self.ranking = ranking
        head_bytes = section_bytes(kind, factors) if ranking is not None else 0
        self.row_bytes = rule.row_bytes(kind, factors) + head_bytes  # without the tail
        self.has_tails = history > 0 and kind == "user"
        self.priors: ItemPriors = NO_PRIORS
        """What new rows start from beside the rule's own start."""
        self.index = IdIndex(capacity)
        self._allocate(capacity)

    def __len__(self) -> int:
        """How many ids have a number."""
        return len(self.index)

    @property
    def ids(self) -> Ids:
        """The rows' ids, by row number."""
        return self.index.ids

    def number(self, row_id: str) -> int | None:
        """The row number of an id."""
        return self.index.number(row_id)

    def _allocate(self, capacity: int) -> None:
        k = self.n_factors
        self.rows = Rows(
            zeros((capacity,), HEADER),
            zeros((capacity,), self.rule.state_of(self.kind)),
            zeros((capacity, k), np.float32),
            zeros((capacity,), np.uint64),
        )
        ranked = capacity if self.ranking is not None else 0
        self.rank_rows = RankRows(
            zeros((ranked,), state_of(self.kind)), zeros((ranked, k), np.float32), self.rows.hash
        )
        # Ratings not yet in a full chunk, each at its slot: see history.py.
        self.tails = zeros((capacity if self.has_tails else 0, CHUNK_BYTES), np.uint8)
        self.loaded = zeros((capacity,), np.bool_)

    @property
    def _head_code(self) -> int:
        return self.ranking.code if self.ranking is not None else 0

    def _sections(self) -> tuple[NDArray[Any], ...]:
        """What a stored row consists of, in order, without the tail."""
        return (*self.rows[:3], *(self.rank_rows[:2] if self.ranking is not None else ()))

    def _sections_as_bytes(self) -> tuple[NDArray[np.uint8], ...]:
        return tuple(map(_as_bytes, self._sections()))

    def _grow(self, capacity: int) -> None:
        """Room for ``capacity`` rows: arrays double, so that adding a row costs O(1)."""
        room = len(self.loaded)
        if capacity > room:
            rows = max(capacity, 2 * room)
            self.rows = Rows(*(grown(array, rows) for array in self.rows))
            if self.ranking is not None:
                state, factors = (grown(array, rows) for array in self.rank_rows[:2])
                self.rank_rows = RankRows(state, factors, self.rows.hash)
            if self.has_tails:
                self.tails = grown(self.tails, rows)
            self.loaded = grown(self.loaded, rows)

    def numbers(self, ids: Sequence[str]) -> NDArray[np.int32]:
        """Row numbers of ids, in order; ids not seen before get the next ones."""
        first = len(self)
        found = self.index.numbers(ids if isinstance(ids, Ids) else Ids.of(ids))
        n = len(self)
        if n > first:
            self._grow(n)
            new = Ids(self.ids.data, self.ids.start[first:])
            self.rows.hash[first:n] = id_hashes(self.kind, new)
        return found

    def ask_for(self, numbers: NDArray[np.int32]) -> None:
        """Have rows on their way to the processor's caches, all of a batch at once.

        A kernel asks for a row too, some events ahead, which is not enough once they take gigabytes: with
        10 M users it takes 95 ns an event more than with 10,000. After this, which takes 42, no more.
        """
        arrays = (*self._sections(), self.rows.hash, self.loaded)
        ask_for_all(tuple(_as_bytes(array) for array in arrays), numbers)

    def start(self, numbers: NDArray[np.int32]) -> None:
        """Set rows to where a new row starts; they count as loaded."""
        if len(numbers) == 0:
            return
        header = np.zeros((), HEADER)
        header["format"] = FORMAT_VERSION
        header["rule"] = self.rule.code
        header["head"] = self._head_code
        self.rows.header[numbers] = header
        self.rule.start(self.kind, self.rows, numbers)
        if len(self.priors):
            self.priors.add_to(self.rows, numbers)
        if self.ranking is not None:
            self.ranking.start(self.kind, self.rank_rows, numbers)
        self.loaded[numbers] = True

    def load(self, numbers: NDArray[np.int32], stored: Sequence[bytes | None]) -> None:
        """Take rows over as they lie in the store; None is a row that isn't there.

        Raises:
            FormatError: a row of another length, format version or rule; nothing was taken over.
        """
        present = np.fromiter((value is not None for value in stored), np.bool_, len(stored))
        absent, numbers = numbers[~present], numbers[present]
        values = [value for value in stored if value is not None]
        lengths = np.fromiter(map(len, values), np.int64, len(values))
        joined = np.frombuffer(b"".join(values), np.uint8)
        codes = np.array([FORMAT_VERSION, self.rule.code, self._head_code], np.uint8)
        misfit = first_misfit(joined, lengths, codes, self.row_bytes, self.has_tails)
        if misfit >= 0:
            raise FormatError(self._misfit(int(numbers[misfit]), values[misfit]))
        self.start(absent)
        split_rows(joined, lengths, self._sections_as_bytes(), self.tails, numbers)
        self.loaded[numbers] = True

    def _misfit(self, number: int, value: bytes) -> str:
        codes = "{} bytes, format {}, rule {}, head {}"
        found = codes.format(len(value), *value[:3]) if len(value) > 2 else repr(value)
        size = f"{self.row_bytes} bytes{' and a tail' if self.has_tails else ''}"
        return (
            f"the row of {self.kind} {self.ids[number]!r} does not fit this model: found {found}; "
            f"expected {size}, format {FORMAT_VERSION}, rule {self.rule.code} ({self.rule.name}), "
            f"head {self._head_code}. Its key was written by something else, or by another version: "
            "restore the store, or learn the model anew under another name (LFM_MODEL)"
        )

    def missing(self, numbers: NDArray[np.int32]) -> NDArray[np.int32]:
        """Of these rows the ones that are not loaded, each once, ascending."""
        return distinct(numbers[~self.loaded[numbers]])

    def forget(self, numbers: NDArray[Any]) -> None:
        """These rows must be read again before they are used."""
        self.loaded[numbers] = False

    def forget_all(self) -> None:
        """Every row must be read again before it is used."""
        self.loaded[:] = False

    def truncate(self, n: int) -> None:
        """Take the numbers from ``n`` on back from their ids."""
        self.index.truncate(n)
        self.loaded[n:] = False

    def reserve(self, capacity: int) -> None:
        """Room for so many rows in an empty table, so that it grows without copying.

        The system gives memory to rows only as they are written.
        """
        self._allocate(capacity)

    def keep(self, numbers: NDArray[np.int32]) -> None:
        """Keep these rows alone; the j-th of them, ascending, has number j from now on."""
        n = len(numbers)
        for array in (*self.rows, *self.rank_rows[:2], self.tails, self.loaded):
            for start in range(0, n if len(array) else 0, KEPT_AT_ONCE):  # no row moves up, so in place
                part = numbers[start : start + KEPT_AT_ONCE]
                array[start : start + len(part)] = array[part]
        self.loaded[n:] = False
        self.index.keep(numbers)

    @property
    def bytes_in_memory(self) -> int:
        """Of a row, with its id."""
        arrays = (*self.rows, *self.rank_rows[:2], self.tails, self.loaded)
        return ID_BYTES + sum(a.nbytes // len(a) for a in arrays if len(a))

    def stored(self, numbers: NDArray[np.int32]) -> ValueBlock:
        """The rows as they lie in the store, with their tails."""
        ids = self.ids.take(numbers)
        tails = np.zeros(len(numbers), np.int64)
        if self.has_tails:
            tails = SLOT.itemsize * (self.rows.header["ratings"][numbers].astype(np.int64) % CHUNK)
        return ValueBlock(ids.data, ids.lengths, self._joined(numbers, tails), tails + self.row_bytes)

    def block(self, numbers: NDArray[np.int32]) -> NDArray[np.uint8]:
        """The rows without their tails: ``uint8[n, row_bytes]``."""
        return self._joined(numbers, np.zeros(len(numbers), np.int64)).reshape(-1, self.row_bytes)

    def _joined(self, numbers: NDArray[np.int32], tails: NDArray[np.int64]) -> NDArray[np.uint8]:
        values = np.empty(len(numbers) * self.row_bytes + int(tails.sum()), np.uint8)
        join_rows(self._sections_as_bytes(), self.tails, numbers, tails, values)
        return values


def _as_bytes(array: NDArray[Any]) -> NDArray[np.uint8]:
    """By row: ``uint8[n_rows, width]``."""
    width = array.dtype.itemsize * (array.shape[1] if array.ndim > 1 else 1)
    return array.view(np.uint8).reshape(len(array), width)
