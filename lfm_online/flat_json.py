"""Rating events in their usual form, parsed in one compiled loop.

The usual form is a flat JSON object: ids as strings of printable ASCII without escapes or as whole
numbers of up to 18 digits, rating and time as numbers or null, other fields as scalars of ASCII. All else,
valid or not, is left to a complete parser, and said to be. What is taken here has the value that JSON
gives it: numbers whose nearest double can't be had by one exact division or multiplication are left
too (Clinger 1990, "How to read floating point numbers accurately", the fast path).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import numba
import numpy as np
from numpy.typing import NDArray

from lfm_online.numba_flags import BORROWING

USER, ITEM, RATING, TIME = range(4)
_OTHER: Final = -1
_POWERS: Final = np.array([10.0**e for e in range(23)])
_MAX_EXACT: Final = 2**53
_BROKEN: Final = -1

_WORDS: Final = np.frombuffer(b"null\0true\0false\0", np.uint8)
_NULL, _TRUE, _FALSE = 0, 5, 10
_QUOTE, _BACKSLASH, _COLON, _COMMA, _OPEN, _CLOSE = (ord(c) for c in '"\\:,{}')
_ZERO, _NINE, _MINUS, _PLUS, _DOT, _E = (ord(c) for c in "09-+.E")


class Fields(NamedTuple):
    """What was found; rows of events that were left hold anything."""

    taken: NDArray[np.bool_]  # bool[n]; False: left to a complete parser
    begin: NDArray[np.int64]  # int64[2, n]: where the ids of user and item lie
    length: NDArray[np.int64]  # int64[2, n]: and how long they are, bytes
    numbers: NDArray[np.float64]  # float64[2, n]: rating and time, NaN for null or missing


class Names:
    """The fields' names, for the compiled parser."""

    def __init__(self, names: Sequence[str]) -> None:
        """Of user, item, rating and time."""
        encoded = [name.encode() for name in names]
        self.data = np.frombuffer(b"".join(encoded), np.uint8)
        self.start = np.cumsum([0, *map(len, encoded)], dtype=np.int64)


def parse_events(
    data: NDArray[np.uint8],
    begin: NDArray[np.int64],
    length: NDArray[np.int64],
    names: Names,
    max_bytes: int,
    max_id_bytes: int,
) -> Fields:
    """Parse events; value j is ``data[begin[j]:begin[j] + length[j]]``.

    Args:
        data: ``uint8[n_bytes]``.
        begin: ``int64[n]``.
        length: ``int64[n]``; a negative one is no value.
        names: Of the fields.
        max_bytes: Longer values are left.
        max_id_bytes: Longer ids are left.
    """
    n = len(begin)
    found = Fields(
        np.zeros(n, np.bool_), np.zeros((2, n), np.int64), np.zeros((2, n), np.int64), np.empty((2, n))
    )
    limits = (max_bytes, max_id_bytes)
    _parse_all(data, begin, length, names.data, names.start, limits, found)
    return found


@numba.njit(**BORROWING)
def _parse_all(
    data: Any, begin: Any, length: Any, names: Any, name_start: Any, limits: Any, found: Any
) -> None:
    for j in range(len(begin)):
        if 0 < length[j] <= limits[0]:
            end = begin[j] + length[j]
            found.taken[j] = _parse(data, begin[j], end, names, name_start, limits[1], found, j)


@numba.njit(**BORROWING)
def _parse(
    data: Any, at: int, end: int, names: Any, name_start: Any, max_id: int, found: Any, j: int
) -> bool:
    """One event; False if it is not of the usual form."""
    seen = 0
    found.numbers[1, j] = np.nan
    at = _skip_space(data, at, end)
    more = at < end and data[at] == _OPEN
    while more:
        which, at = _key(data, _skip_space(data, at + 1, end), end, names, name_start)
        if at < 0 or (which != _OTHER and seen & (1 << which)):
            return False
        if which == _OTHER:
            at = _other(data, at, end)
        else:
            seen |= 1 << which
            if which < RATING:
                at = _id(data, at, end, max_id, found, which, j)
            else:
                found.numbers[which - RATING, j], at = _number_or_null(data, at, end)
        if at < 0:
            return False
        at = _skip_space(data, at, end)
        more = at < end and data[at] == _COMMA
    return seen & 7 == 7 and at < end and data[at] == _CLOSE and _skip_space(data, at + 1, end) == end


@numba.njit(**BORROWING)
def _key(data: Any, at: int, end: int, names: Any, name_start: Any) -> tuple[int, int]:
    """Which field begins here, and the place of its value, ``_BROKEN`` if there is none."""
    which, value = _OTHER, _BROKEN
    close = _string_end(data, at, end)
    if close >= 0:
        which = _which(data, at + 1, close, names, name_start)
        colon = _skip_space(data, close + 1, end)
        if colon < end and data[colon] == _COLON:
            value = _skip_space(data, colon + 1, end)
    return which, value if value < end else _BROKEN


