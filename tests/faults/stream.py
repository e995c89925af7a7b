"""The live stream: good and bad events, sent at a pace while things break."""

from __future__ import annotations

import random
import threading
import time
from typing import Any

from kafka import KafkaProducer

from tests.acceptance.workers import rating_bytes
from tests.letters import Letters
from worker.closing import close_producer

BAD = (b"", b"{", b"[]", b'{"user_id":"u1"}', rating_bytes("u1", "i1", 99), rating_bytes("", "i1", 3))
BAD_SHARE, OTHER_SHARE = 0.08, 0.04
PIECE = 10
"""Events sent at once."""
USERS, ITEMS = 60, 40
CONFIRM_SECONDS = 120


class Stream:
    """Sends events to a topic, counts them, and counts what arrives in the dead-letter topic."""

    def __init__(
        self, broker: str, topic: str, dead_topic: str, partitions: int, *, idempotent: bool
    ) -> None:
        self.good = 0
        self.bad = 0
        self.burst = 0  # bad events to send before anything else
        self._topic = topic
        self._producer: Any = KafkaProducer(
            bootstrap_servers=broker,
            acks="all",
            enable_idempotence=idempotent,  # Tansu knows none; nothing happens to it either
            delivery_timeout_ms=CONFIRM_SECONDS * 1000,
        )
        self.letters = Letters(broker, dead_topic, partitions)

    def send(self, rng: random.Random, events: int, seconds: float) -> None:
        """Send so many over that time, and wait until the broker has them."""
        sent = []
        for start in range(0, events, PIECE):
            burst, self.burst = self.burst, 0
            sent += [self._send_bad(rng) for _ in range(burst)]
            sent += [self._send_one(rng) for _ in range(min(PIECE, events - start))]
            time.sleep(seconds * PIECE / events)
        self._producer.flush()
        for future in sent:
            future.get(CONFIRM_SECONDS)

    def sending(self, rng: random.Random, events: int, seconds: float) -> Sending:
        """The same in a thread of its own."""
        return Sending(self, rng, events, seconds)

    def _send_bad(self, rng: random.Random) -> Any:
        self.bad += 1
        return self._producer.send(self._topic, key=b"u%d" % rng.randrange(USERS), value=rng.choice(BAD))

    def _send_one(self, rng: random.Random) -> Any:
        kind = rng.random()
        if kind < BAD_SHARE:
            return self._send_bad(rng)
        self.good += 1
        user = f"u{rng.randrange(USERS)}"
        rating = None if kind < BAD_SHARE + OTHER_SHARE else rng.randint(1, 10) / 2
        value: bytes | None = rating_bytes(user, f"i{rng.randrange(ITEMS)}", rating)
        if kind < BAD_SHARE + OTHER_SHARE / 4:
            value = None  # a tombstone
        return self._producer.send(self._topic, key=user.encode(), value=value)

    def close(self) -> None:
        close_producer(self._producer)
        self.letters.close()


class Sending(threading.Thread):
    """A thread that sends; leaving its block waits for it, and raises what it raised."""

    def __init__(self, stream: Stream, rng: random.Random, events: int, seconds: float) -> None:
        super().__init__(name="stream", daemon=True)
        self._arguments = (rng, events, seconds)
        self._stream = stream
        self._error: BaseException | None = None

    def run(self) -> None:
        try:
            self._stream.send(*self._arguments)
        except Exception as error:  # noqa: BLE001 - it is raised in the thread that waits
            self._error = error

    def finish(self) -> None:
        """Wait for its end."""
        self.join()
        if self._error is not None:
            raise self._error
