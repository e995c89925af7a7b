"""Kafka's records as columns: a batch of format 2 is parsed in one compiled loop.

A record is ``length, attributes (1 byte), time delta, offset delta, key length, key, value length,
value, number of headers, headers``, its numbers zigzag varints (Kafka's protocol guide, "Record
Batch"; Protocol Buffers' encoding).
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import numba
import numpy as np
from numpy.typing import NDArray

from lfm_online.numba_flags import BORROWING

_BROKEN: Final = -1


class RecordError(ValueError):
    """Bytes that are not records of format 2."""


class RecordColumns(NamedTuple):
    """Where the parts of a batch's records lie; a length of -1 is a null."""

    offset_delta: NDArray[np.int64]
    time_delta: NDArray[np.int64]  # ms
    key: NDArray[np.int64]
    key_length: NDArray[np.int64]
    value: NDArray[np.int64]
    value_length: NDArray[np.int64]


def parse_records(buffer: NDArray[np.uint8], start: int, n_records: int) -> RecordColumns:
    """Parse the records of one batch, which end where the buffer ends.

    Args:
        buffer: uint8[n_bytes], uncompressed.
        start: Where the first record begins.
        n_records: How many the batch's header says.

    Raises:
        RecordError: the bytes are not so many records, or records of another form.
    """
    # A record takes seven bytes at least: a header that lies must not take the memory.
    if not 0 <= n_records <= len(buffer):
        raise RecordError(f"{n_records} records can't lie in {len(buffer)} bytes")
    columns = np.empty((6, n_records), np.int64)
    end = parse_into(buffer, start, len(buffer), columns, 0, n_records)
    if end != len(buffer):
        raise RecordError(
            "a record's parts do not add up to its length"
            if end == _BROKEN
            else f"{len(buffer) - end} bytes behind the last record"
        )
    return RecordColumns(*columns)


@numba.njit(**BORROWING)
def _varint(buffer: Any, at: int, stop: int) -> tuple[int, int]:
    """A zigzag varint and the place behind it, ``_BROKEN`` if there is none."""
    result = np.uint64(0)
    for shift in range(0, 70, 7):
        if at >= stop:
            return 0, _BROKEN
        byte = np.uint64(buffer[at])
        at += 1
        result |= (byte & np.uint64(0x7F)) << np.uint64(shift)
        if byte < 0x80:
            value = np.int64(result >> np.uint64(1)) ^ -np.int64(result & np.uint64(1))
            return value, at  # type: ignore[return-value]  # an int64 is compiled as an int
    return 0, _BROKEN


@numba.njit(**BORROWING)
def parse_into(buffer: Any, at: int, stop: int, columns: Any, first: int, last: int) -> int:
    """Fill ``columns[:, first:last]`` (``int64[6, n_records]``, as :class:`RecordColumns`).

    Args:
        buffer: uint8[n_bytes].
        at: Where the first of these records begins.
        stop: Nothing is read from here on.
        columns: Filled in.
        first: Of these records.
        last: Behind these records.

    Returns:
        The place behind the last record, ``_BROKEN`` if one is of another form.
    """
    for record in range(first, last):
        length, at = _varint(buffer, at, stop)
        if at < 0 or length < 0 or length > stop - at:
            return _BROKEN
        end = at + length
        at += 1  # attributes: none are defined
        columns[1, record], at = _varint(buffer, at, stop)
        if at < 0:
            return _BROKEN
        columns[0, record], at = _varint(buffer, at, stop)
        if at < 0:
            return _BROKEN
        for part in (2, 4):  # key and value
            size, at = _varint(buffer, at, stop)
            if at < 0 or size < -1 or size > end - at:
                return _BROKEN
            columns[part, record] = at
            columns[part + 1, record] = size
            at += max(size, 0)
        n_headers, at = _varint(buffer, at, stop)
        if at < 0 or n_headers < 0:
            return _BROKEN
        for part in range(2 * n_headers):  # names and values
            size, at = _varint(buffer, at, stop)
            if at < 0 or size < -(part % 2) or size > end - at:
                return _BROKEN
            at += max(size, 0)
        if at != end:
            return _BROKEN
    return at
