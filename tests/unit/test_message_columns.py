"""librdkafka's messages as columns, beside what a slow reading of the same C structures gives."""

from __future__ import annotations

import ctypes
from typing import Any

import numpy as np
import pytest
from confluent_kafka import Consumer
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from lfm_online.message_columns import measure, take
from worker.source.partition_queues import PartitionQueues
from worker.source.protocol import SourceBrokenError


class Message(ctypes.Structure):
    """``rd_kafka_message_t``, with its time and whether it was given back behind it."""

    _fields_ = [
        ("err", ctypes.c_int32),
        ("rkt", ctypes.c_void_p),
        ("partition", ctypes.c_int32),
        ("payload", ctypes.c_char_p),
        ("len", ctypes.c_size_t),
        ("key", ctypes.c_char_p),
        ("key_len", ctypes.c_size_t),
        ("offset", ctypes.c_int64),
        ("private", ctypes.c_void_p),
        ("time_ms", ctypes.c_int64),
        ("given_back", ctypes.c_int64),
    ]


def time_of(message: Any, _kind: Any) -> int:
    return int(message.contents.time_ms)


def give_back(message: Any) -> None:
    message.contents.given_back += 1
    message.contents.offset = -99  # what was given back may be another's at once


timestamp = ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.POINTER(Message), ctypes.c_void_p)(time_of)
destroy = ctypes.CFUNCTYPE(None, ctypes.POINTER(Message))(give_back)


Row = tuple[int, int, bytes | None, bytes | None]
parts = st.none() | st.binary(max_size=300)
rows = st.lists(st.tuples(st.integers(0, 2**62), st.integers(-1, 2**50), parts, parts), max_size=30)


def made(row: Row, err: int = 0) -> Message:
    offset, time_ms, key, value = row
    return Message(err, None, 3, value, len(value or b""), key, len(key or b""), offset, None, time_ms, 0)


def addresses(messages: list[Message]) -> NDArray[np.int64]:
    return np.array([ctypes.addressof(message) for message in messages], np.int64)


def address(function: Any) -> int:
    found = ctypes.cast(function, ctypes.c_void_p).value
    assert found is not None
    return found


def read(columns: NDArray[np.int64], data: NDArray[np.uint8]) -> list[Row]:
    """One by one."""
    found = []
    for offset, time_ms, *places in columns.T.tolist():
        key, value = (
            None if length < 0 else data[begin : begin + length].tobytes()
            for begin, length in (places[:2], places[2:])
        )
        found.append((offset, time_ms, key, value))
    return found


@given(rows)
def test_columns_hold_what_the_messages_do_and_each_is_given_back_once(expected: list[Row]) -> None:
    messages = [made(row) for row in expected]
    n, n_bytes = measure(addresses(messages))
    assert n == len(messages)
    assert n_bytes == sum(len(part or b"") for row in expected for part in row[2:])
    columns, data = take(addresses(messages), n_bytes, address(timestamp), address(destroy))
    assert read(columns, data) == expected
    assert [message.given_back for message in messages] == [1] * len(messages)


@given(rows, rows, st.sampled_from([-191, -139, 3]))
def test_measuring_stops_before_an_error_and_gives_nothing_back(
    before: list[Row], after: list[Row], code: int
) -> None:
    messages = [*map(made, before), made((5, 0, None, b"an error's words"), code), *map(made, after)]
    n, n_bytes = measure(addresses(messages))
    assert n == len(before)
    assert n_bytes == sum(len(part or b"") for row in before for part in row[2:])
    assert not any(message.given_back for message in messages)


def test_a_consumer_laid_out_otherwise_is_refused_before_anything_is_called() -> None:
    consumer = Consumer({"group.id": "g", "bootstrap.servers": "127.0.0.1:1", "error_cb": print})
    with pytest.raises(SourceBrokenError, match=r"confluent-kafka .* requirements\.lock"):
        PartitionQueues(consumer, repr, "ratings")
    consumer.close()
