"""From an event's append to its commit, beside a bare consumer's append to poll, in the same run.

An event's time is its record's own, set by the producer when it is sent. It counts as visible at the first
look at the stored watermarks that finds it below them; they are looked at about every millisecond,
above ``FEW`` events a second every three: a look takes as much of the store as some events do.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from typing import Any, Final, NamedTuple

import click
import numpy as np
import redis
from kafka import KafkaConsumer, TopicPartition
from numpy.typing import NDArray

from lfm_online.store.keys import Keys
from tests.benchmarks.bench import Bench
from tests.benchmarks.end_to_end import VARIANTS
from tests.benchmarks.figure import Figure
from tests.benchmarks.learned import environment, start_worker
from worker.demo.run import Run
from worker.settings import Settings
from worker.topics import ensure_topic

RATES: Final = (10, 100, 1_000, 10_000)
SECONDS: Final = 15
FLAT_OUT: Final = 3_000_000
"""Events that tell the full load: as long as at the rates after it, so that the store rewrites its
append-only file in both."""
SHARE: Final = 0.7
"""Of the full load, at which the latency under load is taken."""
FEW: Final = 10_000
ROUNDS: Final = 3
"""At that share, of which the best counts: where both cores are busy, so is what else the host does."""
CHECK_MS: Final = 100
"""Between two looks at whether all processes still run."""
WARM_UP: Final = 200
"""Events that come first: kernels are loaded with the first commit."""
SHOWN: Final = ("defaults", "without_ranking")


class _Seen(NamedTuple):
    ours: NDArray[np.float64]  # p50 and p99, ms
    bare: NDArray[np.float64]
    rate: float  # events a second from the first sent to the last visible


def measure(bench: Bench) -> Iterator[Figure]:
    """The 99th percentile in ms at each rate, with the ranking head and without.

    The full load is what the worker learns while events are sent flat out, with the bare consumer beside it.
    """
    for variant in SHOWN:
        flat_out = _seen(bench, VARIANTS[variant], FLAT_OUT, rate=None)
        click.echo(f"full load, {variant}: {flat_out.rate:,.0f} events/s", err=True)
        share = int(SHARE * flat_out.rate)
        for title, rate in {**{str(rate): rate for rate in RATES}, "70_percent": share}.items():
            name = f"visible_{variant}_at_{title}"
            times = ROUNDS if title == "70_percent" else 1
            rounds = [_round(bench, name, VARIANTS[variant], rate) for _ in range(times)]
            seen = min(rounds, key=lambda seen: seen.ours[1] - seen.bare[1])
            unit = f"ms, p99 at {rate:,} events/s"
            yield Figure(name, seen.ours[1], unit, "a bare consumer's", seen.bare[1])


def _round(bench: Bench, name: str, changes: dict[str, str], rate: int) -> _Seen:
    seen = _seen(bench, changes, rate * SECONDS, rate=rate)
    ours, bare = seen.ours, seen.bare
    click.echo(f"{name}: p50 {ours[0]:.1f} ms, p99 {ours[1]:.1f} ms, bare {bare[1]:.1f} ms", err=True)
    return seen


def _seen(bench: Bench, changes: dict[str, str], events: int, *, rate: int | None) -> _Seen:
    """On servers of its own: what a store rewrites and a broker looks at grows with all that they hold."""
    with Run() as run:
        settings = Settings(kafka=bench.broker(run).bootstrap, store=bench.store(run).url)
        return _seen_in(run, settings, changes, events, rate=rate)


def _seen_in(
    run: Run, settings: Settings, changes: dict[str, str], events: int, *, rate: int | None
) -> _Seen:
    ensure_topic(settings, 4)
    env = environment(settings)
    worker = start_worker(run, env | changes)
    output = run.directory / f"polled-{settings.model}"
    argv = [sys.executable, "-m", "tests.benchmarks.bare_consumer", str(WARM_UP + events), "--columns"]
    bare = run.start("bare", argv, env=env, output=output)
    bare.expected_to_end = True
    client = redis.Redis.from_url(settings.store)
    looks = _Looks(client, settings, 0.0005 if rate and rate <= FEW else 0.0025)
    _send(run, env, WARM_UP, rate=None).wait()
    looks.until(WARM_UP, run)
    sending = _send(run, env, events, rate=rate)
    looks.until(WARM_UP + events, run)
    sending.wait()
    worker.terminate()
    bare.wait()
    worker.wait()
    client.close()
    sent = _times_sent(settings)
    seen = {p: looks.visible(p, len(times)) for p, times in sent.items()}
    begun = np.sort(np.concatenate(list(sent.values())))[WARM_UP]
    counted = np.concatenate([times >= begun for times in sent.values()])
    visible = np.concatenate([seen[p] - times for p, times in sent.items()])[counted]
    polled = np.fromfile(output).reshape(-1, 2)
    seconds = (max(times.max() for times in seen.values()) - begun) / 1000
    return _Seen(
        np.percentile(visible, (50, 99)),
        np.percentile(polled[polled[:, 0] >= begun, 1], (50, 99)),
        len(visible) / seconds,
    )


def _send(run: Run, env: dict[str, str], events: int, *, rate: int | None) -> Any:
    argv = [
        sys.executable,
        "-m",
        "tests.benchmarks.load",
        str(events),
        *(["--rate", str(rate)] if rate else []),
    ]
    process = run.start("load", argv, env=env)
    process.expected_to_end = True  # as the bare consumer: maybe before the last event is visible
    return process


class _Looks:
    """What each look at the watermarks found, and when, Unix ms."""

    def __init__(self, client: Any, settings: Settings, pause: float) -> None:
        self._client = client
        self._pause = pause  # seconds
        self._key = Keys(settings.model).watermarks
        self._found: dict[int, list[tuple[float, int]]] = {}

    def until(self, events: int, run: Run) -> None:
        """Look until so many events are visible."""
        last: dict[bytes, bytes] = {}
        checked = 0.0
        while sum(map(int, last.values())) < events:
            found = self._client.hgetall(self._key)
            now = time.time() * 1000
            for field, mark in found.items():
                if last.get(field) != mark:
                    self._found.setdefault(int(field.rsplit(b"-", 1)[1]), []).append((now, int(mark)))
            last = found
            if now - checked > CHECK_MS:  # it asks for each process, which takes longer than a look
                run.check()
                checked = now
            time.sleep(self._pause)

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
