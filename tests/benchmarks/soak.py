"""A long stream over many users at full speed: rate, memory, bytes a row, and ``verify`` at its end.

Twenty events a user. ``make soak`` runs it with 20,000,000 events over 1,000,000 users; settings of the
worker come from the environment, as in ``LFM_CACHE_MIB=256 make soak``. The aims: the last tenth takes at
most 1.5 times as long as the first; beside what the worker takes before its first event, at most the budget
of rows is resident; in the store a row takes at most 330 bytes for a user, 290 for an item, without ranking
head and history.
"""

from __future__ import annotations

import itertools
import sys
import time
from collections.abc import Iterator
from typing import Any, Final

import redis
from rich.console import Console
from rich.progress import MofNCompleteColumn, Progress

from lfm_online.store.keys import Keys
from tests.benchmarks.bench import Bench
from tests.benchmarks.end_to_end import verify
from tests.benchmarks.figure import Figure
from tests.benchmarks.filled import PARTITIONS
from tests.benchmarks.learned import environment, start_worker
from tests.resident import most_resident_bytes
from worker.demo.run import Process, Run
from worker.settings import Settings
from worker.topics import ensure_topic

EVENTS_A_USER: Final = 20
LOOK_SECONDS: Final = 0.05
SAMPLE: Final = 2000
"""Rows of which the store is asked what they take."""
BYTES_A_ROW: Final = {"user": 330, "item": 290}


def measure(bench: Bench) -> Iterator[Figure]:
    """Seconds of the tenths, MiB resident, bytes of a row in the store."""
    events, users = bench.events, max(bench.events // EVENTS_A_USER, 1)
    with (
        Run() as run,
        Progress(*Progress.get_default_columns(), MofNCompleteColumn(), console=_CONSOLE) as bars,
    ):
        broker, store = bench.broker(run), bench.store(run)
        settings = Settings(kafka=broker.bootstrap, store=store.url, session_timeout_seconds=6)
        env = environment(settings)
        ensure_topic(settings, PARTITIONS)
        argv = [sys.executable, "-m", "tests.benchmarks.load", str(events), "--users", str(users)]
        sending = bars.add_task("sending", total=None)
        if run.start("load", argv, env=env).wait():
            raise RuntimeError(run.tail("load"))
        bars.update(sending, total=events, completed=events)
        worker = start_worker(run, env)
        with redis.Redis.from_url(store.url) as client:
            tenths, before = _watch(run, worker, client, settings, events, bars)
            resident = most_resident_bytes(worker.pid) - before
            worker.terminate()
            worker.wait()
            verify(env)
            rows = {"user": _row_bytes(client, settings, "u:*"), "item": _row_bytes(client, settings, "i:*")}
    yield Figure("soak_last_tenth", tenths[-1], "s", "the first tenth", tenths[0])
    yield Figure(
        "soak_rate",
        events * 0.8 / sum(tenths[1:-1]),
        "events/s",
        "in the first tenth",
        events / 10 / tenths[0],
    )
    yield Figure(
        "soak_resident", resident / 2**20, "MiB beside the start", "LFM_CACHE_MIB", settings.cache_mib
    )
    for kind, found in rows.items():
        yield Figure(f"soak_{kind}_row", found, "bytes in the store", "the aim", BYTES_A_ROW[kind])


_CONSOLE: Final = Console(stderr=True)


def _watch(
    run: Run, worker: Process, client: Any, settings: Settings, events: int, bars: Progress
) -> tuple[list[float], int]:
    """Seconds of each tenth of the events, and what was resident before the first."""
    bar = bars.add_task("learning", total=events)
    done, before = 0, 0
    passed: list[float] = []  # when each tenth was reached, the first look that found any included
    while done < events:
        run.check()
        time.sleep(LOOK_SECONDS)
        done = sum(map(int, client.hvals(Keys(settings.model).watermarks)))
        if not done:
            before = most_resident_bytes(worker.pid)
        elif done * 10 >= len(passed) * events:
            passed.append(time.monotonic())
        bars.update(bar, completed=done)
    return [after - start for start, after in itertools.pairwise(passed)], before


def _row_bytes(client: Any, settings: Settings, pattern: str) -> float:
    """What a row takes in the store, with its key and all overhead: mean of some."""
    found = client.scan_iter(f"lfm:{{{settings.model}}}:{pattern}", count=SAMPLE)
    keys = list(itertools.islice(found, SAMPLE))
    return float(sum(client.memory_usage(key, samples=0) for key in keys)) / len(keys)
