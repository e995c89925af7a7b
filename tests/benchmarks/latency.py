"""From an event's append to its commit, beside a bare consumer's append to poll, in the same run.

An event's time is its record's own, set by the producer when it is sent. It counts as visible at the first
look at the stored watermarks that finds it below them; they are looked at about every millisecond.
"""

from __future__ import annotations

import csv
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import click
import numpy as np
import redis
from kafka import KafkaConsumer, TopicPartition
from numpy.typing import NDArray

from lfm_online.store.keys import Keys
from tests.benchmarks.backlog import backlog
from tests.benchmarks.bench import Bench
from tests.benchmarks.end_to_end import VARIANTS
from tests.benchmarks.figure import Figure
from tests.benchmarks.learned import environment, start_worker
from worker.demo.run import Run
from worker.settings import Settings
from worker.topics import ensure_topic

RATES: Final = (10, 1_000, 10_000)
SECONDS: Final = 15
WARM_UP: Final = 200
"""Events that come first: kernels are loaded with the first commit."""
SHOWN: Final = ("defaults", "without_ranking")


def measure(bench: Bench) -> Iterator[Figure]:
    """The 99th percentile in ms at each rate, with the ranking head and without."""
    with Run() as run:
        broker, store = bench.broker(run), bench.store(run)
        for variant in SHOWN:
            for rate in RATES:
                name = f"visible_{variant}_at_{rate}"
                settings = Settings(
                    kafka=broker.bootstrap, store=store.url, topic=name, model=name, group=name
                )
                ours, bare = _percentiles(run, settings, VARIANTS[variant], rate)
                click.echo(f"{name}: p50 {ours[0]:.1f} ms, p99 {ours[1]:.1f} ms", err=True)
                yield Figure(name, ours[1], "ms, p99", "a bare consumer's", bare[1])


def _percentiles(
    run: Run, settings: Settings, changes: dict[str, str], rate: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """p50 and p99 of the worker and of the bare consumer, ms."""
    ensure_topic(settings, 4)
    env = environment(settings)
    events = rate * SECONDS
    worker = start_worker(run, env | changes)
    output = run.directory / f"polled-{settings.model}"
    argv = [sys.executable, "-m", "tests.benchmarks.bare_consumer", str(WARM_UP + events)]
    bare = run.start("bare", argv, env=env, output=output)
    client = redis.Redis.from_url(settings.store)
    looks = _Looks(client, settings)
    _send(run, settings, WARM_UP, rate=None)
    looks.until(WARM_UP, run)
    sending = _send(run, settings, events, rate=rate, wait=False)
    looks.until(WARM_UP + events, run)
    sending.wait()
    worker.terminate()
    bare.wait()
    worker.wait()
    client.close()
    sent = _times_sent(settings)
    visible = np.concatenate([looks.visible(p, len(times)) - times for p, times in sent.items()])
    begun = np.sort(np.concatenate(list(sent.values())))[WARM_UP]
    counted = np.concatenate([times >= begun for times in sent.values()])
    polled = np.loadtxt(output)
    return np.percentile(visible[counted], (50, 99)), np.percentile(
        polled[polled[:, 0] >= begun, 1], (50, 99)
    )


def _send(run: Run, settings: Settings, events: int, *, rate: int | None, wait: bool = True) -> Any:
    file = run.directory / f"{settings.model}-{events}.csv"
    _write(file, events)
    argv = [sys.executable, "-m", "worker.cli", "produce", str(file), "--kafka", settings.kafka]
    argv += ["--topic", settings.topic, *(("--rate", str(rate)) if rate else ())]
    process = run.start("produce", argv)
    if wait:
        process.wait()
    return process


def _write(file: Path, events: int) -> None:
    table = backlog(events)
    with file.open("w", newline="") as out:
        lines = csv.writer(out)
        lines.writerow(["user", "item", "rating", "timestamp"])
        assert table.times_ms is not None
        seconds = (table.times_ms // 1000).tolist()
        lines.writerows(zip(table.users, table.items, table.ratings.tolist(), seconds, strict=True))


class _Looks:
    """What each look at the watermarks found, and when, Unix ms."""

    def __init__(self, client: Any, settings: Settings) -> None:
        self._client = client
        self._key = Keys(settings.model).watermarks
        self._found: dict[int, list[tuple[float, int]]] = {}

    def until(self, events: int, run: Run) -> None:
        """Look until so many events are visible."""
        last: dict[bytes, bytes] = {}
        while sum(map(int, last.values())) < events:
            found = self._client.hgetall(self._key)
            now = time.time() * 1000
            for field, mark in found.items():
                if last.get(field) != mark:
                    self._found.setdefault(int(field.rsplit(b"-", 1)[1]), []).append((now, int(mark)))
            last = found
            run.check()
            time.sleep(0.0005)

    def visible(self, partition: int, events: int) -> NDArray[np.float64]:
        """When each offset below ``events`` was first seen below its watermark, Unix ms."""
        times, marks = np.array(self._found[partition]).T
        seen: NDArray[np.float64] = times[np.searchsorted(marks, np.arange(events), side="right")]
        return seen


def _times_sent(settings: Settings) -> dict[int, NDArray[np.float64]]:
    """Each record's own time by partition, Unix ms."""
    consumer: Any = KafkaConsumer(bootstrap_servers=settings.kafka, enable_auto_commit=False)
    partitions = [TopicPartition(settings.topic, p) for p in range(4)]
    consumer.assign(partitions)
    consumer.seek_to_beginning(*partitions)
    ends = {tp.partition: end for tp, end in consumer.end_offsets(partitions).items()}
    times: dict[int, list[int]] = {p: [] for p, end in ends.items() if end}
    while any(len(found) < ends[p] for p, found in times.items()):
        for tp, records in consumer.poll(1000).items():
            times[tp.partition] += [record.timestamp for record in records]
    consumer.close()
    return {p: np.array(found, np.float64) for p, found in times.items()}
