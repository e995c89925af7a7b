"""What kafka-python fetched, taken as columns.

Its parser makes each record in pure Python, 4 of the 5 microseconds that a record costs the client.
Here all plain batches that follow each other are parsed in one compiled loop (``lfm_online.batch_run``), any
other batch by itself, without an object for each record. All else stays the client's: sessions, positions,
checksums, codecs, aborted transactions. The contract of its own parser is the twin in
``tests/unit/test_fetched_columns.py``.
"""

from __future__ import annotations

import itertools
import struct
from collections.abc import Container, Iterator, Sequence
from functools import partial
from typing import Any, Final

import numpy as np
from kafka.consumer.fetcher import Fetcher, IsolationLevel
from kafka.errors import CorruptRecordError
from kafka.record.util import calc_crc32c

from lfm_online.batch_run import CHECKED_FROM, Run, find_run, parse_run
from lfm_online.record_batch import RecordError, parse_records
from worker.source.records import Parts, Records, join_records, records_of, undecodable

MOST_AT_ONCE: Final = 4000
"""Records of batches that are parsed together: what one poll takes."""


class UndecodableBatchError(CorruptRecordError):  # type: ignore[misc]  # kafka-python is untyped
    """A batch whose checksum, codec or records fail; the message names place and reason."""

    def __init__(self, partition: int, base: int, end: int | None, reason: str) -> None:
        upto = f"{base} to {end - 1}" if end is not None else f"{base} to one that it doesn't tell"
        super().__init__(f"the batch of partition {partition}, offsets {upto}, can't be decoded: {reason}")
        self.place = (partition, base)
        self.end = end
        """The position behind it; None where nothing tells it for sure."""

    def __str__(self) -> str:
        """Without the number that the client's own errors begin with."""
        return str(self.args[0])


class Everything(Container[object]):
    """Contains all."""

    def __contains__(self, _: object) -> bool:
        """It does."""
        return True


def take_columns(consumer: Any, given_up: Container[object]) -> None:
    """Have a ``KafkaConsumer`` yield columns from here on: what it polls is for :func:`polled_records`.

    Args:
        consumer: The client.
        given_up: Places, (partition, first offset), of batches that need not be decoded: they come as
            ``Records`` with a fault. Any other that can't be raises :class:`UndecodableBatchError`.
    """
    consumer._fetcher.PartitionRecords = partial(_PartitionRecords, given_up=given_up)


def polled_records(partition: int, first: int, polled: Sequence[Records]) -> list[Records]:
    """What one poll gave of a partition: records that follow each other as one, each fault by itself.

    Args:
        partition: Its number.
        first: The position that it was fetched from.
        polled: The client's list; it counts records, so there each stands for all of its piece.
    """
    pieces, at = [], 0
    while at < len(polled):
        pieces.append(polled[at])
        at += len(polled[at].offsets)
    found: list[Records] = []
    for _, run in itertools.groupby(pieces, key=lambda piece: piece.fault):  # each fault names its place
        found.append(join_records(partition, found[-1].end if found else first, list(run)))
    return found


class _PartitionRecords(Fetcher.PartitionRecords):  # type: ignore[misc]  # kafka-python is untyped
    """One partition's part of a fetch. The client calls :meth:`take` until it is drained."""

    def __init__(self, *args: Any, given_up: Container[object] = (), **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._given_up = given_up
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
        """Batches and the position behind them, in the place of the client's own method."""
        at = self.fetch_offset
        while records.has_next():
            run = self._read_run(records)
            if run is not None:
                yield run
                at = max(run[1], self.fetch_offset)
                continue
            data, batch = records._next_slice, records.next_batch()
            try:
                found, behind = self._read(batch)
            except Exception as error:  # a decompressor may raise anything
                end = _end(batch, records._next_slice, at)
                fault = UndecodableBatchError(tp.partition, batch.base_offset, end, str(error))
                if end is None or fault.place not in self._given_up:
                    raise fault from error
                found, behind = undecodable(tp.partition, at, end, bytes(data), str(fault)), end
            yield found, behind
            at = max(behind, self.fetch_offset)

    def _read_run(self, records: Any) -> tuple[Records, int] | None:
        """The plain and sound batches that come next, and the position behind them; None if there is none."""
        fetched = np.frombuffer(records._buffer, np.uint8)
        begin = records._pos - len(records._next_slice)
        run = find_run(fetched, begin, MOST_AT_ONCE)
        if self.check_crcs:
            run = run.first(_sound(run, memoryview(records._buffer)))
        found = parse_run(fetched, run) if len(run) else None
        if found is None or found.n_batches == 0:
            return None
        records._pos = found.end  # the client's parser goes on behind them
        records._cache_next()
        self.leader_epoch = found.leader_epoch
        self.records_read += len(found.offsets)
        self.bytes_read += found.end - begin
        columns = found.columns
        wanted = Records(
            self.topic_partition.partition,
            self.fetch_offset,
            found.offsets,
            found.times_ms,
            found.data,
            Parts(columns.key, columns.key_length),
            Parts(columns.value, columns.value_length),
        )
        return self._wanted(wanted), found.next_offset

    def _read(self, batch: Any) -> tuple[Records, int]:
        """A batch's records that are wanted, and the position behind it."""
        if self.check_crcs and not batch.validate_crc():
            raise ValueError("its checksum is wrong")
        if batch.magic < 2:
            old = list(batch)  # a compressed message holds many; each has its own checksum
            if self.check_crcs and not all(record.validate_crc() for record in old):
                raise ValueError("the checksum of one of its records is wrong")
            return self._wanted(_old_records(old)), old[-1].offset + 1
        self.leader_epoch = batch.leader_epoch
        if self._aborted(batch) or batch.is_control_batch:
            return records_of(0, 0, [], [], [], []), batch.next_offset
        return self._wanted(self._parse(batch)), batch.next_offset

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
            raise ValueError(f"its records can't be read: {error}") from error
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


def _sound(run: Run, data: memoryview) -> int:
    """How many batches there are before the first whose checksum is wrong."""
    bounds = run.bounds
    for place, (begin, end, crc) in enumerate(bounds):
        if calc_crc32c(data[begin + CHECKED_FROM : end]) != crc:
            return place
    return len(bounds)


def _end(batch: Any, behind: Any, at: int) -> int | None:
    """The position behind a batch that can't be decoded, ``at`` being where it was come to.

    Nothing that lies behind it may be skipped, so its header is believed only where it agrees with itself.
    """
    if batch.magic < 2:
        end = batch.base_offset + 1  # of a compressed message, this is the last one's
    elif behind is not None:
        (end,) = struct.unpack_from(">q", behind)
    elif batch.next_offset == batch.base_offset + batch.records_count:
        end = batch.next_offset
    else:
        return None
    return int(end) if end > at else None


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
