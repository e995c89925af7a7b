"""What kafka-python fetched, taken as columns.

Its parser makes each record in pure Python, 4 of the 5 microseconds that a record costs the client.
Here a batch is parsed in one compiled loop, without an object for each record. All else stays the client's:
sessions, positions, checksums, codecs, aborted transactions. The contract of its own parser is the
twin in ``tests/unit/test_fetched_columns.py``.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from kafka.consumer.fetcher import Fetcher, IsolationLevel
from kafka.errors import CorruptRecordError

from lfm_online.record_batch import RecordError, parse_records
from worker.source.records import Parts, Records, join_records, records_of


def take_columns(consumer: Any) -> None:
    """Have a ``KafkaConsumer`` yield columns from here on: what it polls is for :func:`polled_records`."""
    consumer._fetcher.PartitionRecords = _PartitionRecords


def polled_records(partition: int, first: int, polled: Sequence[Records]) -> Records:
    """What one poll gave of a partition.

    Args:
        partition: Its number.
        first: The position that it was fetched from.
        polled: The client's list; it counts records, so there each stands for all of its piece.
    """
    pieces, at = [], 0
    while at < len(polled):
        pieces.append(polled[at])
        at += len(polled[at].offsets)
    return join_records(partition, first, pieces)


class _PartitionRecords(Fetcher.PartitionRecords):  # type: ignore[misc]  # kafka-python is untyped
    """One partition's part of a fetch. The client calls :meth:`take` until it is drained."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._left: Records | None = None  # of the batch that was parsed last
        self._behind = self.fetch_offset  # the position behind that batch

    def _maybe_skip_record(self, _: Any) -> bool:
        return False  # what lies below the offset asked for is left out batch by batch

    def take(self, n: int | None = None) -> list[Records]:
        """Up to ``n`` records, as a list that holds their columns as often as there are records.

        None from a batch without records for us, nor at the end.
        """
        if self._left is None:
            parsed = next(self.record_iterator, None)
            if parsed is None:
                self.drain()
                return []
            self._left, self._behind = parsed
        total = len(self._left.offsets)
        upto = total if n is None else min(n, total)
        taken = self._left.cut(0, upto)
        self._left = self._left.cut(upto, total) if upto < total else None
        self.next_fetch_offset = self._behind if self._left is None else taken.end
        return [taken] * upto

    def _unpack_records(self, tp: Any, records: Any, *_: Any) -> Iterator[tuple[Records, int]]:
        """Each batch and the position behind it, in the place of the client's own method."""
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
                yield self._wanted(_old_records(old)), old[-1].offset + 1
                continue
            self.leader_epoch = batch.leader_epoch
            if self._aborted(batch) or batch.is_control_batch:
                yield records_of(0, 0, [], [], [], []), batch.next_offset
            else:
                yield self._wanted(self._parse(batch)), batch.next_offset

    def _wanted(self, records: Records) -> Records:
        """Without those below the offset asked for: a fetch gives whole batches."""
        below = int(np.searchsorted(records.offsets, self.fetch_offset))
        return records.cut(below, len(records.offsets)) if below else records

    def _aborted(self, batch: Any) -> bool:
        """Whether a batch belongs to a transaction that was aborted."""
        if self.isolation_level != IsolationLevel.READ_COMMITTED or not batch.has_producer_id():
            return False
        self._consume_aborted_transactions_up_to(batch.last_offset)
        if self._contains_abort_marker(batch):
            self.aborted_producer_ids.discard(batch.producer_id)
            return False
        return bool(self._is_batch_aborted(batch))

    def _parse(self, batch: Any) -> Records:
        batch._maybe_uncompress()
        data = np.frombuffer(batch._buffer, np.uint8)
        try:
            found = parse_records(data, batch._pos, batch.records_count)
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
        return Records(
            self.topic_partition.partition,
            self.fetch_offset,
            found.offset_delta + batch.base_offset,
            times,
            data,
            Parts(found.key, found.key_length),
            Parts(found.value, found.value_length),
        )


def _old_records(old: Sequence[Any]) -> Records:
    """Records of the formats before 2."""
    return records_of(
        0,
        0,
        [record.offset for record in old],
        [-1 if record.timestamp is None else record.timestamp for record in old],
        [record.key for record in old],
        [record.value for record in old],
    )
