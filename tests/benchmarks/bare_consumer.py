"""``python -m tests.benchmarks.bare_consumer EVENTS``: when a consumer that does nothing else has each event.

Prints a line an event: its record's own time, Unix ms, and how many ms later it was polled.
"""

from __future__ import annotations

import sys
import time
from typing import Any

from kafka import KafkaConsumer, TopicPartition

from worker.settings import Settings
from worker.source.consumer_settings import consumer_settings


def main() -> None:
    """Read that many events."""
    settings = Settings()
    consumer: Any = KafkaConsumer(**consumer_settings(settings))
    partitions = [TopicPartition(settings.topic, p) for p in consumer.partitions_for_topic(settings.topic)]
    consumer.assign(partitions)
    consumer.seek_to_beginning(*partitions)
    found: list[tuple[int, float]] = []
    while len(found) < int(sys.argv[1]):
        polled = consumer.poll(200)
        now = time.time() * 1000
        found += [(record.timestamp, now - record.timestamp) for part in polled.values() for record in part]
    consumer.close(autocommit=False)
    for sent, later in found:
        print(sent, later)


main()
