"""A replay in the order of the feed, in this process: what the store must hold, byte for byte.

Whoever wrote the commits, they stand in one order, and each names the offsets that it learned. So one model
that learns them in that order, from the topic, must end with the very bytes that lie in the store.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import redis

from lfm_online.batch import FORGET, RATING, Batch, Outcome
from lfm_online.ledger import event_digests, topic_crc
from lfm_online.meta import Meta, read_meta
from lfm_online.model import Model
from lfm_online.store import feed
from lfm_online.store.protocol import FeedEntry
from worker.decode import Decoder
from worker.events import Events, join
from worker.settings import Settings
from worker.source.whole_topic import WholeTopic

CHUNK = 32
SLOT = struct.Struct("<IH")
FULL_SCALE, EMPTY = 65534, 65535


@dataclass
class History:
    """A user's ratings since the user was last forgotten: item number and fraction of the range."""

    slots: list[tuple[int, int]] = field(default_factory=list)

    def recent(self) -> bytes:
        """The chunk being filled."""
        return b"".join(SLOT.pack(*slot) for slot in self.slots[len(self.slots) // CHUNK * CHUNK :])

    def full(self, chunks: int) -> bytes:
        """The ring of full chunks."""
        ring: list[bytes] = []
        for c in range(len(self.slots) // CHUNK):
            chunk = b"".join(SLOT.pack(*slot) for slot in self.slots[c * CHUNK : (c + 1) * CHUNK])
            if c < chunks:
                ring.append(chunk)
            else:
                ring[c % chunks] = chunk
        return b"".join(ring)


class Replay:
    """Learns commit by commit."""

    def __init__(self, meta: Meta) -> None:
        self._meta = meta
        self._crc = topic_crc(meta.topic)
        self._model = Model(meta.make_rule(), meta.factors, ranking=meta.ranking)
        self._histories: dict[str, History] = {}
        self._marks: dict[str, int] = {}

    def learn(self, entry: FeedEntry, parts: dict[int, Events]) -> None:
        """One commit: within it events stand in the order of its ranges, and of their offsets."""
        pieces = []
        for r in entry.ranges:
            name = f"{self._meta.topic}-{r.partition}"
            assert r.first == self._marks.get(name, 0), f"{name}: {r} does not follow {self._marks}"
            self._marks[name] = r.end
            of = parts[r.partition]
            pieces.append(of.choose((of.offset >= r.first) & (of.offset < r.end), [r]))
        events = join(pieces)
        batch = self._batch(events)
        outcome = self._model.learn(batch)
        self._enter(events, batch, outcome)

    def _batch(self, events: Events) -> Batch:
        users, items = self._model.users, self._model.items
        rated = np.flatnonzero(events.what == RATING)
        user = users.numbers(events.users)
        item = np.full(len(events), -1, np.int32)
        item[rated] = items.numbers([events.items[int(j)] for j in rated])
        for table, numbers in ((users, user), (items, item[rated])):
            table.start(np.unique(numbers[~table.loaded[numbers]]))
        digests = event_digests(self._crc, events.partition, events.offset)
        return Batch(events.what, user, item, events.rating, events.time_ms, digests)

    def _enter(self, events: Events, batch: Batch, outcome: Outcome) -> None:
        low, high = self._meta.low, self._meta.high
        for j, user in enumerate(events.users):
            history = self._histories.setdefault(user, History())
            if batch.what[j] == FORGET:
                history.slots.clear()
            elif batch.what[j] == RATING:
                assert not outcome.refused[j]
                code = round((events.rating[j] - low) / (high - low) * FULL_SCALE)
                history.slots.append((int(batch.item[j]), code))
            else:
                number = self._model.items.number(events.items[int(j)])
                history.slots = [(i, EMPTY if i == number else code) for i, code in history.slots]

    def values(self) -> dict[str, Any]:
        """The keys and values that the store must hold."""
        chunks = -(-self._meta.history // CHUNK)
        found: dict[str, Any] = {
            "globals": self._model.globals_bytes(),
            "items": [row_id.encode() for row_id in self._model.items.ids],
            "watermarks": {name.encode(): str(end).encode() for name, end in self._marks.items()},
        }
        ranking = self._model.ranking
        if ranking is not None and ranking.events > 0:
            found["ring"] = ranking.ring[: min(ranking.events, len(ranking.ring))].tobytes()
        for table, letter in ((self._model.users, "u"), (self._model.items, "i")):
            rows = table.block(np.arange(len(table), dtype=np.int32))
            counts = table.rows.header["events"]
            found |= {
                f"{letter}:{row_id}": row.tobytes()
                for row_id, row, count in zip(table.ids, rows, counts[: len(table)], strict=True)
                if count > 0  # a forgotten user has no row
            }
        for user, history in self._histories.items():
            if f"u:{user}" in found:
                found[f"u:{user}"] += history.recent()
                if full := history.full(chunks):
                    found[f"h:{user}"] = full
        return found


def stored(client: Any, prefix: str) -> dict[str, Any]:
    """What the store holds of a model, without what depends on the commits' ids."""
    found: dict[str, Any] = {}
    for key in client.scan_iter(count=10_000):
        name = key.decode()
        if name.startswith(prefix):
            read = {
                b"string": client.get,
                b"list": lambda k: client.lrange(k, 0, -1),
                b"hash": client.hgetall,
            }
            kind = client.type(key)
            if kind in read:
                found[name.removeprefix(prefix)] = read[kind](key)
    return {
        name: v
        for name, v in found.items()
        if name not in {"meta", "head", "run"} and not name.startswith("dead:")
    }


def entries_of(client: Any, prefix: str) -> Iterator[FeedEntry]:
    """The whole feed, from the model's first commit on."""
    last = bytes(24)
    for _, fields in client.xrange(prefix + "feed"):
        entry = feed.from_fields(fields)
        assert entry.previous.to_bytes() == last, "the feed was trimmed, or has a gap"
        last = entry.head.to_bytes()
        yield entry


def check_rows_follow_the_feed(broker: str, store: str, model: str) -> int:
    """Compare the store with a replay in the feed's order; how many commits there were."""
    client: Any = redis.Redis.from_url(store)
    prefix = f"lfm:{{{model}}}:"
    meta = read_meta(client.get(prefix + "meta") or b"", model)
    entries = list(entries_of(client, prefix))
    ends: dict[int, int] = {}
    for entry in entries:
        ends |= {r.partition: r.end for r in entry.ranges}
    decoder = Decoder(Settings(topic=meta.topic))
    parts: dict[int, list[Events]] = {}
    with WholeTopic(broker, meta.topic) as topic:
        for records in topic.read(dict.fromkeys(ends, 0), ends):
            parts.setdefault(records.partition, []).append(decoder.decode(records))
    whole = {partition: join(found) for partition, found in parts.items()}
    replay = Replay(meta)
    for entry in entries:
        replay.learn(entry, whole)
    expected, found = replay.values(), stored(client, prefix)
    assert found.keys() == expected.keys()
    differing = [name for name in expected if expected[name] != found[name]]
    assert differing == []
    client.close()
    return len(entries)
