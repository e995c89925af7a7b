"""What the steps of an event cost in process, one core, each beside what it took the place of.

``fetch``, ``decode`` and ``ids`` are the way from a fetched batch to row numbers; ``learn`` is the kernels on
more users than the processor's caches hold, beside few.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any, Final

import numpy as np
import redis
from kafka import TopicPartition
from kafka.consumer.fetcher import Fetcher
from kafka.record.memory_records import MemoryRecords, MemoryRecordsBuilder

from lfm_online.batch import RATING, Batch
from lfm_online.id_index import IdIndex
from lfm_online.ids import Ids
from lfm_online.live_hits import Sample, learn_and_rank
from lfm_online.model import Model
from lfm_online.rules.registry import make_rule
from lfm_online.store.protocol import ValueBlock
from lfm_online.store.resp import msets
from tests.benchmarks.bench import Bench
from tests.benchmarks.figure import Figure
from worker.decode import Decoder
from worker.decode_one import EventDecoder
from worker.settings import Settings
from worker.source.fetched_columns import _PartitionRecords
from worker.source.records import records_of

BATCH: Final = 4000
ROUNDS: Final = 25
USERS: Final = 100_000
FEW_USERS, MANY_USERS, ITEMS = 10_000, 1_000_000, 20_000
LEARNED: Final = 300_000
NOW: Final = 1_600_000_000_000
VALUE: Final = b'{"user_id":"u%d","item_id":"i%d","rating":3.5,"timestamp":1600000000000}'


def fetch(_bench: Bench) -> Iterator[Figure]:
    """Records a second of a fetched batch, beside the client's own parser."""
    builder = MemoryRecordsBuilder(2, 0, 10**6)
    for n in range(BATCH):
        builder.append(NOW + n, b"u%d" % n, VALUE % (n, n))
    builder.close()
    fetched = bytes(builder.buffer())

    def drain(parser: Any) -> None:
        part = parser(0, TopicPartition("t", 0), MemoryRecords(fetched))
        while part:
            part.take(BATCH)

    ours, theirs = _rates(BATCH, lambda: drain(_PartitionRecords), lambda: drain(Fetcher.PartitionRecords))
    yield Figure("fetch", ours, "records/s", "kafka-python's parser", theirs)


def decode(_bench: Bench) -> Iterator[Figure]:
    """Events a second from values to columns with all checks, beside msgspec, one at a time."""
    values = [VALUE % (n % 977, n % 463) for n in range(BATCH)]
    keys = [b"u%d" % (n % 977) for n in range(BATCH)]
    records = records_of(0, 0, range(BATCH), [NOW] * BATCH, keys, values)
    decoder, one = Decoder(Settings()), EventDecoder(Settings())

    def singly() -> None:
        for key, value in zip(keys, values, strict=True):
            one.decode(key, value, NOW)

    ours, theirs = _rates(BATCH, lambda: decoder.decode(records), singly)
    yield Figure("decode", ours, "events/s", "msgspec, an event at a time", theirs)


def ids(_bench: Bench) -> Iterator[Figure]:
    """Ids found a second among 100,000, beside a dictionary of texts that are there already."""
    rng = np.random.default_rng(1)
    names = [f"u{n}" for n in range(USERS)]
    index = IdIndex()
    index.numbers(Ids.of(names))
    numbers = {name: n for n, name in enumerate(names)}
    batches = [[names[n] for n in rng.integers(0, USERS, BATCH)] for _ in range(ROUNDS)]
    packed = [Ids.of(batch) for batch in batches]
    turn = iter(range(10**9))
    ours, theirs = _rates(
        BATCH,
        lambda: index.find(packed[next(turn) % ROUNDS]),
        lambda: [numbers[name] for name in batches[next(turn) % ROUNDS]],
    )
    yield Figure("ids", ours, "ids/s", "a dictionary of texts", theirs)


def learn(_bench: Bench) -> Iterator[Figure]:
    """Events learned a second with 1,000,000 users, beside 10,000; with the ranking head and without."""
    for name, ranking in (("learn", False), ("learn_with_ranking", True)):
        many, few = (
            max(_learned(users, ITEMS, ranking=ranking) for _ in range(2))
            for users in (MANY_USERS, FEW_USERS)
        )
        yield Figure(name, many, "events/s with 1,000,000 users", "with 10,000", few)


def lay_out(_bench: Bench) -> Iterator[Figure]:
    """Rows of a commit made the bytes of MSETs a second, beside redis-py."""
    ids, row = [f"u{n}" for n in range(BATCH)], bytes(420)
    packed, size = Ids.of(ids), np.full(BATCH, len(row), np.int64)
    block = ValueBlock(packed.data, packed.lengths, np.zeros(BATCH * len(row), np.uint8), size)
    client: Any = redis.Redis()
    connection = client.connection_pool.make_connection()

    def by_redis_py() -> None:
        connection.pack_command("MSET", *(word for name in ids for word in (f"lfm:{{m}}:u:{name}", row)))

    ours, theirs = _rates(BATCH, lambda: msets("lfm:{m}:u:", block), by_redis_py)
    yield Figure("lay_out", ours, "rows/s", "redis-py", theirs)


def live_hits(_bench: Bench) -> Iterator[Figure]:
    """Events learned a second while a sample of them is ranked, beside without."""
    for items in (1_000, ITEMS):
        ranked, plain = 0.0, 0.0
        for _ in range(2):
            ranked = max(ranked, _learned(FEW_USERS, items, ranking=True, sampled=True))
            plain = max(plain, _learned(FEW_USERS, items, ranking=True))
        yield Figure(f"live_hits_{items}_items", ranked, "events/s", "no event ranked", plain)


def _learned(users: int, items: int, *, ranking: bool, sampled: bool = False) -> float:
    rng = np.random.default_rng(1)
    weight = 1.0 / np.arange(1, items + 1)
    model = Model(make_rule("adaptive", 0.5, 5.0, 1), 32, ranking=ranking, capacity=users)
    for table, n in ((model.users, users), (model.items, items)):
        table.start(table.numbers([str(each) for each in range(n)]))
    seconds = 0.0
    for start in range(0, LEARNED, BATCH):
        batch = Batch(
            np.full(BATCH, RATING, np.uint8),
            rng.integers(0, users, BATCH).astype(np.int32),
            rng.choice(items, BATCH, p=weight / weight.sum()).astype(np.int32),
            np.clip(np.rint(2 * rng.normal(3.5, 1, BATCH)) / 2, 0.5, 5.0),
            NOW + np.arange(start, start + BATCH, dtype=np.int64) * 1000,
            rng.integers(0, 2**32, BATCH, dtype=np.uint32),
        )
        began = time.perf_counter()
        if sampled:
            sample = Sample(model, batch, items)
            sample.take([None] * len(sample.histories))
            learn_and_rank(model, batch, sample)
        else:
            model.learn(batch)
        if start:  # the first loads the kernels
            seconds += time.perf_counter() - began
    return (LEARNED - BATCH) / seconds


def _rates(n: int, *calls: Callable[[], object]) -> list[float]:
    """How many of ``n`` a second each call does, best of some taken in turns."""
    best = [float("inf")] * len(calls)
    for _ in range(ROUNDS):
        for place, call in enumerate(calls):
            began = time.perf_counter()
            call()
            best[place] = min(best[place], time.perf_counter() - began)
    return [n / seconds for seconds in best]
