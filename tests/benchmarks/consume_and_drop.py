"""The ceiling: the worker's client at the worker's settings, which drops what it reads.

``python -m tests.benchmarks.consume_and_drop EVENTS [--columns]`` prints events a second from the first
record to the last; settings come from the environment, as the worker's do. Without ``--columns`` the
client is as its makers ship it.
"""

from __future__ import annotations

import sys
import time
from typing import Any, Final

from kafka import KafkaConsumer, TopicPartition

from worker.fetched import POLL_RECORDS
from worker.settings import Settings
from worker.source.consumer_settings import consumer_settings
from worker.source.fetched_columns import take_columns

CLIENTS_OWN_POLL: Final = 500
"""Records of a poll of which the client makes objects: with more than the cache holds it is slower."""


def main() -> None:
    """Read that many events."""
    settings = Settings()
    consumer: Any = KafkaConsumer(**consumer_settings(settings))
    limit = CLIENTS_OWN_POLL
    if "--columns" in sys.argv:
        take_columns(consumer, ())
        limit = POLL_RECORDS
    partitions = [TopicPartition(settings.topic, p) for p in consumer.partitions_for_topic(settings.topic)]
    consumer.assign(partitions)
    consumer.seek_to_beginning(*partitions)
    events, read, began = int(sys.argv[1]), 0, 0.0
    while read < events:
        found = sum(map(len, consumer.poll(200, limit).values()))
        if found and began == 0.0:
            began = time.perf_counter()
            events -= found
            continue
        read += found
    print(events / (time.perf_counter() - began))
    consumer.close(autocommit=False)


main()
