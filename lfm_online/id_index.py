"""Ids to numbers, counted up from 0 in the order in which they came: a hash table in arrays.

Ids are looked up a batch at a time in one compiled loop (``python -m tests.benchmarks --only ids``: three
times as fast as a dictionary of texts that are there already), and cost 20 to 30 bytes beside their own.
"""

from __future__ import annotations

import secrets
from typing import Any, Final

import numba
import numpy as np
from numpy.typing import NDArray

from lfm_online.hashing import fmix64
from lfm_online.ids import Ids
from lfm_online.numba_flags import BORROWING
from lfm_online.prefetch import AHEAD, ask_for, place_of

_FREE: Final = -1


class IdIndex:
    """Numbers of ids; an id keeps its number until :meth:`truncate` or :meth:`keep`."""

    def __init__(self, capacity: int = 256) -> None:
        """An empty index with room for so many; more come by copying."""
        # Of this process's own, so that nobody can send ids that all fall on one place.
        self._seed = np.uint64(secrets.randbits(64))
        self._n = 0
        self._data = np.zeros(16 * capacity, np.uint8)
        self._start = np.zeros(capacity + 1, np.int64)
        self._rebuild(capacity)

    def __len__(self) -> int:
        """How many ids have a number."""
        return self._n

    @property
    def ids(self) -> Ids:
        """All ids, by number."""
        return Ids(self._data, self._start[: self._n + 1])

    def find(self, ids: Ids) -> NDArray[np.int32]:
        """Their numbers, ``int32[n]``; -1 for those that have none."""
        out = np.empty(len(ids), np.int32)
        own = np.empty(len(ids), np.uint64)
        _find(self._seed, self._slots, self._hashes, self._data, self._start, ids.data, ids.start, own, out)
        return out

    def number(self, row_id: str) -> int | None:
        """The number of one id."""
        found = int(self.find(Ids.of([row_id]))[0])
        return None if found == _FREE else found

    def numbers(self, ids: Ids) -> NDArray[np.int32]:
        """Their numbers, ``int32[n]``; those not seen before get the next ones."""
        out = self.find(ids)
        new = np.flatnonzero(out == _FREE)
        if len(new):
            out[new] = self._enter(ids.take(new))
        return out

    def truncate(self, n: int) -> None:
        """Take the numbers from ``n`` on back from their ids."""
        if n < self._n:
            self._n = n
            self._rebuild(len(self._start) - 1)

    def keep(self, numbers: NDArray[np.int32]) -> None:
        """Keep these alone; the j-th of them, ascending, is j from now on."""
        kept = self.ids.take(numbers)
        self._n = len(kept)
        self._data[: len(kept.data)] = kept.data
        self._start[: self._n + 1] = kept.start
        self._rebuild(len(self._start) - 1)

    def _enter(self, ids: Ids) -> NDArray[np.int32]:
        room = len(self._start) - 1
        if self._n + len(ids) > room:
            room = max(self._n + len(ids), 2 * room)
            self._start = np.concatenate([self._start, np.zeros(room + 1 - len(self._start), np.int64)])
            self._rebuild(room)
        end = int(self._start[self._n] + ids.start[-1] - ids.start[0])
        if end > len(self._data):
            more = max(end, 2 * len(self._data)) - len(self._data)
            self._data = np.concatenate([self._data, np.zeros(more, np.uint8)])
        out = np.empty(len(ids), np.int32)
        self._n = _enter(
            self._seed, self._slots, self._hashes, self._data, self._start, self._n, ids.data, ids.start, out
        )
        return out

    def _rebuild(self, capacity: int) -> None:
        """Make the table anew, at most half full."""
        size = 1 << (2 * capacity - 1).bit_length()
        self._slots = np.full(size, _FREE, np.int32)
        self._hashes = np.zeros(size, np.uint32)
        _place_all(self._seed, self._slots, self._hashes, self._data, self._start, self._n)


