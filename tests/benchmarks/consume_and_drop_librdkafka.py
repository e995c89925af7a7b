"""The same ceiling by confluent-kafka: librdkafka at the worker's settings, dropped as it comes.

``python -m tests.benchmarks.consume_and_drop_librdkafka EVENTS [--columns]`` prints events a second from the
first record to the last; settings come from the environment, as the worker's do. With ``--columns`` the
messages become columns before they are dropped.
"""

from __future__ import annotations

import sys
import time

from confluent_kafka import OFFSET_BEGINNING, Consumer, Message, TopicPartition

from worker.pipeline import POLL_RECORDS
from worker.settings import Settings
from worker.source.consumer_settings import librdkafka_settings
from worker.source.message_columns import by_partition, columns_of


def main() -> None:
    """Read that many events."""
    settings = Settings()
    consumer = Consumer(librdkafka_settings(settings))
    partitions = consumer.list_topics(settings.topic, timeout=10).topics[settings.topic].partitions
    consumer.assign([TopicPartition(settings.topic, p, OFFSET_BEGINNING) for p in partitions])
    as_columns = "--columns" in sys.argv
    events, read, began = int(sys.argv[1]), 0, 0.0
    while read < events:
        messages = consumer.consume(POLL_RECORDS, 0)
        if not messages and (first := consumer.poll(0.2)) is not None:
            messages = [first, *consumer.consume(POLL_RECORDS - 1, 0)]
        if any(map(Message.error, messages)):
            messages = [message for message in messages if message.error() is None]
        if as_columns:
            for partition, own in by_partition(messages).items():
                columns_of(partition, 0, own)
        if messages and began == 0.0:
            began = time.perf_counter()
            events -= len(messages)
            continue
        read += len(messages)
    print(events / (time.perf_counter() - began))
    consumer.close()


main()
