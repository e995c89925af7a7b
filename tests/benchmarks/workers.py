"""One, two and four workers of one model: events a second, commits refused, and what a refusal costs.

Commits of one model stand in one order, so more workers share fetching, decoding and learning, not commits
(docs/decisions/0002). All have joined before the backlog is there, and are stopped while it is made.
"""

from __future__ import annotations

import signal
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from typing import Final, NamedTuple

import click
import numpy as np
from prometheus_client.parser import text_string_to_metric_families

from lfm_online.ids import Ids
from lfm_online.store.redis import RedisStore
from tests.benchmarks.backlog import backlog
from tests.benchmarks.bench import Bench
from tests.benchmarks.figure import Figure
from tests.benchmarks.filled import PARTITIONS
from tests.benchmarks.learned import environment, rate_until, start_worker
from tests.benchmarks.made_events import made_events
from tests.made_model import Learner, meta
from worker.demo.run import Run
from worker.events import Events
from worker.producer import produce
from worker.settings import Settings
from worker.topics import ensure_topic

COUNTS: Final = (1, 2, 4)
EVENTS: Final = 400_000
SESSION_SECONDS: Final = 60.0
"""Longer than the backlog takes to be produced, while the workers stand still."""
REFUSED_EVENTS: Final = 4_000
REFUSALS: Final = 7


class _Done(NamedTuple):
    rate: float
    commits: float
    refused: float


def measure(bench: Bench) -> Iterator[Figure]:
    """Of each number of workers the events a second and the share of commits refused; then a refusal."""
    events = min(bench.events, EVENTS)
    found: dict[int, _Done] = {}
    with Run() as run:
        broker, store = bench.broker(run), bench.store(run)
        settings = Settings(kafka=broker.bootstrap, store=store.url, session_timeout_seconds=SESSION_SECONDS)
        click.echo("workers  events/s  commits  refused", err=True)
        for count in COUNTS:
            name = f"workers-{count}"
            own = settings.model_copy(update={"topic": name, "model": name, "group": name})
            found[count] = done = _learn(run, own, count, events)
            shown = f"{done.commits:9,.0f} {done.refused / done.commits:8.1%}"
            click.echo(f"{count:7} {done.rate:9,.0f}{shown}", err=True)
        accepted, refused = _refusal(store.url)
    for count, done in found.items():
        yield Figure(f"workers_{count}", done.rate, "events/s", "one worker", found[1].rate)
        yield Figure(f"workers_{count}_refused", done.refused, "commits", "all that were sent", done.commits)
    yield Figure("refusal", refused, f"ms of a commit of {REFUSED_EVENTS} events", "not refused", accepted)


def _learn(run: Run, settings: Settings, count: int, events: int) -> _Done:
    ensure_topic(settings, PARTITIONS)
    envs = [environment(settings) for _ in range(count)]
    workers = [start_worker(run, env) for env in envs]
    ports = [int(env["LFM_WORKER_PORT"]) for env in envs]
    while not _joined(ports):
        run.check()
        time.sleep(0.1)
    for worker in workers:
        worker.send_signal(signal.SIGSTOP)
    produce(backlog(events), settings)
    for worker in workers:
        worker.send_signal(signal.SIGCONT)
    rate = rate_until(events, run, settings)
    time.sleep(0.5)  # the last commit is counted behind it
    refused = sum(_metric(port, "lfm_commits_refused_total") for port in ports)
    committed = sum(_metric(port, "lfm_batch_events_count") for port in ports)
    for worker in workers:
        worker.terminate()
    for worker in workers:
        worker.wait()
    return _Done(rate, committed + refused, refused)


def _joined(ports: Sequence[int]) -> bool:
    """Whether each has its part of the topic."""
    held = [_metric(port, "lfm_assigned_partitions") for port in ports]
    return all(held) and sum(held) == PARTITIONS


def _metric(port: int, name: str) -> float:
    """A worker's metric; 0 while it does not answer."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
            text = answer.read().decode()
    except OSError:
        return 0.0
    samples = (sample for family in text_string_to_metric_families(text) for sample in family.samples)
    return next((sample.value for sample in samples if sample.name == name), 0.0)


def _refusal(url: str) -> tuple[float, float]:
    """Milliseconds of a batch that is committed at once, and of one that another's commit comes before.

    Both have every row in memory when they begin; those that the other's commit changed are read again.
    """
    ours, other = (Learner(RedisStore(url, "refusal"), meta(factors=32)) for _ in range(2))
    other.checkpoint.beginnings[1] = 0
    rng = np.random.default_rng(1)

    def batch(learner: Learner, partition: int) -> Events:
        """Of each user and each item one event."""
        users, items = (Ids.of(list(map(str, rng.permutation(REFUSED_EVENTS)))) for _ in range(2))
        first = learner.checkpoint.watermarks.get(partition, 0)
        return made_events(users, items, first, rng, partition)

    def refused_first(events: Events) -> None:
        ours.checkpoint.begin(events)
        settled = ours.checkpoint.settle()
        assert settled is not None
        assert not settled.receipt.committed
        ours.checkpoint.resync()
        ours.commit(events)

    at_once, again = [], []
    for _ in range(REFUSALS):
        ours.commit(batch(ours, 0))  # reads what was missing
        at_once.append(_milliseconds(ours.commit, batch(ours, 0)))
        other.checkpoint.resync()
        other.commit(batch(other, 1))
        again.append(_milliseconds(refused_first, batch(ours, 0)))
    return min(at_once), min(again)


def _milliseconds(learn: Callable[[Events], None], events: Events) -> float:
    began = time.perf_counter()
    learn(events)
    return (time.perf_counter() - began) * 1e3