@numba.njit(**BORROWING)
def _id(data: Any, at: int, end: int, max_id: int, found: Any, which: int, j: int) -> Any:
    """Enter the id that stands here; the place behind it, ``_BROKEN`` if it is unusual."""
    if data[at] == _QUOTE:
        first, stop = at + 1, _string_end(data, at, end)
        behind = stop + 1
    else:
        first, stop = at, _digits_end(data, at, end)
        behind = stop
        leading_zero = stop - first > 1 and data[first] == _ZERO
        if stop - first > 18 or leading_zero or (stop < end and _continues_number(data[stop])):
            return _BROKEN
    if not 1 <= stop - first <= max_id:
        return _BROKEN
    found.begin[which, j] = first
    found.length[which, j] = stop - first
    return behind


@numba.njit(**BORROWING)
def _continues_number(byte: int) -> bool:
    return byte == _DOT or byte | 32 == _E | 32


@numba.njit(**BORROWING)
def _other(data: Any, at: int, end: int) -> Any:
    """The place behind a scalar that nobody asked for, ``_BROKEN`` if it is something else."""
    if data[at] == _QUOTE:
        close = _string_end(data, at, end)
        return close + 1 if close >= 0 else _BROKEN
    if data[at] == _WORDS[_TRUE]:
        return _word_end(data, at, end, _TRUE)
    if data[at] == _WORDS[_FALSE]:
        return _word_end(data, at, end, _FALSE)
    return _number_or_null(data, at, end)[1]


@numba.njit(**BORROWING)
def _number_or_null(data: Any, at: int, end: int) -> Any:
    """A number, NaN for null, and the place behind it, ``_BROKEN`` if it is something else."""
    if data[at] == _WORDS[_NULL]:
        return np.nan, _word_end(data, at, end, _NULL)
    return _number(data, at, end)


@numba.njit(**BORROWING)
def _skip_space(data: Any, at: int, end: int) -> int:
    while at < end and (data[at] == 32 or data[at] == 10 or data[at] == 13 or data[at] == 9):
        at += 1
    return at


@numba.njit(**BORROWING)
def _string_end(data: Any, at: int, end: int) -> int:
    """The place of the closing quote of a string that begins here, ``_BROKEN`` if it is unusual."""
    close = _BROKEN
    if at < end and data[at] == _QUOTE:
        at += 1
        while at < end and 32 <= data[at] < 127 and data[at] != _QUOTE and data[at] != _BACKSLASH:
            at += 1
        if at < end and data[at] == _QUOTE:
            close = at
    return close


@numba.njit(**BORROWING)
def _which(data: Any, begin: int, end: int, names: Any, name_start: Any) -> int:
    """Which of the names stands here."""
    found = _OTHER
    for which in range(4):
        first = name_start[which]
        if name_start[which + 1] - first == end - begin:
            same = True
            for b in range(end - begin):
                if names[first + b] != data[begin + b]:
                    same = False
                    break
            if same:
                found = which
                break
    return found


@numba.njit(**BORROWING)
def _word_end(data: Any, at: int, end: int, first: int) -> int:
    """The place behind the word of ``_WORDS`` that begins at its byte ``first``, ``_BROKEN`` without it."""
    stop = first
    while _WORDS[stop] != 0 and at < end and data[at] == _WORDS[stop]:
        at += 1
        stop += 1
    return at if _WORDS[stop] == 0 else _BROKEN


@numba.njit(**BORROWING)
def _digits_end(data: Any, at: int, end: int) -> int:
    while at < end and _ZERO <= data[at] <= _NINE:
        at += 1
    return at


@numba.njit(**BORROWING)
def _number(data: Any, at: int, end: int) -> tuple[float, int]:
    """A JSON number and the place behind it, ``_BROKEN`` if there is none or it is not exact."""
    negative = at < end and data[at] == _MINUS
    first = at + negative
    mantissa, at = _digits(data, first, end, np.int64(0))
    if at == first or (at - first > 1 and data[first] == _ZERO):
        return 0.0, _BROKEN
    exponent = 0
    if at < end and data[at] == _DOT:
        dot = at
        mantissa, at = _digits(data, dot + 1, end, mantissa)
        exponent = dot + 1 - at
        if exponent == 0:
            return 0.0, _BROKEN
    if at - first > 18:
        return 0.0, _BROKEN
    if at < end and data[at] | 32 == _E | 32:
        at += 1
        down = at < end and data[at] == _MINUS
        begin = at + (down or (at < end and data[at] == _PLUS))
        power, at = _digits(data, begin, end, np.int64(0))
        if not 1 <= at - begin <= 3:
            return 0.0, _BROKEN
        exponent += -power if down else power
    if mantissa > _MAX_EXACT or not -22 <= exponent <= 22:
        return 0.0, _BROKEN
    value = np.float64(mantissa)
    value = value / _POWERS[-exponent] if exponent < 0 else value * _POWERS[exponent]
    return -value if negative else value, at


@numba.njit(**BORROWING)
def _digits(data: Any, at: int, end: int, value: Any) -> Any:
    """``value`` with the digits behind it (wrong past 18 of them), and the place behind those."""
    while at < end and _ZERO <= data[at] <= _NINE:
        value = value * 10 + (data[at] - _ZERO)
        at += 1
    return value, at
