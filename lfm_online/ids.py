"""Ids as columns: UTF-8, one behind the other, without an object for each."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from typing import Any, Self, overload

import numba
import numpy as np
from numpy.typing import NDArray

from lfm_online.numba_flags import BORROWING


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
        out = np.empty(int(start[-1]), np.uint8)
        gather_bytes(data, begin, length, out)
        return cls(out, start)

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
        begin = self.start[places]
        return Ids.cut(self.data, begin, self.start[places + 1] - begin)

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


@numba.njit(**BORROWING)
def gather_bytes(data: Any, begin: Any, length: Any, out: Any) -> None:
    """Copy pieces of ``data`` one behind the other to ``out: uint8[sum(length)]``."""
    at = 0
    for j in range(len(begin)):
        for b in range(begin[j], begin[j] + length[j]):
            out[at] = data[b]
            at += 1


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
