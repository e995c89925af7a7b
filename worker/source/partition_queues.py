"""The queues into which librdkafka puts what it fetches, one a partition, read by its own C functions.

confluent-kafka makes a Python object of each message, which costs more than fetching it. Its consumer still
does all the rest: the group, assignments, errors, logs, questions. What is used beside it is librdkafka's
public interface (rdkafka.h), but for one thing: where a consumer keeps its handle (:func:`_handle`).
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import select
from collections.abc import Iterable
from typing import Any, Final, NamedTuple

import confluent_kafka
import numpy as np
from numpy.typing import NDArray

from lfm_online import message_columns
from lfm_online.message_columns import COLUMNS
from worker.source.protocol import SourceBrokenError
from worker.source.records import Parts, Records

POINTER: Final = ctypes.c_void_p
SIGNATURES: Final[dict[str, tuple[Any, list[Any]]]] = {
    "rd_kafka_queue_get_consumer": (POINTER, [POINTER]),
    "rd_kafka_queue_get_partition": (POINTER, [POINTER, ctypes.c_char_p, ctypes.c_int32]),
    "rd_kafka_queue_forward": (None, [POINTER, POINTER]),
    "rd_kafka_queue_io_event_enable": (None, [POINTER, ctypes.c_int, ctypes.c_char_p, ctypes.c_size_t]),
    "rd_kafka_queue_destroy": (None, [POINTER]),
    "rd_kafka_consume_batch_queue": (
        ctypes.c_ssize_t,
        [POINTER, ctypes.c_int, POINTER, ctypes.c_size_t],
    ),
    "rd_kafka_message_errstr": (ctypes.c_char_p, [POINTER]),
    "rd_kafka_message_timestamp": (ctypes.c_int64, [POINTER, POINTER]),
    "rd_kafka_message_destroy": (None, [POINTER]),
}
"""What is called of librdkafka: result and arguments."""
MESSAGE: Final = np.dtype(
    {"names": ["code", "offset"], "formats": ["<i4", "<i8"], "offsets": [0, message_columns.OFFSET]}
)
"""Of a message that is an error: librdkafka's code, and the offset that it is about."""


class Notice(NamedTuple):
    """What librdkafka says of a partition, at its place among the records."""

    partition: int
    code: int  # of ``KafkaError``
    offset: int
    text: str


class Taken(NamedTuple):
    """What a partition's queue held: records from ``first`` on, then at most one notice."""

    partition: int
    records: Records | None
    notice: Notice | None


def _library() -> Any:
    """The library that confluent-kafka is linked to: its extension's handle finds what that depends on."""
    library = ctypes.CDLL(confluent_kafka.cimpl.__file__)
    for name, (result, arguments) in SIGNATURES.items():
        function = getattr(library, name)
        function.restype, function.argtypes = result, arguments
    return library


def _handle(consumer: Any, error_cb: Any) -> int:
    """The consumer's ``rd_kafka_t*``: its object's first field, before that of its error callback.

    Raises:
        SourceBrokenError: the callback is not found there: this version of the package is laid out otherwise.
    """
    place = id(consumer) + object.__basicsize__
    handle = POINTER.from_address(place).value
    callback = POINTER.from_address(place + ctypes.sizeof(POINTER)).value
    if handle is None or callback != id(error_cb):
        raise SourceBrokenError(
            f"confluent-kafka {confluent_kafka.__version__} lays its consumers out in a way not known here: "
            "install the version of requirements.lock, or LFM_SOURCE=kafka-python"
        )
    return handle


def _address(function: Any) -> int:
    """Where a function of the library lies."""
    return ctypes.cast(function, POINTER).value or 0


