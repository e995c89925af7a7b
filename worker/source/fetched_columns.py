"""What kafka-python fetched, taken as columns.

Its parser makes each record in pure Python, 4 of the 5 microseconds that a record costs the client.
Here a batch is parsed in one compiled loop, and a record is a tuple. All else stays the client's:
sessions, positions, checksums, codecs, aborted transactions. The contract of its own parser is the
twin in ``tests/unit/test_fetched_columns.py``.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from kafka.consumer.fetcher import Fetcher, IsolationLevel
from kafka.errors import CorruptRecordError
from numpy.typing import NDArray

from lfm_online.record_batch import RecordError, parse_records

Record = tuple[int, int, bytes | None, bytes | None]
"""Offset, time in ms (-1: none), key, value."""


class Parsed(NamedTuple):
    """The records of one batch, and the position behind it."""

    records: list[Record]
    end: int


def take_columns(consumer: Any) -> None:
    """Have a ``KafkaConsumer`` yield :data:`Record` tuples from here on."""
    consumer._fetcher.PartitionRecords = _PartitionRecords


class _PartitionRecords(Fetcher.PartitionRecords):  # type: ignore[misc]  # kafka-python is untyped
    """One partition's part of a fetch. The client calls :meth:`take` until it is drained."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._parsed = Parsed([], self.fetch_offset)
        self._taken = 0

    def _maybe_skip_record(self, _: Any) -> bool:
        return False  # what lies below the offset asked for is left out batch by batch

    def take(self, n: int | None = None) -> list[Record]:
        """Up to ``n`` records; none from a part without data records, or at its end."""
        if self._taken == len(self._parsed.records):
            self._parsed, self._taken = next(self.record_iterator, None) or Parsed([], -1), 0
            if self._parsed.end < 0:
                self.drain()
                return []
        upto = len(self._parsed.records) if n is None else self._taken + n
        records = self._parsed.records[self._taken : upto]
        self._taken += len(records)
        left = self._taken < len(self._parsed.records)
        self.next_fetch_offset = records[-1][0] + 1 if left else self._parsed.end
        return records

    def _unpack_records(self, tp: Any, records: Any, *_: Any) -> Iterator[Parsed]:
        """Batch by batch, in the place of the client's own method, whose steps these are."""
        where = f"{tp.topic}-{tp.partition}"
        while (batch := records.next_batch()) is not None:
            if self.check_crcs and not batch.validate_crc():
                raise CorruptRecordError(
                    f"the checksum of the batch at offset {batch.base_offset} of {where} is wrong"
                )
            if batch.magic < 2:
                old = list(batch)  # a compressed message holds many; each has its own checksum
                if self.check_crcs and not all(record.validate_crc() for record in old):
                    raise CorruptRecordError(
                        f"the checksum of a record at offset {batch.base_offset} of {where} is wrong"
                    )
                rows = [(r.offset, -1 if r.timestamp is None else r.timestamp, r.key, r.value) for r in old]
                yield Parsed([row for row in rows if row[0] >= self.fetch_offset], rows[-1][0] + 1)
                continue
            self.leader_epoch = batch.leader_epoch
            hidden = self._aborted(batch) or batch.is_control_batch
            yield Parsed([] if hidden else self._parse(batch), batch.next_offset)

    def _aborted(self, batch: Any) -> bool:
        """Whether a batch belongs to a transaction that was aborted."""
        if self.isolation_level != IsolationLevel.READ_COMMITTED or not batch.has_producer_id():
            return False
        self._consume_aborted_transactions_up_to(batch.last_offset)
        if self._contains_abort_marker(batch):
            self.aborted_producer_ids.discard(batch.producer_id)
            return False
        return bool(self._is_batch_aborted(batch))

    def _parse(self, batch: Any) -> list[Record]:
        batch._maybe_uncompress()
        data = bytes(batch._buffer)
        try:
            found = parse_records(np.frombuffer(data, np.uint8), batch._pos, batch.records_count)
        except RecordError as error:
            raise CorruptRecordError(
                f"the batch at offset {batch.base_offset} can't be read: {error}"
            ) from error
        n = len(found.key)
        self.records_read += n
        self.bytes_read += len(data)
        times = found.time_delta + batch.first_timestamp
        if batch.timestamp_type == batch.LOG_APPEND_TIME:
            times = np.full(n, batch.max_timestamp)
        offsets = found.offset_delta + batch.base_offset
        first = int(np.searchsorted(offsets, self.fetch_offset))
        rows = zip(
            offsets.tolist(),
            times.tolist(),
            _slices(data, found.key, found.key_length),
            _slices(data, found.value, found.value_length),
            strict=True,
        )
        return list(rows)[first:]


def _slices(data: bytes, starts: NDArray[np.int64], lengths: NDArray[np.int64]) -> list[bytes | None]:
    ends = (starts + lengths).tolist()
    slices: list[bytes | None] = [data[a:b] for a, b in zip(starts.tolist(), ends, strict=True)]
    for null in np.flatnonzero(lengths < 0).tolist():
        slices[null] = None
    return slices
