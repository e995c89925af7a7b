"""What must hold once a made world has come to rest. None of it trusts the decoder or the checkpoint."""

from __future__ import annotations

from typing import Any

import numpy as np

from lfm_online.batch import FORGET, RATING
from lfm_online.layout import HEADER
from lfm_online.store.protocol import FeedEntry
from tests.naive_bytes import event_digest
from tests.simulation.made_store import MadeServer
from tests.simulation.replay import replay
from tests.simulation.topics import BAD, SentLog
from tests.simulation.world import World

Ledger = dict[tuple[str, str], tuple[int, int]]


def check(world: World) -> None:
    """Every invariant.

    Raises:
        AssertionError: one does not hold.
    """
    server, settings = world.server, world.parts.settings
    assert server.head.sequence == len(server.whole_feed), "the feed does not tell of every commit"
    check_feed(server.whole_feed, world.log)
    assert ledgers_of(server) == expected_ledgers(server.whole_feed, world.log, settings.topic), (
        "rows are not the multiset of their events"
    )
    check_letters(world)
    again = replay(server.whole_feed, world.log, world.parts)
    for what in ("items", "rows", "globals", "ring", "histories", "watermarks"):
        assert getattr(again, what) == getattr(server, what), f"a replay by the feed gives other {what}"
    world.lookups.check(whole=True)
    for worker in world.workers:
        worker.check(server)


def check_feed(feed: list[FeedEntry], log: SentLog) -> None:
    """Commits take each partition from its beginning to its end, without a gap or a repeat."""
    marks = dict.fromkeys(range(len(log.partitions)), 0)
    for entry in feed:
        for r in entry.ranges:
            assert r.first == marks[r.partition], f"{r} follows {marks[r.partition]}"
            marks[r.partition] = r.end
    assert marks == {p: log.end(p) for p in marks}


def expected_ledgers(feed: list[FeedEntry], log: SentLog, topic: str) -> Ledger:
    """Count and digest of each row by what was sent, in the order in which commits took it."""
    found: Ledger = {}
    for entry in feed:
        for r in entry.ranges:
            for offset, *_ in log.partitions[r.partition]:
                if r.first <= offset < r.end:
                    enter(found, log, topic, r.partition, offset)
    return found


def enter(found: Ledger, log: SentLog, topic: str, partition: int, offset: int) -> None:
    """One record."""
    sent = log.sent[partition, offset]
    if sent.what == BAD:
        return
    if sent.what == FORGET:
        found.pop(("user", sent.user), None)
        return
    digest = event_digest(topic, partition, offset)
    for row in [("user", sent.user)] + ([("item", sent.item)] if sent.what == RATING else []):
        count, total = found.get(row, (0, 0))
        found[row] = (count + 1, (total + digest) % 2**32)


def ledgers_of(server: MadeServer) -> Ledger:
    """Count and digest of each row, as it lies in the store."""
    found: Ledger = {}
    for kind, rows in server.rows.items():
        for row_id, value in rows.items():
            header: Any = np.frombuffer(value[: HEADER.itemsize], HEADER)[0]
            found[kind, row_id] = (int(header["events"]), int(header["digest"]))
    return found


def check_letters(world: World) -> None:
    """Every bad event is in the dead-letter topic, and nothing else is."""
    sent = {(letter.partition, letter.offset) for letter in world.dead_topic.letters}
    bad = {place for place, record in world.log.sent.items() if record.what == BAD}
    assert sent == bad, f"dead letters: lost {sorted(bad - sent)}, too many {sorted(sent - bad)}"
