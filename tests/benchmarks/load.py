"""``python -m tests.benchmarks.load EVENTS [--rate RATE] [--users N]``: sends ratings to the topic.

Settings come from the environment, as the worker's do. By librdkafka, since what sends shares the cores with
what is measured. A record's time is when it was handed over.
"""

from __future__ import annotations

import argparse
import itertools
import time
from collections.abc import Iterator
from typing import Final

import msgspec
from confluent_kafka import Producer

from tests.benchmarks.backlog import USERS, backlog
from worker.access import librdkafka_access
from worker.settings import Settings

AT_ONCE: Final = 1_000_000
"""Events made in one piece, where nothing waits for them."""
STRIDE_SECONDS: Final = 0.001
"""Between two looks at the clock, where there is a rate."""
LINGER_MS: Final = 5
"""librdkafka's own: batches of one record are more than the embedded broker can keep up with."""
FAST_RATE: Final = 50_000
"""Events a second above which a producer would wait longer for its batches."""
FAST_LINGER_MS: Final = 25
"""At every fetch the embedded broker looks at each batch there is: at 800 a second it takes half a core after
ten seconds, and every latency grows with it, a bare consumer's too."""


def main() -> None:
    """Send them, and wait until the broker has them."""
    parser = argparse.ArgumentParser()
    parser.add_argument("events", type=int)
    parser.add_argument("--rate", type=int, help="events a second; else flat out")
    parser.add_argument("--users", type=int, default=USERS)
    a = parser.parse_args()
    settings = Settings()
    linger = FAST_LINGER_MS if not a.rate or a.rate > FAST_RATE else LINGER_MS
    producer = Producer(
        librdkafka_access(settings) | {"linger.ms": linger, "queue.buffering.max.messages": a.events}
    )
    records = _records(a.events, a.users)
    if a.rate:
        records = iter(list(records))
    stride = max(1, int(a.rate * STRIDE_SECONDS)) if a.rate else 1000
    began = time.perf_counter()
    for sent, (user, value) in enumerate(records):
        if sent % stride == 0:
            producer.poll(0)
            if a.rate:
                time.sleep(max(0.0, began + sent / a.rate - time.perf_counter()))
        while True:
            try:
                producer.produce(settings.topic, value, user)
                break
            except BufferError:  # more is waiting for the broker than the client keeps
                producer.poll(0.1)
    if producer.flush(60):
        raise SystemExit("not everything was sent")


def _records(events: int, users: int) -> Iterator[tuple[str, bytes]]:
    """Keys and values."""
    encode = msgspec.json.Encoder().encode
    for seed in itertools.count(1):
        table = backlog(min(events, AT_ONCE), seed, users)
        assert table.times_ms is not None
        columns = (table.users, table.items, table.ratings.tolist(), table.times_ms.tolist())
        for user, item, rating, time_ms in zip(*columns, strict=True):
            yield user, encode({"user_id": user, "item_id": item, "rating": rating, "timestamp": time_ms})
        events -= len(table.users)
        if not events:
            return


main()
