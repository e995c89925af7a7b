"""What kafka-python fetched, taken as columns, beside what its own parser makes of the same bytes."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kafka import TopicPartition
from kafka.consumer.fetcher import Fetcher
from kafka.errors import CorruptRecordError
from kafka.protocol.consumer import IsolationLevel
from kafka.record.memory_records import MemoryRecords, MemoryRecordsBuilder
from kafka.record.util import calc_crc32c

from worker.source.fetched_columns import (
    Everything,
    UndecodableBatchError,
    _PartitionRecords,
    polled_records,
)

HEADER_BYTES = 61
GZIP, SNAPPY, LZ4, ZSTD = 1, 2, 3, 4
parts = st.none() | st.binary(max_size=300)
headers = st.lists(st.tuples(st.text(max_size=5), st.none() | st.binary(max_size=5)), max_size=3)
times = st.integers(-1, 2**40)
records = st.lists(st.tuples(st.integers(0, 2000), times, parts, parts, headers), min_size=1, max_size=20)


def batch(rows: Any, first: int, *, codec: int = 0, magic: int = 2, producer: int = -1) -> bytes:
    """One batch of (gap before it, time, key, value, headers)."""
    transaction: dict[str, Any] = (
        {"transactional": True, "producer_id": producer, "producer_epoch": 0, "base_sequence": 0}
        if producer >= 0
        else {}
    )
    builder = MemoryRecordsBuilder(magic, codec, 10**6, offset=first, **transaction)
    for gap, time_ms, key, value, head in rows:
        builder.skip(gap)
        builder.append(time_ms, key, value, head)
    builder.close()
    return bytes(builder.buffer())


Record = tuple[int, int, bytes | None, bytes | None]


def columns(data: bytes, take: int, **options: Any) -> tuple[list[Record], list[int]]:
    """All records (offset, time, key, value), and the positions after each take."""
    polled, positions = drained(_PartitionRecords, data, take, **options)
    if not polled:
        return [], positions
    (found,) = polled_records(0, 0, polled)
    keys = [found.part(found.keys, place) for place in range(len(polled))]
    values = [found.part(found.values, place) for place in range(len(polled))]
    rows = zip(found.offsets.tolist(), found.times_ms.tolist(), keys, values, strict=True)
    return list(rows), positions


def drained(parser: Any, data: bytes, take: int, *, offset: int = 0, **options: Any) -> Any:
    part = parser(offset, TopicPartition("t", 0), MemoryRecords(data), **options)
    found, positions = [], []
    while part:
        found += part.take(take)
        positions.append(part.next_fetch_offset)
    return found, positions


def twin(data: bytes, **options: Any) -> Any:
    """By the client's own parser."""
    found, positions = drained(Fetcher.PartitionRecords, data, 10**6, **options)
    return [(r.offset, r.timestamp, r.key, r.value) for r in found], positions[-1]


@given(
    batches=st.lists(records, min_size=1, max_size=3),
    codec=st.sampled_from([0, GZIP, SNAPPY, LZ4, ZSTD]),
    offset=st.integers(0, 3000),
    take=st.integers(1, 30),
)
def test_columns_are_what_the_clients_own_parser_yields(
    batches: Any, codec: int, offset: int, take: int
) -> None:
    data, first = b"", 0
    for rows in batches:
        data += batch(rows, first, codec=codec)
        first += sum(gap + 1 for gap, *_ in rows)
    found, positions = columns(data, take, offset=offset)
    assert (found, positions[-1]) == twin(data, offset=offset)
    assert positions == sorted(positions)


@given(
    batches=st.lists(
        st.tuples(records, st.sampled_from([0, 0, 0, GZIP]), st.sampled_from([-1, -1, 7, 8]), st.booleans()),
        min_size=1,
        max_size=8,
    ),
    cut_off=st.integers(0, 70),
    take=st.integers(1, 60),
    at_once=st.integers(1, 50),
)
def test_plain_batches_among_others_are_what_the_clients_own_parser_yields(
    batches: Any, cut_off: int, take: int, at_once: int
) -> None:
    class Aborted:
        producer_id, first_offset = 7, 0

    data, first = b"", 0
    for rows, codec, producer, timed_by_broker in batches:
        made = in_log([(0, *row[1:]) for row in rows], first, codec=codec, producer=producer)
        data += broker_timed(made) if timed_by_broker else made
        first += len(rows)
    data = data[: len(data) - cut_off]
    options = {"isolation_level": IsolationLevel.READ_COMMITTED, "aborted_transactions": [Aborted]}
    theirs, end = twin(data, **options) if len(data) > HEADER_BYTES else ([], 0)
    with pytest.MonkeyPatch.context() as changed:
        changed.setattr("worker.source.fetched_columns.MOST_AT_ONCE", at_once)
        found, positions = columns(data, take, **options)
    assert (found, positions[-1]) == (theirs, end)


def broker_timed(data: bytes) -> bytes:
    """A batch with the broker's time in place of its records'."""
    changed = bytearray(data)
    changed[22] |= 8  # attributes
    changed[17:21] = calc_crc32c(memoryview(changed)[21:]).to_bytes(4, "big")
    return bytes(changed)


@given(rows=records, magic=st.sampled_from([0, 1]), codec=st.sampled_from([0, GZIP]))
def test_messages_of_the_older_formats_are_read_too(rows: Any, magic: int, codec: int) -> None:
    data = batch(
        [(0, time_ms, key, value, []) for _, time_ms, key, value, _ in rows], 0, magic=magic, codec=codec
    )
    found, positions = columns(data, 7)
    theirs, end = twin(data)
    assert [(o, t, k, v) for o, t, k, v in found] == [
        (o, -1 if t is None else t, k, v) for o, t, k, v in theirs
    ]
    assert positions[-1] == end