class PartitionQueues:
    """The queues of some partitions of one topic. Close it before its consumer, then call :meth:`closed`."""

    def __init__(self, consumer: Any, error_cb: Any, topic: str) -> None:
        """Of that consumer, which was given that ``error_cb`` object.

        Raises:
            SourceBrokenError: the package's version is not one that is known here.
        """
        message_columns.prepare()
        self._library = _library()
        self._handle = _handle(consumer, error_cb)
        self._topic = topic.encode()
        self._queues: dict[int, int] = {}
        self._turn = 0
        self._timestamp = _address(self._library.rd_kafka_message_timestamp)
        self._destroy = _address(self._library.rd_kafka_message_destroy)
        # Written to when anything comes into an empty queue.
        self._woken, self._wake = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        self._poll = select.poll()
        self._poll.register(self._woken, select.POLLIN)
        self._events = self._library.rd_kafka_queue_get_consumer(self._handle)
        self._tell(self._events, self._wake)

    def _tell(self, queue: int, pipe: int) -> None:
        self._library.rd_kafka_queue_io_event_enable(queue, pipe, b"!", 1)

    def separate(self, partitions: Iterable[int]) -> None:
        """Have each of these keep its own queue, from before it is assigned; the others' are left.

        librdkafka would lead them all into the consumer's own queue.
        """
        self._leave()
        for partition in partitions:
            queue = self._library.rd_kafka_queue_get_partition(self._handle, self._topic, partition)
            self._library.rd_kafka_queue_forward(queue, None)
            self._tell(queue, self._wake)
            self._queues[partition] = queue

    def _leave(self) -> None:
        for queue in self._queues.values():
            self._tell(queue, -1)
            self._library.rd_kafka_queue_destroy(queue)
        self._queues.clear()

    def wait(self, seconds: float) -> None:
        """Until something has come, or the time is over."""
        self._poll.poll(seconds * 1000)
        with contextlib.suppress(BlockingIOError):
            os.read(self._woken, select.PIPE_BUF)

    def take(self, positions: dict[int, int], limit: int) -> list[Taken]:
        """Up to ``limit`` of what lies in the queues, about as much of each; waits for nothing.

        Args:
            positions: Where each partition stands; of others nothing is taken.
            limit: Of all partitions together.
        """
        own = [partition for partition in self._queues if partition in positions]
        self._turn += 1
        first = self._turn % max(len(own), 1)  # what is left of the limit is another's each time
        found: list[Taken] = []
        left = limit
        for after, partition in enumerate([*own[first:], *own[:first]]):
            share = left // (len(own) - after)
            messages = np.empty(share, np.int64)
            n = self._library.rd_kafka_consume_batch_queue(
                self._queues[partition], 0, messages.ctypes.data, share
            )
            if n > 0:
                found += self._columns(partition, positions[partition], messages[:n])
            left -= max(n, 0)
        return found

    def _columns(self, partition: int, first: int, messages: NDArray[np.int64]) -> list[Taken]:
        """The messages as records, and as notices where they are errors; none is left to give back."""
        found = []
        start = 0
        while start < len(messages):
            n, n_bytes = message_columns.measure(messages[start:])
            records = None
            if n > 0:
                records = self._records(partition, first, messages[start : start + n], n_bytes)
                first = records.end
            start += n
            notice = self._notice(partition, int(messages[start])) if start < len(messages) else None
            start += 1
            found.append(Taken(partition, records, notice))
        return found

    def _notice(self, partition: int, message: int) -> Notice:
        """What a message says that is an error; it is given back."""
        (raw,) = np.frombuffer(ctypes.string_at(message, MESSAGE.itemsize), MESSAGE)
        text = (self._library.rd_kafka_message_errstr(message) or b"").decode(errors="replace")
        self._library.rd_kafka_message_destroy(message)
        return Notice(partition, int(raw["code"]), int(raw["offset"]), text)

    def _records(self, partition: int, first: int, messages: NDArray[np.int64], n_bytes: int) -> Records:
        columns, data = message_columns.take(messages, n_bytes, self._timestamp, self._destroy)
        of = dict(zip(COLUMNS, columns, strict=True))
        keys = Parts(of["key"], of["key_length"])
        values = Parts(of["value"], of["value_length"])
        return Records(partition, first, of["offset"], of["time_ms"], data, keys, values)

    def close(self) -> None:
        """Let go of the queues, while the consumer is still there."""
        self._leave()
        self._tell(self._events, -1)
        self._library.rd_kafka_queue_destroy(self._events)

    def closed(self) -> None:
        """The consumer is gone, and none of its threads writes any more."""
        os.close(self._woken)
        os.close(self._wake)
