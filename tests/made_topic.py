"""A topic in memory, as `verify` and `replay` read one."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping

from worker.checkpoint import Checkpoint
from worker.decode import Decoder
from worker.events import Events, join
from worker.settings import Settings
from worker.source.made import MadeLog
from worker.source.records import Records, records_of

PARTITIONS = 3
SETTINGS = Settings(factors=4, rating_range="1,5", history=40, dead_letter_outbox=5, commit_events=12)


class MadeTopic:
    """A log read from anywhere to anywhere, some records at a time."""

    def __init__(self, log: MadeLog, *, first: Mapping[int, int] | None = None, at_once: int = 7) -> None:
        self.log = log
        self.first = dict(first or {})  # where retention has left a partition's beginning
        self._at_once = at_once

    def first_offsets(self, partitions: list[int]) -> dict[int, int]:
        return {p: self.first.get(p, 0) for p in partitions}

    def read(self, first: Mapping[int, int], ends: Mapping[int, int]) -> Iterator[Records]:
        # The partitions take turns, as fetches do.
        streams = list(self.streams(first, ends).values())
        while streams:
            for stream in list(streams):
                records = next(stream, None)
                if records is None:
                    streams.remove(stream)
                else:
                    yield records

    def streams(self, first: Mapping[int, int], ends: Mapping[int, int]) -> dict[int, Iterator[Records]]:
        return {p: self._stream(p, first[p], end) for p, end in ends.items()}

    def _stream(self, partition: int, at: int, end: int) -> Iterator[Records]:
        inside = [r for r in self.log.partitions[partition] if at <= r[0] < end]
        for start in range(0, len(inside), self._at_once):
            part = inside[start : start + self._at_once]
            yield records_of(partition, at, *(list(column) for column in zip(*part, strict=True)))
            at = part[-1][0] + 1


def fill(log: MadeLog, rng: random.Random, events: int) -> None:
    """Ratings, retractions, tombstones and bad events; users keep to their partition."""
    for _ in range(events):
        user, item = f"u{rng.randrange(12)}", f"i{rng.randrange(9)}"
        value: bytes | None = b'{"user_id": "%b", "item_id": "%b", "rating": %b, "timestamp": %d}' % (
            user.encode(),
            item.encode(),
            rng.choice([b"1", b"2.5", b"5", b"5", b"null", b"9"]),
            rng.randrange(10**6),
        )
        if rng.random() < 0.06:
            value = None
        hole = rng.choice([0] * 9 + [2])
        log.append(hash_of(user), user.encode(), value, time_ms=rng.randrange(10**6, 2 * 10**6), hole=hole)


def learn_on(worker: Checkpoint, log: MadeLog, rng: random.Random, most: int = 9) -> bool:
    """One commit of what some partitions have behind their watermarks; False if there is nothing."""
    parts: list[Events] = []
    for p in sorted(rng.sample(range(PARTITIONS), rng.randint(1, PARTITIONS))):
        at = worker.watermarks.get(p, 0)
        part = next(MadeTopic(log, at_once=rng.randint(1, most)).streams({p: at}, {p: 10**9})[p], None)
        if part is not None:
            parts.append(Decoder(SETTINGS).decode(part))
    if not parts:
        return any(worker.watermarks.get(p, 0) < log.end(p) for p in range(PARTITIONS))
    assert worker.begin(join(parts)).learned
    settled = worker.settle()
    assert settled is not None
    assert settled.receipt.committed
    return True


def hash_of(user: str) -> int:
    """A user's own partition."""
    return sum(user.encode()) % PARTITIONS
