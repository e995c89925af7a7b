"""Rows copied out of a table's arrays into the bytes that lie in the store, and back."""

from __future__ import annotations

from typing import Any, Final

import numba
import numpy as np

from lfm_online.copying import copy_bytes
from lfm_online.layout import CHUNK, SLOT
from lfm_online.numba_flags import BORROWING
from lfm_online.prefetch import AHEAD, ask_for, place_of

_SLOT_BYTES: Final = SLOT.itemsize


@numba.njit(**BORROWING)
def join_rows(sections: Any, tails: Any, numbers: Any, tail_lengths: Any, out: Any) -> None:
    """Copy rows one behind the other to ``out: uint8[sum of their lengths]``.

    Args:
        sections: What rows consist of, in order, each ``uint8[n_rows, width]``.
        tails: What lies behind them, ``uint8[n_rows, most]``.
        numbers: The rows to copy, ``int32[n]``.
        tail_lengths: How much of their tails, ``int64[n]``, bytes.
        out: Filled.
    """
    at = place_of(out)[0]
    of_tails = place_of(tails)
    for j in range(len(numbers)):
        if j + AHEAD < len(numbers):
            for section in sections:
                ask_for(place_of(section), numbers[j + AHEAD])
        row = np.int64(numbers[j])
        for section in sections:
            first, width = place_of(section)
            copy_bytes(at, first + row * width, width)
            at += width
        copy_bytes(at, of_tails[0] + row * of_tails[1], tail_lengths[j])
        at += tail_lengths[j]


@numba.njit(**BORROWING)
def split_rows(values: Any, lengths: Any, sections: Any, tails: Any, numbers: Any) -> None:
    """Copy rows that lie one behind the other to their places; the inverse of :func:`join_rows`.

    Args:
        values: ``uint8[sum(lengths)]``.
        lengths: Of each row with its tail, ``int64[n]``; those that :func:`first_misfit` finds nothing in.
        sections: As above; filled.
        tails: Likewise; what lies behind a row's tail stays.
        numbers: Where the rows go, ``int32[n]``.
    """
    at = place_of(values)[0]
    of_tails = place_of(tails)
    for j in range(len(numbers)):
        end = at + lengths[j]
        row = np.int64(numbers[j])
        for section in sections:
            first, width = place_of(section)
            copy_bytes(first + row * width, at, width)
            at += width
        copy_bytes(of_tails[0] + row * of_tails[1], at, end - at)
        at = end


@numba.njit(**BORROWING)
def first_misfit(values: Any, lengths: Any, codes: Any, size: int, has_tails: bool) -> int:
    """The first of some rows that is of another layout than a table's; -1 if none is.

    Args:
        values: The rows one behind the other, ``uint8[sum(lengths)]``.
        lengths: ``int64[n]``, bytes.
        codes: ``uint8[3]``, format, rule and head as they stand in a header.
        size: Of a row without its tail, bytes.
        has_tails: Whether a tail follows, as long as the header's ``ratings`` says.
    """
    at = 0
    for j in range(len(lengths)):
        if lengths[j] < size:
            return j
        expected: Any = size
        if has_tails:
            ratings = np.int64(values[at + 12]) | np.int64(values[at + 13]) << 8
            ratings |= np.int64(values[at + 14]) << 16 | np.int64(values[at + 15]) << 24
            expected += _SLOT_BYTES * (ratings % CHUNK)
        if lengths[j] != expected:
            return j
        for b in range(len(codes)):
            if values[at + b] != codes[b]:
                return j
        at += lengths[j]
    return -1
