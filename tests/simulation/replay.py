"""A replay in the order of the feed: one worker that follows the commits of all."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np

from lfm_online.model import Model
from lfm_online.store.memory import MemoryServer, MemoryStore
from lfm_online.store.protocol import FeedEntry
from tests.simulation.members import CAPACITY, Parts
from tests.simulation.topics import SentLog
from worker.checkpoint import Checkpoint
from worker.events import Events, join
from worker.rule_options import rule_of
from worker.source.made import MadeSource


def replay(feed: Sequence[FeedEntry], log: SentLog, parts: Parts) -> MemoryServer:
    """Learn each commit's ranges, in its order, into a new store."""
    server = MemoryServer()
    settings = parts.settings
    ids = itertools.count(1)
    checkpoint = Checkpoint(
        MemoryStore(server),
        Model(
            rule_of(settings),
            settings.factors,
            history=settings.history,
            ranking=settings.ranking,
            capacity=CAPACITY,
        ),
        settings.topic,
        feed_entries=10**6,
        new_id=lambda: next(ids).to_bytes(16, "little"),
    )
    checkpoint.resync()
    whole = decoded(log, parts)
    checkpoint.beginnings = dict.fromkeys(whole, 0)
    for entry in feed:
        pieces = []
        for r in entry.ranges:
            events = whole[r.partition]
            inside = np.flatnonzero((events.offset >= r.first) & (events.offset < r.end))
            pieces.append(events.choose(inside, [r]))
        assert checkpoint.begin(join(pieces)).learned
        settled = checkpoint.settle()
        assert settled is not None
        assert settled.receipt.committed
    return server


def decoded(log: SentLog, parts: Parts) -> dict[int, Events]:
    """Each partition's events, decoded at once."""
    source = MadeSource(log)
    source.assign(range(len(log.partitions)))
    for partition in range(len(log.partitions)):
        source.seek(partition, 0)
    return {r.partition: parts.decoder.decode(r) for r in source.poll(0.0, 10**9)}
