"""Kafka's record batches that follow each other in a fetch, as columns: a producer's batch is often small.

A run's batches are of format 2, whole, not compressed and of no transaction; all others are read one by one
(Kafka's protocol guide, "Record Batch").
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import numba
import numpy as np
from numpy.typing import NDArray

from lfm_online.numba_flags import BORROWING
from lfm_online.record_batch import RecordColumns, parse_into

HEADER_BYTES: Final = 61
CHECKED_FROM: Final = 21
"""Where the bytes of a batch begin that its checksum (CRC-32C) is of."""
_OTHER: Final = 0x37  # attributes: codec, transaction, control
_APPEND_TIME: Final = 0x08
_SMALLEST_RECORD: Final = 7
_MOST_BATCHES: Final = 1024
# A batch in the table:
_BEGIN, _END, _CRC, _RECORDS, _OFFSET, _TIME, _IS_APPEND_TIME, _NEXT, _EPOCH = range(9)


class Run(NamedTuple):
    """Batches that follow each other."""

    table: NDArray[np.int64]  # int64[n, 9]

    def __len__(self) -> int:
        """How many batches."""
        return len(self.table)

    @property
    def bounds(self) -> list[tuple[int, int, int]]:
        """Of each batch, where it begins and ends, and the checksum that it states."""
        bounds: list[tuple[int, int, int]] = self.table[:, [_BEGIN, _END, _CRC]].tolist()
        return bounds

    def first(self, n: int) -> Run:
        """The first ``n`` of them."""
        return Run(self.table[:n])


class RunColumns(NamedTuple):
    """The records of a run."""

    data: NDArray[np.uint8]  # a copy of the run's bytes; ``columns`` tells places in it
    offsets: NDArray[np.int64]
    times_ms: NDArray[np.int64]
    columns: RecordColumns
    n_batches: int  # before the first whose records are of another form
    end: int  # where those end in the buffer that was fetched
    next_offset: int  # the position behind them
    leader_epoch: int  # of the last


def find_run(buffer: NDArray[np.uint8], start: int, most_records: int) -> Run:
    """The batches of a run that begins at ``start``, by their headers; none if there is another one.

    Args:
        buffer: uint8[n_bytes], as fetched: the last batch may be cut off.
        start: Where a batch begins.
        most_records: All batches together have no more; the first one may.
    """
    table = np.empty((_MOST_BATCHES, 9), np.int64)
    return Run(table[: _find(buffer, start, most_records, table)])


def parse_run(buffer: NDArray[np.uint8], run: Run) -> RunColumns:
    """Parse the records of a run of at least one batch.

    Args:
        buffer: uint8[n_bytes], which ``run`` was found in.
        run: Its batches.
    """
    begin, end = int(run.table[0, _BEGIN]), int(run.table[-1, _END])
    data = buffer[begin:end].copy()
    n_records = int(run.table[:, _RECORDS].sum())
    columns, places = np.empty((6, n_records), np.int64), np.empty((2, n_records), np.int64)
    n_batches, n_records = _parse(data, begin, run.table, columns, places)
    last = run.table[n_batches - 1].tolist() if n_batches else [0] * run.table.shape[1]
    return RunColumns(
        data,
        places[0, :n_records],
        places[1, :n_records],
        RecordColumns(*columns[:, :n_records]),
        n_batches,
        last[_END],
        last[_NEXT],
        last[_EPOCH],
    )


@numba.njit(**BORROWING)
def _number(buffer: Any, at: int, size: int) -> Any:
    """A big-endian number, signed."""
    value = np.int64(buffer[at])
    value -= (value >> 7) << 8
    for place in range(at + 1, at + size):
        value = (value << 8) | np.int64(buffer[place])
    return value


@numba.njit(**BORROWING)
def _find(buffer: Any, at: int, most_records: int, table: Any) -> int:
    total = 0
    for batch in range(len(table)):
        if len(buffer) - at < HEADER_BYTES or buffer[at + 16] != 2:
            return batch
        end = at + 12 + _number(buffer, at + 8, 4)
        attributes = _number(buffer, at + 21, 2)
        records = _number(buffer, at + 57, 4)
        if end < at + HEADER_BYTES or end > len(buffer) or attributes & _OTHER:
            return batch
        total += records
        if records < 0 or records * _SMALLEST_RECORD > end - at or (batch > 0 and total > most_records):
            return batch
        offset = _number(buffer, at, 8)
        is_append_time = attributes & _APPEND_TIME
        table[batch, _BEGIN] = at
        table[batch, _END] = end
        table[batch, _CRC] = _number(buffer, at + 17, 4) & 0xFFFFFFFF
        table[batch, _RECORDS] = records
        table[batch, _OFFSET] = offset
        table[batch, _TIME] = _number(buffer, at + (35 if is_append_time else 27), 8)
        table[batch, _IS_APPEND_TIME] = is_append_time
        table[batch, _NEXT] = offset + _number(buffer, at + 23, 4) + 1
        table[batch, _EPOCH] = _number(buffer, at + 12, 4)
        at = end
    return len(table)


@numba.njit(**BORROWING)
def _parse(data: Any, begin: int, table: Any, columns: Any, places: Any) -> tuple[int, int]:
    """Fill in columns, offsets and times; how many batches are sound, and their records."""
    first = 0
    for batch in range(len(table)):
        last = first + table[batch, _RECORDS]
        at, end = table[batch, _BEGIN] - begin + HEADER_BYTES, table[batch, _END] - begin
        if parse_into(data, at, end, columns, first, last) != end:
            return batch, first
        for record in range(first, last):
            places[0, record] = table[batch, _OFFSET] + columns[0, record]
            is_append_time = table[batch, _IS_APPEND_TIME]
            places[1, record] = table[batch, _TIME] + (0 if is_append_time else columns[1, record])
        first = last
    return len(table), first
