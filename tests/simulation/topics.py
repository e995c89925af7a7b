"""The made topics: the log with what was sent, the source that fails now and then, the dead-letter topic."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from typing import NamedTuple, Protocol

from lfm_online.batch import FORGET, RATING, RETRACTION
from worker.dead_letters.letter import DeadLetter
from worker.source.made import MadeLog, MadeSource
from worker.source.protocol import SourceAwayError
from worker.source.records import Records

USERS, ITEMS = 10, 7
BAD = -1
"""What a record is that can't be learned."""
BAD_VALUES = (b"", b"{", b"[]", b'{"user_id":"u1","item_id":"i1","rating":9,"timestamp":5}')


class Around(Protocol):
    """The world, as these see it."""

    rng: random.Random

    def point(self, owner: object) -> bool:
        """Whether something breaks here."""

    def chance(self, share: float) -> bool:
        """Draw one."""


class Sent(NamedTuple):
    """What a producer meant by a record."""

    what: int
    user: str
    item: str


class SentLog(MadeLog):
    """A log that knows by itself what its records mean, whatever the decoder says."""

    def __init__(self, partitions: int) -> None:
        super().__init__([[] for _ in range(partitions)])
        self.sent: dict[tuple[int, int], Sent] = {}

    def produce(self, rng: random.Random, known_partitions: int, misrouted: float) -> int:
        """Append one record: mostly a rating, now and then something else; the partition that it went to.

        Args:
            rng: Draws it.
            known_partitions: How many the producer has heard of.
            misrouted: How often another producer's partitioner decides.
        """
        user, item = f"u{rng.randrange(USERS)}", f"i{rng.randrange(ITEMS)}"
        other = rng.random() < misrouted
        partition = rng.randrange(known_partitions) if other else sum(user.encode()) % known_partitions
        rating = rng.randint(1, 5)
        event = {"user_id": user, "item_id": item, "rating": rating, "timestamp": rng.randrange(10**6)}
        kind = rng.random()
        value: bytes | None
        if kind < 0.04:
            what, value = FORGET, None
        elif kind < 0.08:
            what, value = RETRACTION, json.dumps({**event, "rating": None}).encode()
        elif kind < 0.16:
            what, value = BAD, rng.choice(BAD_VALUES)
        else:
            what, value = RATING, json.dumps(event).encode()
        hole = rng.choice((1, 7)) if rng.random() < 0.1 else 0
        offset = self.append(partition, user.encode(), value, time_ms=10**6, hole=hole)
        self.sent[partition, offset] = Sent(what, user, item)
        return partition


class ShakySource(MadeSource):
    """A member of the group that reads any part of what there is, and is cut off at times."""

    def __init__(self, log: MadeLog, around: Around, owner: object) -> None:
        super().__init__(log)
        self._around = around
        self._owner = owner

    def poll(self, seconds: float, limit: int) -> list[Records]:
        if self._around.point(self._owner):
            raise SourceAwayError("the broker does not answer")
        if self._around.chance(0.3):
            limit = 1 + self._around.rng.randrange(limit)
        return super().poll(seconds, limit)

    def first_offsets(self, partitions: Sequence[int]) -> dict[int, int]:
        if self._around.point(self._owner):
            raise SourceAwayError("the broker does not answer")
        return super().first_offsets(partitions)


class _Receipt:
    def __init__(self, confirmed: bool) -> None:
        self._confirmed = confirmed

    def done(self) -> bool:
        return True

    def confirmed(self) -> bool:
        return self._confirmed

    def refusal(self) -> str:
        return "the confirmation was lost"


class DeadTopic:
    """The dead-letter topic; its broker is away at times, and a confirmation may be lost."""

    def __init__(self) -> None:
        self.letters: list[DeadLetter] = []
        self.away = False


class ShakyPublisher:
    """One worker's producer to the dead-letter topic."""

    def __init__(self, topic: DeadTopic, around: Around, owner: object) -> None:
        self._topic = topic
        self._around = around
        self._owner = owner

    def send(self, letter: DeadLetter) -> _Receipt:
        if self._topic.away:
            raise OSError("no broker")
        lost = self._around.point(self._owner)
        if not (lost and self._around.chance(0.5)):
            self._topic.letters.append(letter)
        return _Receipt(confirmed=not lost)

    def close(self) -> None:
        pass
