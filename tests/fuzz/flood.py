"""A flood of records of every kind through a real worker: `make fuzz RECORDS=n`.

Each must be learned or a dead letter, and the worker's memory must not grow with them.
"""

from __future__ import annotations

import argparse
import json
import logging
import random
import sys
import time
from contextlib import closing
from math import nan
from statistics import fmean
from typing import Any, NamedTuple

import redis
from kafka import KafkaProducer
from rich.console import Console
from rich.progress import Progress

from tests.acceptance.workers import PATIENCE_SECONDS, metric
from tests.commands import Command
from tests.fuzz.made_badly import BadProducer
from tests.letters import Letters
from tests.resident import resident_bytes
from tests.servers.kafka import RealKafka
from tests.servers.redis import RealRedis
from tests.topics import create_topic
from worker.demo.embedded import EmbeddedBroker, EmbeddedStore
from worker.demo.run import Run

PARTITIONS = 4
LOOK_SECONDS = 0.1
MOST_GROWTH = 0.05
"""Of the resident memory, from the first tenth of the records to the last."""
WARM_UP = 100_000
"""Records that are sent before them: a worker that starts takes memory for what it begins to do."""
ENDS = ("learned", "retracted", "forgotten", "refused")


class Flood(NamedTuple):
    """What became of the records."""

    records: int  # those of the warm-up too
    learned: int  # by the worker's own count, with what it forgot, retracted or refused to learn
    dead: int  # different ones in the dead-letter topic
    proved: int  # events that verify found in the rows
    passed: bool  # whether it found nothing else
    first_mib: float  # mean resident memory of the worker over the first tenth behind the warm-up
    last_mib: float  # over the last tenth
    seconds: float

    @property
    def growth(self) -> float:
        """Of the memory, as a share."""
        return self.last_mib / self.first_mib - 1

    @property
    def complete(self) -> bool:
        """Whether each record was learned or is a dead letter."""
        return self.passed and self.learned == self.proved and self.learned + self.dead == self.records


def flood(records: int, warm_up: int, seed: int, *, real: bool, progress: Progress) -> Flood:
    """Send so many behind those of the warm-up, learn them, and count."""
    records += warm_up
    with Run() as run:
        broker = (RealKafka if real else EmbeddedBroker)(run).start()
        store = (RealRedis if real else EmbeddedStore)(run, "store").start()
        topic, dead_topic = (create_topic(broker.bootstrap, PARTITIONS) for _ in range(2))
        _send(broker.bootstrap, topic, records, seed, progress)
        where = ("--kafka", broker.bootstrap, "--store", store.url, "--model", "flood")
        own = ("--topic", topic, "--dead-letter-topic", dead_topic, "--worker-port", "0")
        began = time.monotonic()
        worker = Command(run, "worker", ("worker", *where, *own), None)
        memory = _watch(worker, store.url, warm_up, records, progress)
        seconds = time.monotonic() - began
        learned = sum(int(metric(worker, f'lfm_events_total{{outcome="{end}"}}')) for end in ENDS)
        verify = Command(run, "verify", ("verify", *where, "--json"), None)
        code = verify.wait(PATIENCE_SECONDS * 10)
        dead = _dead(broker.bootstrap, dead_topic, records - learned)
        proved = json.loads(verify.output)["events"]
        first, last = (fmean(tenth) / 2**20 if tenth else nan for tenth in memory)  # too short to look
        return Flood(records, learned, dead, proved, code == 0, first, last, seconds)


def _send(broker: str, topic: str, records: int, seed: int, progress: Progress) -> None:
    producer: Any = KafkaProducer(bootstrap_servers=broker, acks="all", linger_ms=20, batch_size=2**18)
    made = BadProducer(random.Random(seed))
    bar = progress.add_task("sending", total=records)
    failed: list[BaseException] = []
    for _ in range(records):
        key, value = made.record()
        producer.send(topic, key=key, value=value).add_errback(failed.append)
        progress.advance(bar)
    producer.flush()
    producer.close()
    if failed:
        raise failed[0]


def _watch(
    worker: Command, store: str, warm_up: int, records: int, progress: Progress
) -> tuple[list[int], list[int]]:
    """Until all is learned and forwarded: resident bytes in the first tenth and the last."""
    tenth = (records - warm_up) / 10
    first: list[int] = []
    last: list[int] = []
    bar = progress.add_task("learning", total=records)
    prefix = "lfm:{flood}:"
    client: Any = redis.Redis.from_url(store)
    with client:
        changed, before, waiting = time.monotonic(), (0, 0), 1
        while before[0] < records or waiting:
            if worker.poll() is not None:
                raise RuntimeError(f"the worker ended:\n{worker.log}")
            if time.monotonic() - changed > PATIENCE_SECONDS:
                raise TimeoutError(f"{before[0]} of {records} learned, and no more:\n{worker.log}")
            time.sleep(LOOK_SECONDS)
            done = sum(int(mark) for mark in client.hvals(prefix + "watermarks"))
            waiting = sum(client.hlen(f"{prefix}dead:{partition}") for partition in range(PARTITIONS))
            if (done, waiting) != before:
                changed, before = time.monotonic(), (done, waiting)
            progress.update(bar, completed=done)
            if warm_up < done <= warm_up + tenth:
                first.append(resident_bytes(worker.pid))
            elif done >= records - tenth:
                last.append(resident_bytes(worker.pid))
    return first, last


def _dead(broker: str, topic: str, expected: int) -> int:
    """How many came to the dead-letter topic; waits for as many as there should be."""
    with closing(Letters(broker, topic, PARTITIONS)) as letters:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while (found := letters.count()) < expected and time.monotonic() < deadline:
            time.sleep(LOOK_SECONDS)
    return found


def main() -> int:
    """The command line; 1 if a record was lost or doubled, or the memory grew."""
    parser = argparse.ArgumentParser("python -m tests.fuzz.flood", description=__doc__)
    parser.add_argument(
        "--records", type=int, default=1_000_000, help=f"{WARM_UP:,} more are sent as a warm-up"
    )
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--servers", choices=["embedded", "real"], default="embedded")
    a = parser.parse_args()
    logging.disable()
    with Progress(console=Console(stderr=True)) as progress:
        found = flood(a.records, WARM_UP, a.seed, real=a.servers == "real", progress=progress)
    Console(soft_wrap=True).print(
        f"sent {found.records:,} records: {found.learned:,} learned ({found.proved:,} by verify, which "
        f"{'passed' if found.passed else 'FAILED'}), {found.dead:,} dead letters; resident memory "
        f"{found.first_mib:.1f} MiB in the first tenth after a warm-up, {found.last_mib:.1f} in the last "
        f"({found.growth:+.1%}); {found.seconds:.0f} s on {a.servers} servers",
        highlight=False,
    )
    return int(not (found.complete and abs(found.growth) <= MOST_GROWTH))


if __name__ == "__main__":
    sys.exit(main())
