"""From the start of a worker to its first commit, beside a bare consumer's first event.

The topic holds events, broker and store are up. Warm, the kernels were compiled by an earlier process; cold,
none was. The aims: 5 s warm, 20 s cold.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from typing import Final

import click

from tests.benchmarks.backlog import backlog
from tests.benchmarks.bench import Bench
from tests.benchmarks.figure import Figure
from tests.benchmarks.learned import environment, rate_until, start_worker
from worker.demo.run import Run
from worker.producer import produce
from worker.settings import Settings
from worker.topics import ensure_topic

WARM_ROUNDS: Final = 4
"""The first may find kernels changed since they were compiled."""
COLD_ROUNDS: Final = 2
EVENTS: Final = 100
PARTITIONS: Final = 4


def measure(bench: Bench) -> Iterator[Figure]:
    """Seconds, best of some; warm and bare in turns."""
    with Run() as run:
        broker, store = bench.broker(run), bench.store(run)
        settings = Settings(kafka=broker.bootstrap, store=store.url, session_timeout_seconds=6)
        ensure_topic(settings, PARTITIONS)
        produce(backlog(EVENTS), settings)
        warm, cold, bare = [], [], []
        for n in range(WARM_ROUNDS):
            warm.append(_seconds(run, settings, f"warm-{n}", {}))
            bare.append(_bare_seconds(run, settings))
            click.echo(f"warm: {warm[-1]:.1f} s, a bare consumer {bare[-1]:.1f} s", err=True)
        for n in range(COLD_ROUNDS):
            kernels = {"NUMBA_CACHE_DIR": str(run.directory / f"kernels-{n}")}
            cold.append(_seconds(run, settings, f"cold-{n}", kernels))
            click.echo(f"cold: {cold[-1]:.1f} s", err=True)
    yield Figure("start_up_warm", min(warm), "s", "a bare consumer's first event", min(bare))
    yield Figure("start_up_cold", min(cold), "s", "warm", min(warm))


def _seconds(run: Run, settings: Settings, name: str, changes: dict[str, str]) -> float:
    own = settings.model_copy(update={"model": name, "group": name})
    began = time.perf_counter()
    process = start_worker(run, environment(own) | changes)
    rate_until(1, run, own)
    seconds = time.perf_counter() - began
    process.terminate()
    process.wait()
    return seconds


def _bare_seconds(run: Run, settings: Settings) -> float:
    argv = [sys.executable, "-m", "tests.benchmarks.bare_consumer", "1"]
    began = time.perf_counter()
    run.start("bare", argv, env=environment(settings)).wait()
    return time.perf_counter() - began
