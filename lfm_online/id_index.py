"""Ids to numbers, counted up from 0 in the order in which they came: a hash table in arrays.

Ids are looked up a batch at a time in one compiled loop (``python -m tests.benchmarks --only ids``: five
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
from lfm_online.prefetch import AT_ONCE, ask_for, ask_for_few, place_of
from lfm_online.raw_memory import load_64

_FREE: Final = 0
"""A place of the table that holds no id; else it is the hash's high half, and the id's number and one."""
_NUMBER: Final = 0xFFFFFFFF


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
        _find(self._seed, self._places, self._data, self._start, ids.data, ids.start, own, out)
        return out

    def number(self, row_id: str) -> int | None:
        """The number of one id."""
        found = int(self.find(Ids.of([row_id]))[0])
        return None if found < 0 else found

    def numbers(self, ids: Ids) -> NDArray[np.int32]:
        """Their numbers, ``int32[n]``; those not seen before get the next ones."""
        out = self.find(ids)
        new = np.flatnonzero(out < 0)
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
        self._n = _enter(self._seed, self._places, self._data, self._start, self._n, ids.data, ids.start, out)
        return out

    def _rebuild(self, capacity: int) -> None:
        """Make the table anew, at most half full."""
        size = 1 << (2 * capacity - 1).bit_length()
        self._places = np.zeros(size, np.uint64)
        scratch = np.empty(AT_ONCE, np.uint64)
        _place_all(self._seed, self._places, self._data, self._start, self._n, scratch)


@numba.njit(**BORROWING)
def _word(data: Any, at: int) -> Any:
    """Eight bytes, little-endian, in one load."""
    return np.uint64(load_64(place_of(data)[0] + at))


@numba.njit(**BORROWING)
def _tail(data: Any, at: int, n: int) -> Any:
    """Less than eight bytes, likewise; but at the array's end all eight are loaded, and those behind cut off.

    Ids are short, and a loop over bytes guesses wrong when to end: 15 to 21 ns an id with it, 13 without.
    """
    if at + 8 <= len(data):
        return _word(data, at) & ((np.uint64(1) << np.uint64(8 * n)) - np.uint64(1))
    word = np.uint64(0)
    for b in range(n):
        word |= np.uint64(data[at + b]) << np.uint64(8 * b)
    return word


@numba.njit(**BORROWING)
def _hash(seed: Any, data: Any, begin: int, end: int) -> Any:
    h = seed ^ np.uint64(end - begin)
    at = begin
    while at + 8 <= end:
        h = fmix64(h ^ _word(data, at))
        at += 8
    if at < end:
        h = fmix64(h ^ _tail(data, at, end - at))
    return h


@numba.njit(**BORROWING)
def _same(number: int, data: Any, start: Any, own: Any, begin: int, end: int) -> Any:
    """Whether an id is that of a number."""
    at = start[number]
    if start[number + 1] - at != end - begin:
        return False
    while begin + 8 <= end:
        if _word(data, at) != _word(own, begin):
            return False
        at += 8
        begin += 8
    return _tail(data, at, end - begin) == _tail(own, begin, end - begin)


@numba.njit(**BORROWING)
def _entry(h: Any, number: int) -> Any:
    """What the table holds of an id of hash ``h``."""
    return (h & ~np.uint64(_NUMBER)) | np.uint64(number + 1)


@numba.njit(**BORROWING)
def _number(entry: Any) -> Any:
    """The number in what the table holds; -1 of a free place."""
    return np.int64(entry & np.uint64(_NUMBER)) - 1


@numba.njit(**BORROWING)
def _likely(h: Any, place: int, places: Any) -> Any:
    """The first place, from one on, where an id of this hash may stand, or that is free (linear probing)."""
    mask = len(places) - 1
    while places[place] != _FREE and (places[place] ^ h) >> np.uint64(32) != 0:
        place = (place + 1) & mask
    return place


@numba.njit(**BORROWING)
def _place_of(h: Any, places: Any, data: Any, start: Any, own: Any, begin: int, end: int) -> Any:
    """Where an id of hash ``h`` stands, or the free place where it belongs."""
    mask = len(places) - 1
    place = _likely(h, np.int64(h & np.uint64(mask)), places)
    while places[place] != _FREE and not _same(_number(places[place]), data, start, own, begin, end):
        place = _likely(h, (place + 1) & mask, places)
    return place


@numba.njit(**BORROWING)
def _find(
    seed: Any, places: Any, data: Any, start: Any, own: Any, own_start: Any, own_hashes: Any, out: Any
) -> None:
    """Look ids up some at a time: table, starts and bytes lie apart, and each tells where the next one is.

    With 10 M ids 57 ns each; 73 in one loop that does each step for another id, 102 where the first place
    was followed whatever its hash: an id that stands behind another then waits for each step.
    """
    mask = np.uint64(len(places) - 1)
    of_places, of_start, of_data = place_of(places), place_of(start), place_of(data)
    for first in range(0, len(out), AT_ONCE):
        block = range(first, min(first + AT_ONCE, len(out)))
        for j in block:
            own_hashes[j] = _hash(seed, own, own_start[j], own_start[j + 1])
            ask_for(of_places, np.int64(own_hashes[j] & mask))
        for j in block:
            h = own_hashes[j]
            out[j] = _number(places[_likely(h, np.int64(h & mask), places)])
            if out[j] >= 0:
                ask_for_few(of_start, out[j], out[j] + 1)
        for j in block:
            if out[j] >= 0:
                ask_for_few(of_data, start[out[j]], start[out[j] + 1] - 1)
        for j in block:
            begin, end = own_start[j], own_start[j + 1]
            if out[j] >= 0 and not _same(out[j], data, start, own, begin, end):  # half their hashes are alike
                out[j] = _number(places[_place_of(own_hashes[j], places, data, start, own, begin, end)])


@numba.njit(**BORROWING)
def _enter(seed: Any, places: Any, data: Any, start: Any, n: int, own: Any, own_start: Any, out: Any) -> int:
    """Give ids numbers from ``n`` on, the same to the same id; how many there are then."""
    for j in range(len(out)):
        begin, end = own_start[j], own_start[j + 1]
        h = _hash(seed, own, begin, end)
        place = _place_of(h, places, data, start, own, begin, end)
        if places[place] == _FREE:
            places[place] = _entry(h, n)
            for b in range(end - begin):
                data[start[n] + b] = own[begin + b]
            start[n + 1] = start[n] + end - begin
            n += 1
        out[j] = _number(places[place])
    return n


@numba.njit(**BORROWING)
def _place_all(seed: Any, places: Any, data: Any, start: Any, n: int, hashes: Any) -> None:
    """Enter ids that stand in ``data`` into an empty table, as many at a time as ``hashes`` has room for."""
    mask = len(places) - 1
    of_places = place_of(places)
    for first in range(0, n, len(hashes)):
        block = range(first, min(first + len(hashes), n))
        for number in block:
            h = _hash(seed, data, start[number], start[number + 1])
            hashes[number - first] = h
            ask_for(of_places, np.int64(h & np.uint64(mask)))
        for number in block:
            h = hashes[number - first]
            place = np.int64(h & np.uint64(mask))
            while places[place] != _FREE:
                place = (place + 1) & mask
            places[place] = _entry(h, number)