def test_records_of_aborted_transactions_are_left_out() -> None:
    class Aborted:
        producer_id, first_offset = 7, 1

    row: Any = (0, 5, b"k", b"v", [])
    data = batch([row], 0, producer=8) + batch([row, row], 1, producer=7) + batch([row], 3)
    for level in (IsolationLevel.READ_COMMITTED, IsolationLevel.READ_UNCOMMITTED):
        options = {"isolation_level": level, "aborted_transactions": [Aborted]}
        found, positions = columns(data, 10, **options)
        assert (found, positions[-1]) == twin(data, **options)
        assert [offset for offset, *_ in found] == (
            [0, 3] if level == IsolationLevel.READ_COMMITTED else [0, 1, 2, 3]
        )


@given(rows=records, at=st.integers(0), value=st.integers(1, 255))
def test_damaged_bytes_fail_their_checksum(rows: Any, at: int, value: int) -> None:
    with pytest.raises(CorruptRecordError, match="checksum"):
        columns(damaged(batch(rows, 0), at, value), 1000)


@given(rows=records, at=st.integers(0), value=st.integers(1, 255))
def test_damaged_bytes_are_never_read_past_their_end(rows: Any, at: int, value: int) -> None:
    """Without the checksum, damage may still read as records, but as records of these bytes only."""
    data = damaged(batch(rows, 0), at, value)
    try:
        found, _ = columns(data, 1000, check_crcs=False)
    except CorruptRecordError:
        return
    assert len(found) <= len(rows)
    assert sum(len(part or b"") for record in found for part in record[2:]) <= len(data)


def damaged(data: bytes, at: int, value: int) -> bytes:
    """With one byte behind the batch's header changed."""
    changed = bytearray(data)
    changed[HEADER_BYTES + at % (len(data) - HEADER_BYTES)] ^= value
    return bytes(changed)


def test_a_header_that_lies_about_its_records_is_an_error() -> None:
    data = bytearray(batch([(0, 1, b"k", b"v", [])], 0))
    data[57:61] = (2**31 - 1).to_bytes(4, "big")
    with pytest.raises(CorruptRecordError, match="2147483647 records"):
        columns(bytes(data), 10, check_crcs=False)


ROW: Any = (0, 5, b"k", b"value", [])


def in_log(rows: Any, first: int, **options: Any) -> bytes:
    """A batch as a broker keeps it: its first offset stands in its header."""
    return first.to_bytes(8, "big") + batch(rows, 0, **options)[8:]


def given_up(data: bytes, places: Any, offset: int = 0) -> list[tuple[int, int, bool, list[int]]]:
    """(first, end, whether it is a fault, offsets) of what one partition's fetch gave."""
    polled, _ = drained(_PartitionRecords, data, 1000, given_up=places, offset=offset)
    return [
        (each.first, each.end, bool(each.fault), each.offsets.tolist())
        for each in polled_records(0, offset, polled)
    ]


def test_a_batch_that_was_given_up_stands_between_its_neighbours_as_one_fault() -> None:
    data = in_log([ROW] * 3, 0) + damaged(in_log([ROW] * 4, 3), 30, 1) + in_log([ROW] * 2, 9)
    with pytest.raises(UndecodableBatchError, match=r"partition 0, offsets 3 to 8, .* checksum") as error:
        given_up(data, ())
    assert (error.value.place, error.value.end) == ((0, 3), 9)
    assert given_up(data, {(0, 3)}) == [
        (0, 3, False, [0, 1, 2]),
        (3, 9, True, [3]),  # up to where the next begins
        (9, 11, False, [9, 10]),
    ]
    assert given_up(data, Everything(), offset=5)[:1] == [(5, 9, True, [5])]


@pytest.mark.parametrize(("codec", "has"), [(GZIP, "gzip"), (ZSTD, "zstd"), (LZ4, "lz4"), (SNAPPY, "snappy")])
def test_a_codec_that_is_missing_is_told_with_the_batch(
    codec: int, has: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = in_log([ROW] * 40, 7, codec=codec)
    monkeypatch.setattr(f"kafka.codec.has_{has}", lambda: False)
    with pytest.raises(UndecodableBatchError, match=rf"offsets 7 to 46, .* {has}"):
        given_up(data, (), offset=7)
    assert given_up(data, {(0, 7)}, offset=7) == [(7, 47, True, [7])]


def test_a_batch_whose_own_header_does_not_tell_its_end_is_never_skipped() -> None:
    data = bytearray(in_log([ROW] * 4, 7))
    data[26] ^= 1  # the last offset's distance from the first
    with pytest.raises(UndecodableBatchError, match="to one that it doesn't tell"):
        given_up(bytes(data), Everything(), offset=7)
    behind = bytes(data) + in_log([ROW], 11)
    assert given_up(behind, Everything(), offset=7)[0][:3] == (7, 11, True)


def test_bytes_that_no_codec_can_read_are_a_fault_too() -> None:
    whole = in_log([ROW] * 4, 0, codec=GZIP)
    torn = bytearray(whole)
    torn[HEADER_BYTES + 12 :] = bytes(len(whole) - HEADER_BYTES - 12)
    polled, _ = drained(_PartitionRecords, bytes(torn), 10, given_up=Everything(), check_crcs=False)
    assert [each.fault != "" for each in polled] == [True]
