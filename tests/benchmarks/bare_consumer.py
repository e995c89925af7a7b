"""``python -m tests.benchmarks.bare_consumer EVENTS [--columns]``: when a bare consumer has each event.

The worker's client at the worker's settings, which does nothing else; with ``--columns`` it takes records
as the worker does. Writes two float64 an event: its record's own time, Unix ms, and how many ms later it was
polled. As bytes: lines of millions of events would take seconds of a core from a worker that still learns.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from kafka import KafkaConsumer, TopicPartition
from numpy.typing import NDArray

from worker.fetched import POLL_RECORDS
from worker.settings import Settings
from worker.source.consumer_settings import consumer_settings

Times = NDArray[np.float64]


def main() -> None:
    """Read that many events."""
    settings = Settings()
    consumer: Any = KafkaConsumer(**consumer_settings(settings))
    partitions = [TopicPartition(settings.topic, p) for p in consumer.partitions_for_topic(settings.topic)]
    consumer.assign(partitions)
    consumer.seek_to_beginning(*partitions)
    poll = _columns(consumer) if "--columns" in sys.argv else lambda: _objects(consumer)
    found: list[tuple[Times, Times]] = []
    left = int(sys.argv[1])
    while left > 0:
        sent = poll()
        found.append((sent, time.time() * 1000 - sent))
        left -= len(sent)
    consumer.close(autocommit=False)
    columns = [np.concatenate(column) for column in zip(*found, strict=True)]
    sys.stdout.buffer.write(np.stack(columns, axis=1).tobytes())


def _objects(consumer: Any) -> Times:
    polled = consumer.poll(200)
    return np.array([record.timestamp for part in polled.values() for record in part], np.float64)


def _columns(consumer: Any) -> Callable[[], Times]:
    from worker.source.fetched_columns import polled_records, take_columns

    take_columns(consumer, ())

    def poll() -> Times:
        polled = consumer.poll(200, POLL_RECORDS)
        parts = [part for tp, own in polled.items() for part in polled_records(tp.partition, 0, own)]
        return np.concatenate([np.zeros(0), *(part.times_ms for part in parts)])

    return poll


main()
