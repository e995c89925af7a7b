"""What an event costs by the number of users' rows: where they are in memory, and where the store is asked.

Both go through the worker's checkpoint, ids to commit, at 32 factors without the ranking head; users are
uniform, the items 20,000 by Zipf's law. The aim: at 10,000,000 rows at most 1.5 times what it is at 10,000.
Where the store is asked, that is for the worker's processor time: a store's look-ups wait for its memory.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import click
import numpy as np

from lfm_online.ids import Ids
from lfm_online.model import Model
from lfm_online.rows import Table
from lfm_online.store import resp
from lfm_online.store.connection import connect
from lfm_online.store.keys import Keys
from lfm_online.store.memory import MemoryServer, MemoryStore
from lfm_online.store.protocol import Commit, Receipt
from lfm_online.store.redis import RedisStore
from tests.benchmarks.bench import Bench
from tests.benchmarks.figure import Figure
from tests.benchmarks.made_events import made_events
from tests.made_model import Learner, meta
from worker.demo.run import Run

SIZES: Final = (10_000, 100_000, 1_000_000, 10_000_000)
ITEMS: Final = 20_000
BATCH: Final = 4_000
"""Events of a commit: those of one poll. Of more, a row of few takes several, and is laid out once."""
BATCHES: Final = 10
ROUNDS: Final = 3
AT_ONCE: Final = 100_000
"""Rows made in one piece."""
BYTES_CACHED, BYTES_STORED = 450, 500
"""Of memory that a row may take, with its id and what is copied while tables grow."""
MODEL: Final = "rows"


def rows(bench: Bench) -> Iterator[Figure]:
    """Nanoseconds of processor time an event of learning with all rows in memory."""
    yield from _figures(("rows",), bench, BYTES_CACHED, _cached)


def rows_missed(bench: Bench) -> Iterator[Figure]:
    """Nanoseconds an event whose user is not in memory: the row is read from the store, and written back.

    By the clock, and of the worker's processor time. No user comes twice in a batch. The store has no
    append-only file, so that filling it takes seconds.
    """
    with Run() as run:
        url = bench.store(run).url
        connect(url).config_set("appendonly", "no")
        filled = 0

        def missed(size: int) -> list[float]:
            nonlocal filled
            _fill_store(url, filled, size)
            filled = size
            return _missed(url, size)

        yield from _figures(("rows_missed", "rows_missed_worker"), bench, BYTES_STORED, missed)


def _figures(names: tuple[str, ...], bench: Bench, row_bytes: int, cost: Any) -> Iterator[Figure]:
    """The costs at each size that the memory holds, beside those at the smallest."""
    name, smallest = names[0], list[float]()
    for size in SIZES:
        if size > bench.rows:
            return
        left = _memory_left()
        if size * row_bytes > left:
            click.echo(f"{name}: no memory for {size:,} rows ({left / 2**30:.1f} GiB left)", err=True)
            return
        click.echo(f"{name}: {size:,} rows …", err=True)
        found = cost(size)
        smallest = smallest or found
        for each, value, first in zip(names, found, smallest, strict=True):
            yield Figure(f"{each}_{size}", value, "ns/event", f"with {SIZES[0]:,} rows", first)


def _memory_left() -> int:
    """Bytes that can be had without swapping."""
    lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
    (left,) = (int(line.split()[1]) for line in lines if line.startswith("MemAvailable:"))
    return left * 1024


class _Taken(MemoryStore):
    """Takes every commit and keeps none: what is measured is the worker's own."""

    def send_commit(self, _commit: Commit) -> None:
        """Nothing."""

    def receive_commit(self) -> Receipt:
        """Committed."""
        return Receipt(committed=True, seconds=0.0)


def _cached(size: int) -> list[float]:
    rng = np.random.default_rng(1)
    learner = _learner(_Taken(MemoryServer()), size)
    for start in range(0, size, AT_ONCE):
        _start_users(learner.model, start, min(start + AT_ONCE, size))
    drawn = [[rng.integers(0, size, BATCH) for _ in range(BATCHES)] for _ in range(ROUNDS)]
    return [min(_cost(learner, users)[1] for users in drawn)]


def _missed(url: str, size: int) -> list[float]:
    rng, store = np.random.default_rng(1), RedisStore(url, MODEL)
    learner = _learner(store)
    drawn = [[rng.choice(size, BATCH, replace=False) for _ in range(BATCHES)] for _ in range(ROUNDS)]
    found = [_cost(learner, users, forget=True) for users in drawn]
    store.close()
    return [min(each) for each in zip(*found, strict=True)]


def _learner(store: Any, users: int = 1 << 17) -> Learner:
    """One that has its items in memory, and room for so many users."""
    learner = Learner(store, meta(factors=32, history=0, ranking=False))
    learner.model.users.reserve(users)
    items = learner.model.items
    items.start(items.numbers(_names("i", 0, ITEMS)))
    return learner


def _start_users(model: Model, start: int, stop: int) -> tuple[Table, Any]:
    """New rows of these users, and their numbers."""
    numbers = model.users.numbers(_names("u", start, stop))
    model.users.start(numbers)
    return model.users, numbers


def _names(letter: str, start: int, stop: int) -> Ids:
    return Ids.of([f"{letter}{n}" for n in range(start, stop)])


def _fill_store(url: str, start: int, stop: int) -> None:
    """Rows of these users, as they are before their first event."""
    client: Any = connect(url)
    connection = client.connection_pool.get_connection()
    for first in range(start, stop, AT_ONCE):
        model = meta(factors=32, history=0, ranking=False).make_model(capacity=AT_ONCE)
        users, numbers = _start_users(model, first, min(first + AT_ONCE, stop))
        commands = resp.msets(Keys(MODEL).user_prefix, users.stored(numbers))
        connection.send_packed_command([commands], check_health=False)
        for _ in range(resp.commands_for(len(numbers))):
            assert connection.read_response() == b"OK"
        if first % 1_000_000 == 0:
            click.echo(f"  {first:,} rows in the store", err=True)
    client.close()


def _cost(learner: Learner, users: list[Any], *, forget: bool = False) -> tuple[float, float]:
    """Nanoseconds an event, by the clock and of processor time; a batch for each array of users' numbers."""
    rng, weight = np.random.default_rng(2), 1.0 / np.arange(1, ITEMS + 1)
    seconds, busy, events = 0.0, 0.0, 0
    for batch in users:
        names = Ids.of([f"u{n}" for n in batch.tolist()])
        items = learner.model.items.ids.take(rng.choice(ITEMS, len(batch), p=weight / weight.sum()))
        made = made_events(names, items, learner.checkpoint.watermarks.get(0, 0), rng)
        if forget:
            learner.model.users.truncate(0)
        began, began_busy = time.perf_counter(), time.process_time()
        learner.commit(made)
        busy += time.process_time() - began_busy
        seconds += time.perf_counter() - began
        events += len(batch)
    return seconds / events * 1e9, busy / events * 1e9
