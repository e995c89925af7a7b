"""Loading a replica of a million items, beside a plain MGET of the same rows by redis-py."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Final

import click
import numpy as np

from lfm_online.ids import Ids
from lfm_online.replica import Replica
from lfm_online.replica_reads import READ_ITEMS
from lfm_online.store.connection import connect
from lfm_online.store.keys import Keys
from lfm_online.store.redis import RedisStore
from tests.benchmarks.bench import Bench
from tests.benchmarks.figure import Figure
from tests.benchmarks.made_events import made_events
from tests.made_model import Learner, meta
from worker.demo.run import Run

ITEMS: Final = 1_000_000
USERS: Final = 1_000
BATCH: Final = 10_000
ROUNDS: Final = 3
MODEL: Final = "replica"


def measure(bench: Bench) -> Iterator[Figure]:
    """Seconds until it can answer, best of three taken in turns; 32 factors, with the ranking head."""
    items = min(ITEMS, bench.rows)
    with Run() as run:
        url = bench.store(run).url
        _fill(url, items)
        ours, plain = [], []
        for _ in range(ROUNDS):
            ours.append(_load(url, items))
            plain.append(_mget(url, items))
    name = f"replica_load_{items}_items"
    yield Figure(name, min(ours), "s", "MGET by redis-py", min(plain))


def _fill(url: str, items: int) -> None:
    """A model that has learned an event of each item."""
    store, rng = RedisStore(url, MODEL), np.random.default_rng(1)
    learner = Learner(store, meta(factors=32, history=0))
    for first in range(0, items, BATCH):
        if first % (20 * BATCH) == 0:
            click.echo(f"  {first:,} of {items:,} items in the store", err=True)
        names = range(first, min(first + BATCH, items))
        users = Ids.of([f"u{n}" for n in rng.integers(0, USERS, len(names))])
        learner.commit(made_events(users, Ids.of([f"i{n}" for n in names]), first, rng))
    store.close()


def _load(url: str, items: int) -> float:
    replica = Replica(lambda: RedisStore(url, MODEL), MODEL, users=1)
    began = time.perf_counter()
    replica.follow(0.0)
    seconds = time.perf_counter() - began
    assert replica.problem() is None
    assert replica.row_counts()["item"] == items
    replica.close()
    return seconds


def _mget(url: str, items: int) -> float:
    client, prefix = connect(url), Keys(MODEL).item_prefix
    keys = [f"{prefix}i{n}" for n in range(items)]
    began = time.perf_counter()
    for start in range(0, items, READ_ITEMS):
        rows = client.mget(keys[start : start + READ_ITEMS])
        assert all(rows)
    seconds = time.perf_counter() - began
    client.close()
    return seconds
