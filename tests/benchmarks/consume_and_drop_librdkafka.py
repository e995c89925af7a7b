"""The same ceiling by confluent-kafka: librdkafka at the worker's settings, dropped as it comes.

``python -m tests.benchmarks.consume_and_drop_librdkafka EVENTS [--columns]`` prints events a second from the
first record to the last; settings come from the environment, as the worker's do. Without ``--columns`` the
messages are confluent-kafka's own, by one queue; with it they become columns as the worker takes them, by a
queue a partition.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import Final

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, Message, TopicPartition

from worker.fetched import POLL_RECORDS
from worker.settings import Settings
from worker.source.consumer_settings import librdkafka_settings
from worker.source.partition_queues import PartitionQueues

WAIT_SECONDS: Final = 0.2


def main() -> None:
    """Read that many events."""
    settings = Settings()
    options = librdkafka_settings(settings) | {"error_cb": _note}
    if "--columns" not in sys.argv:  # what the worker lets lie in each queue, in the only one
        for limit in ("queued.min.messages", "queued.max.messages.kbytes"):
            options[limit] *= 4
    consumer = Consumer(options)
    numbers = consumer.list_topics(settings.topic, timeout=10).topics[settings.topic].partitions
    partitions = [TopicPartition(settings.topic, p, OFFSET_BEGINNING) for p in numbers]
    if "--columns" in sys.argv:
        queues = PartitionQueues(consumer, _note, settings.topic)
        queues.separate(numbers)
        consumer.assign(partitions)
        _drop(lambda: _columns(queues, dict.fromkeys(numbers, 0)))
        queues.close()
    else:
        consumer.assign(partitions)
        _drop(lambda: _messages(consumer))
    consumer.close()


def _drop(take: Callable[[], int]) -> None:
    events, read, began = int(sys.argv[1]), 0, 0.0
    while read < events:
        taken = take()
        if taken and began == 0.0:
            began = time.perf_counter()
            events -= taken
            continue
        read += taken
    print(events / (time.perf_counter() - began))


def _messages(consumer: Consumer) -> int:
    messages = consumer.consume(POLL_RECORDS, 0)
    if not messages and (first := consumer.poll(WAIT_SECONDS)) is not None:
        messages = [first, *consumer.consume(POLL_RECORDS - 1, 0)]
    if any(map(Message.error, messages)):
        messages = [message for message in messages if message.error() is None]
    return len(messages)


def _columns(queues: PartitionQueues, positions: dict[int, int]) -> int:
    taken = queues.take(positions, POLL_RECORDS)
    if not taken:
        queues.wait(WAIT_SECONDS)
    return sum(len(part.records.offsets) for part in taken if part.records is not None)


def _note(_: KafkaError) -> None:
    """The worker's source gives its own."""


main()