@numba.njit(**BORROWING)
def _hash(seed: Any, data: Any, begin: int, end: int) -> Any:
    h = seed ^ np.uint64(end - begin)
    at = begin
    while at < end:
        word = np.uint64(0)
        for b in range(at, min(at + 8, end)):
            word |= np.uint64(data[b]) << np.uint64(8 * (b - at))
        h = fmix64(h ^ word)
        at += 8
    return h


@numba.njit(**BORROWING)
def _slot_of(h: Any, slots: Any, hashes: Any, data: Any, start: Any, own: Any, begin: int, end: int) -> Any:
    """Where an id of hash ``h`` stands, or the free slot where it belongs (linear probing)."""
    mask = len(slots) - 1
    slot = np.int64(h & np.uint64(mask))
    mark = np.uint32(h >> np.uint64(32))
    while slots[slot] != _FREE:
        if hashes[slot] == mark:
            first = start[slots[slot]]
            if start[slots[slot] + 1] - first == end - begin:
                same = True
                for b in range(end - begin):
                    if data[first + b] != own[begin + b]:
                        same = False
                        break
                if same:
                    break
        slot = (slot + 1) & mask
    return slot


@numba.njit(**BORROWING)
def _find(
    seed: Any,
    slots: Any,
    hashes: Any,
    data: Any,
    start: Any,
    own: Any,
    own_start: Any,
    own_hashes: Any,
    out: Any,
) -> None:
    mask = np.uint64(len(slots) - 1)
    of_slots, of_hashes = place_of(slots), place_of(hashes)
    of_start, of_data = place_of(start), place_of(data)
    n = len(out)
    for j in range(n):
        own_hashes[j] = _hash(seed, own, own_start[j], own_start[j + 1])
    for j in range(n):
        # Slot, start and bytes lie apart, and each tells where the next one is.
        if j + 3 * AHEAD < n:
            slot = np.int64(own_hashes[j + 3 * AHEAD] & mask)
            ask_for(of_slots, slot)
            ask_for(of_hashes, slot)
        if j + 2 * AHEAD < n:
            ask_for(of_start, slots[np.int64(own_hashes[j + 2 * AHEAD] & mask)])
        if j + AHEAD < n:
            number = slots[np.int64(own_hashes[j + AHEAD] & mask)]
            if number != _FREE:
                ask_for(of_data, start[number])
        slot = _slot_of(own_hashes[j], slots, hashes, data, start, own, own_start[j], own_start[j + 1])
        out[j] = slots[slot]


@numba.njit(**BORROWING)
def _enter(
    seed: Any, slots: Any, hashes: Any, data: Any, start: Any, n: int, own: Any, own_start: Any, out: Any
) -> int:
    """Give ids numbers from ``n`` on, the same to the same id; how many there are then."""
    for j in range(len(out)):
        begin, end = own_start[j], own_start[j + 1]
        h = _hash(seed, own, begin, end)
        slot = _slot_of(h, slots, hashes, data, start, own, begin, end)
        if slots[slot] == _FREE:
            slots[slot] = n
            hashes[slot] = np.uint32(h >> np.uint64(32))
            for b in range(end - begin):
                data[start[n] + b] = own[begin + b]
            start[n + 1] = start[n] + end - begin
            n += 1
        out[j] = slots[slot]
    return n


@numba.njit(**BORROWING)
def _place_all(seed: Any, slots: Any, hashes: Any, data: Any, start: Any, n: int) -> None:
    """Enter ids that stand in ``data`` already into an empty table."""
    mask = len(slots) - 1
    for number in range(n):
        h = _hash(seed, data, start[number], start[number + 1])
        slot = np.int64(h & np.uint64(mask))
        while slots[slot] != _FREE:
            slot = (slot + 1) & mask
        slots[slot] = number
        hashes[slot] = np.uint32(h >> np.uint64(32))
