"""Sends a table of ratings to the topic, and counts what the broker confirmed.

Each record is keyed by its user, so that a user's ratings stay in order. Its own timestamp is left to the
client: retention and the visible-latency metric go by it, never by the rating's time.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

import msgspec
from kafka import KafkaProducer
from kafka.errors import ClusterAuthorizationFailedError, KafkaError, UnsupportedVersionError

from lfm_online.ratings_file import RatingsTable
from worker.access import kafka_access
from worker.settings import Settings
from worker.source.consumer_settings import BOOTSTRAP_MS

log = logging.getLogger(__name__)

# kafka-python buffers without a bound. This many records, of about 100 bytes, keep all batches full.
_IN_FLIGHT_RECORDS: Final = 20_000
# How often the rate, the number in flight and the progress are looked at.
_STRIDE_RECORDS: Final = 500
_STRIDE_SECONDS: Final = 0.05


@dataclass(frozen=True, slots=True)
class Confirmed:
    """What the broker acknowledged on all in-sync replicas."""

    count: int
    seconds: float


class ProduceError(Exception):
    """The broker did not confirm every event; sending stopped at the first that failed."""

    def __init__(self, confirmed: int, failed: int, first_error: Exception) -> None:
        super().__init__(
            f"{failed} events failed after {confirmed} were confirmed; the first with {first_error}"
        )
        self.confirmed = confirmed
        self.failed = failed
        self.first_error = first_error


def produce(
    table: RatingsTable,
    settings: Settings,
    *,
    rate: float | None = None,
    on_progress: Callable[[int], None] | None = None,
    stop: threading.Event | None = None,
) -> Confirmed:
    """Send every rating of the table in its order, acks=all, idempotent unless the broker refuses that.

    Args:
        table: what to send; without times the events have none, and the record's own counts.
        settings: broker, topic, the events' field names and unit of time (seconds are rounded down).
        rate: events a second; None is as fast as it goes.
        on_progress: called now and then, and at the end, with how many are confirmed so far.
        stop: once set, no more is sent; what was sent is still waited for.

    Raises:
        ProduceError: an event was refused, or not confirmed in time.
        kafka.errors.KafkaError: no broker answers.
    """
    began = time.monotonic()
    stop = stop or threading.Event()
    try:
        confirmed = _send_all(table, settings, rate, on_progress, stop, idempotent=True)
    except ProduceError as failure:
        if failure.confirmed or not _refuses_idempotence(failure.first_error):
            raise
        log.warning(
            "the broker refuses idempotent producers (%s): a retry may double an event", failure.first_error
        )
        confirmed = _send_all(table, settings, rate, on_progress, stop, idempotent=False)
    return Confirmed(confirmed, time.monotonic() - began)


class _Tally:
    """Outcomes of sent records, counted on the client's thread, waited for on the caller's."""

    def __init__(self) -> None:
        self.confirmed = 0
        self.failed = 0
        self.first_error: Exception | None = None
        self._changed = threading.Condition()

    def on_confirmed(self, _: Any) -> None:
        with self._changed:
            self.confirmed += 1
            self._changed.notify()

    def on_failed(self, error: Exception) -> None:
        with self._changed:
            self.failed += 1
            self.first_error = self.first_error or error
            self._changed.notify()

    def wait_until_in_flight(self, sent: int, at_most: int) -> None:
        """Wait until no more than ``at_most`` of ``sent`` records are undecided, or one has failed."""
        with self._changed:
            self._changed.wait_for(lambda: self.failed > 0 or sent - self.confirmed - self.failed <= at_most)


def _send_all(
    table: RatingsTable,
    settings: Settings,
    rate: float | None,
    on_progress: Callable[[int], None] | None,
    stop: threading.Event,
    *,
    idempotent: bool,
) -> int:
    tally = _Tally()
    producer = KafkaProducer(
        **kafka_access(settings),
        acks="all",
        enable_idempotence=idempotent,
        compression_type=None,
        bootstrap_timeout_ms=BOOTSTRAP_MS,
    )
    try:
        pace = _Pace(rate, stop)
        for sent, (key, value) in enumerate(_records(table, settings)):
            if sent % pace.stride == 0:
                tally.wait_until_in_flight(sent, _IN_FLIGHT_RECORDS)
                if tally.failed:
                    break
                if on_progress:
                    on_progress(tally.confirmed)
                if not pace.wait(sent):
                    break
            future = producer.send(settings.topic, key=key, value=value)
            future.add_callback(tally.on_confirmed)
            future.add_errback(tally.on_failed)
        producer.flush()
    except KafkaError as error:
        tally.on_failed(error)
    finally:
        producer.close()
    if on_progress:
        on_progress(tally.confirmed)
    if tally.first_error:
        raise ProduceError(tally.confirmed, tally.failed, tally.first_error)
    return tally.confirmed


def _refuses_idempotence(error: Exception) -> bool:
    # kafka-python gives most refusals of a producer id no class of their own.
    refusals = (ClusterAuthorizationFailedError, UnsupportedVersionError)
    return isinstance(error, refusals) or "InitProducerId" in str(error)


class _Pace:
    """Keeps to a rate, counted from the start, so that a pause is made up for."""

    def __init__(self, rate: float | None, stop: threading.Event) -> None:
        self._rate, self._stop = rate, stop
        self._began = time.monotonic()
        self.stride = min(_STRIDE_RECORDS, max(1, int(rate * _STRIDE_SECONDS))) if rate else _STRIDE_RECORDS

    def wait(self, sent: int) -> bool:
        """Wait until the next is due; whether it is to be sent at all."""
        if self._rate:
            due = self._began + sent / self._rate
            self._stop.wait(max(0.0, due - time.monotonic()))
        return not self._stop.is_set()


def _records(table: RatingsTable, settings: Settings) -> Iterator[tuple[bytes, bytes]]:
    encode = msgspec.json.Encoder().encode
    user_field, item_field, rating_field = settings.user_field, settings.item_field, settings.rating_field
    unit_ms = {"milliseconds": 1, "seconds": 1000}[settings.time_unit]
    times = (table.times_ms // unit_ms).tolist() if table.has_times else None
    for place, (user, item) in enumerate(zip(table.users, table.items, strict=True)):
        event = {user_field: user, item_field: item, rating_field: float(table.ratings[place])}
        if times is not None:
            event[settings.time_field] = times[place]
        yield user.encode(), encode(event)
