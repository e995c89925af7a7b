"""From the outbox to the dead-letter topic, so that none is lost.

A letter leaves the outbox only once the broker has confirmed it. After a crash, or an answer that got lost,
one may be sent again; its headers name topic, partition and offset, so that a reader can drop the repeat.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any, Final, Protocol

from kafka import KafkaProducer
from kafka.errors import AuthorizationError, KafkaError

from lfm_online.store.protocol import Store, StoreAwayError
from worker.access import kafka_access
from worker.closing import close_producer
from worker.dead_letters.letter import DeadLetter, read_letter
from worker.kafka_client import REQUEST_BYTES
from worker.settings import Settings

log = logging.getLogger(__name__)

AT_ONCE: Final = 500
"""Letters of one partition under way at a time."""
RETRY_SECONDS: Final = 1.0
BLOCK_MS: Final = 1000
"""How long the broker's first answer is waited for: the worker's loop stands still meanwhile."""


class Receipt(Protocol):
    """A letter on its way."""

    def done(self) -> bool:
        """Whether its fate is known."""

    def confirmed(self) -> bool:
        """Whether the broker has it, once done."""

    def refusal(self) -> str:
        """Why it does not."""


class Publisher(Protocol):
    """Sends letters to the dead-letter topic."""

    def send(self, letter: DeadLetter) -> Receipt:
        """Send one; raises ``OSError`` or ``KafkaError`` if that can't even begin."""

    def close(self) -> None:
        """Stop sending."""


class _KafkaReceipt:
    def __init__(self, future: Any) -> None:
        self._future = future

    def done(self) -> bool:
        return bool(self._future.is_done)

    def confirmed(self) -> bool:
        return bool(self._future.succeeded())

    def refusal(self) -> str:
        return str(self._future.exception)


class KafkaPublisher:
    """Sends by kafka-python, every replica confirming; connects with the first letter."""

    def __init__(self, settings: Settings) -> None:
        """To ``settings.dead_letters_to``."""
        self._settings = settings
        self._producer: Any = None

    def send(self, letter: DeadLetter) -> Receipt:
        """Send one letter, keyed as its record was."""
        if self._producer is None:
            self._producer = KafkaProducer(
                **kafka_access(self._settings),
                acks="all",
                # An idempotent one is of no use any more once a letter was refused, also if that was for a
                # right that is granted later.
                enable_idempotence=False,
                linger_ms=5,
                max_block_ms=BLOCK_MS,
                bootstrap_timeout_ms=BLOCK_MS,
                max_request_size=REQUEST_BYTES,
            )
        value = letter.value
        if value is None and letter.key is None:
            value = b""  # kafka-python sends no record that has neither
        to, headers = self._settings.dead_letters_to, letter.headers(self._settings.model)
        future = self._producer.send(to, key=letter.key, value=value, headers=headers)
        if isinstance(future.exception, AuthorizationError):
            raise future.exception  # asking for the topic took a tenth of a second, and would for each letter
        return _KafkaReceipt(future)

    def close(self) -> None:
        """Stop sending."""
        if self._producer is not None:
            close_producer(self._producer)
            self._producer = None


class Forwarder:
    """Empties the outboxes of the partitions that this worker owns; its caller steps it."""

    def __init__(
        self,
        store: Store,
        publisher: Publisher,
        *,
        counted: Callable[[int, int], None],
        forwarded: Callable[[int], None],
        clock: Callable[[], float],
    ) -> None:
        """With a store connection of its own, since a commit may be in flight on the worker's.

        Args:
            store: Holds the outboxes.
            publisher: Takes the letters.
            counted: Told ``(partition, letters)`` left in an outbox, after each look.
            forwarded: Told how many letters were confirmed.
            clock: Monotonic seconds.
        """
        self.trouble = ""
        self._store = store
        self._publisher = publisher
        self._counted = counted
        self._forwarded = forwarded
        self._clock = clock
        self._under_way: dict[tuple[int, int], Receipt] = {}
        self._refusal = ""  # of one that was sent with them
        self._next_look = 0.0

    def step(self, partitions: frozenset[int]) -> None:
        """Look into the outboxes at most once a second, unless letters are under way.

        Waits for the broker only while that is away or the topic is not there, see ``BLOCK_MS``.
        """
        if not self._under_way and self._clock() < self._next_look:
            return
        try:
            if self._under_way:
                self._take_confirmed()
            if not self._under_way:
                self._send(partitions)
        except (StoreAwayError, KafkaError, OSError) as error:
            if not self.trouble:
                log.warning("dead letters stay in the outbox: %s", error)
            self.trouble = str(error)
            self._next_look = self._clock() + RETRY_SECONDS

    def _send(self, partitions: frozenset[int]) -> None:
        self._next_look = self._clock() + RETRY_SECONDS
        held = {partition: self._store.count_dead(partition) for partition in sorted(partitions)}
        for partition, letters in held.items():  # all, whatever becomes of the first one's
            self._counted(partition, letters)
        if not any(held.values()):
            self.trouble = ""
        for partition in (partition for partition, letters in held.items() if letters):
            for offset, stored in self._store.read_dead(partition, AT_ONCE).items():
                self._under_way[partition, offset] = self._publisher.send(read_letter(stored))

    def _take_confirmed(self) -> None:
        done = {place: receipt for place, receipt in self._under_way.items() if receipt.done()}
        confirmed: dict[int, list[int]] = {}
        for (partition, offset), receipt in done.items():
            del self._under_way[partition, offset]
            if receipt.confirmed():
                confirmed.setdefault(partition, []).append(offset)
            else:
                self._refusal = receipt.refusal()
        for partition, offsets in confirmed.items():
            self._store.drop_dead(partition, offsets)
            self._forwarded(len(offsets))
        if self._under_way:  # told once all are: those still under way would be sent again, and never dropped
            return
        refusal, self._refusal = self._refusal, ""
        if refusal:
            raise OSError(f"their topic did not take some (LFM_DEAD_LETTER_TOPIC): {refusal}")
        self.trouble = ""

    def close(self) -> None:
        """Stop sending; what is not confirmed stays in the outbox."""
        self._publisher.close()
