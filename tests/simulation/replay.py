"""A replay in the order of the feed: one worker that follows the commits of all."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from lfm_online.model import Model
from lfm_online.store.memory import MemoryServer, MemoryStore
from lfm_online.store.protocol import FeedEntry
from tests.simulation.world import SETTINGS
from worker.checkpoint import Checkpoint
from worker.events import Events, join
from worker.rule_options import rule_of


def replay(feed: Sequence[FeedEntry], parts: Sequence[Events | None]) -> MemoryServer:
    """Learn each commit's ranges, in its order, into a new store."""
    server = MemoryServer()
    checkpoint = Checkpoint(
        MemoryStore(server),
        Model(rule_of(SETTINGS), SETTINGS.factors, history=SETTINGS.history, ranking=SETTINGS.ranking),
        SETTINGS.topic,
        feed_entries=10**6,
        new_id=iter([n.to_bytes(16, "little") for n in range(1, 10**5)]).__next__,
    )
    checkpoint.resync()
    checkpoint.beginnings = {p: events.ranges[0].first for p, events in enumerate(parts) if events}
    for entry in feed:
        pieces = []
        for r in entry.ranges:
            events = parts[r.partition]
            assert events is not None
            inside = np.flatnonzero((events.offset >= r.first) & (events.offset < r.end))
            pieces.append(events.choose(inside, [r]))
        assert checkpoint.begin(join(pieces)).sent
        settled = checkpoint.settle()
        assert settled is not None
        assert settled.receipt.committed
    return server
