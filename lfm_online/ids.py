"""Ids as columns: UTF-8, one behind the other, without an object for each."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from typing import Any, Self, overload

import numba
import numpy as np
from numpy.typing import NDArray

from lfm_online.copying import copy_bytes
from lfm_online.numba_flags import BORROWING
from lfm_online.prefetch import AHEAD, ask_for, ask_for_few, place_of


class Ids(Sequence[str]):
    """A sequence of ids; id j is ``data[start[j]:start[j + 1]]``."""

    __slots__ = ("data", "start")

    def __init__(self, data: NDArray[np.uint8], start: NDArray[np.int64]) -> None:
        """Of ``uint8[at least start[-1]]`` and ``int64[n + 1]``."""
        self.data = data
        self.start = start

    @classmethod
    def of(cls, texts: Sequence[str]) -> Self:
        """From texts."""
        encoded = [text.encode() for text in texts]
        start = np.zeros(len(encoded) + 1, np.int64)
        np.cumsum([len(each) for each in encoded], out=start[1:])
        # A bytearray, since a kernel would be compiled once more for arrays that can't be written to.
        return cls(np.frombuffer(bytearray(b"".join(encoded)), np.uint8), start)

    @classmethod
    def cut(cls, data: NDArray[np.uint8], begin: NDArray[np.int64], length: NDArray[np.int64]) -> Self:
        """Copied out of ``data``, where id j lies at ``begin[j]`` and is ``length[j]`` bytes long."""
        start = np.zeros(len(begin) + 1, np.int64)
        np.cumsum(length, out=start[1:])
        return cls(_gathered(data, begin, start), start)

    @classmethod
    def joined(cls, parts: Sequence[Ids]) -> Self:
        """One behind the other."""
        starts = [np.zeros(1, np.int64)]
        end = 0
        for part in parts:
            starts.append(part.start[1:] + (end - part.start[0]))
            end = int(starts[-1][-1]) if len(part) else end
        data = np.concatenate([part.data[part.start[0] : part.start[-1]] for part in parts])
        return cls(data, np.concatenate(starts))

    @property
    def lengths(self) -> NDArray[np.int64]:
        """``int64[n]``, bytes."""
        return np.diff(self.start)

    def take(self, places: NDArray[Any]) -> Ids:
        """Those at ``places``."""
        begin = np.empty(len(places), np.int64)
        start = np.empty(len(places) + 1, np.int64)
        _find_starts(self.start, places.astype(np.int64), begin, start)
        return Ids(_gathered(self.data, begin, start), start)

    def count_equal(
        self, data: NDArray[np.uint8], begin: NDArray[np.int64], length: NDArray[np.int64]
    ) -> int:
        """How many are the piece of ``data`` of the same place."""
        return int(_count_equal(self.data, self.start, data, begin, length))

    def __len__(self) -> int:
        """How many."""
        return len(self.start) - 1

    @overload
    def __getitem__(self, place: int) -> str: ...
    @overload
    def __getitem__(self, place: slice) -> list[str]: ...
    def __getitem__(self, place: int | slice) -> str | list[str]:
        """One id as text, or a list of some."""
        if isinstance(place, slice):
            return [self[j] for j in range(*place.indices(len(self)))]
        if not -len(self) <= place < len(self):
            raise IndexError(f"id {place} of {len(self)}")
        place %= len(self)
        return self.data[self.start[place] : self.start[place + 1]].tobytes().decode()

    def __iter__(self) -> Iterator[str]:
        """As texts."""
        return map(bytes.decode, self.encoded())

    def encoded(self, first: int = 0) -> Iterator[bytes]:
        """As UTF-8, from place ``first`` on."""
        begin = int(self.start[first])
        piece = self.data[begin : self.start[-1]].tobytes()
        starts = (self.start[first:] - begin).tolist()
        return (piece[a:b] for a, b in itertools.pairwise(starts))

    def __eq__(self, other: object) -> bool:
        """Whether both hold the same texts."""
        return list(self) == list(other) if isinstance(other, Sequence) else NotImplemented

    __hash__ = None  # type: ignore[assignment]  # as lists


def _gathered(
    data: NDArray[np.uint8], begin: NDArray[np.int64], start: NDArray[np.int64]
) -> NDArray[np.uint8]:
    """Pieces of ``data``, from ``begin`` on, one behind the other: piece j from ``start[j]`` on."""
    out = np.empty(int(start[-1]), np.uint8)
    _gather(data, begin, start, out)
    return out


@numba.njit(**BORROWING)
def _find_starts(start: Any, places: Any, begin: Any, new_start: Any) -> None:
    """Where the ids at ``places`` begin, and where they will once they lie one behind the other."""
    of_start = place_of(start)
    new_start[0] = 0
    for j in range(len(places)):
        if j + AHEAD < len(places):
            ask_for_few(of_start, places[j + AHEAD], places[j + AHEAD] + 1)
        begin[j] = start[places[j]]
        new_start[j + 1] = new_start[j] + start[places[j] + 1] - begin[j]


@numba.njit(**BORROWING)
def _gather(data: Any, begin: Any, start: Any, out: Any) -> None:
    source, target = place_of(data), place_of(out)
    for j in range(len(begin)):
        if j + AHEAD < len(begin):
            ask_for(source, begin[j + AHEAD])
        copy_bytes(target[0] + start[j], source[0] + begin[j], start[j + 1] - start[j])


@numba.njit(**BORROWING)
def _count_equal(own: Any, start: Any, data: Any, begin: Any, length: Any) -> int:
    n = 0
    for j in range(len(begin)):
        same = length[j] == start[j + 1] - start[j]
        if same:
            for b in range(length[j]):
                if data[begin[j] + b] != own[start[j] + b]:
                    same = False
                    break
        n += same
    return n
