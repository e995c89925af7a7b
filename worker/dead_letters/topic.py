"""What lies in the dead-letter topic, read from its beginning."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any, Final, NamedTuple

from kafka import KafkaConsumer, TopicPartition
from kafka.errors import KafkaError

from worker.access import kafka_access
from worker.dead_letters.letter import DeadLetter
from worker.kafka_client import open_client
from worker.settings import Settings
from worker.source.consumer_settings import BOOTSTRAP_MS
from worker.source.protocol import SourceAwayError

SENT_BACK: Final = "lfm-sent-back"
"""Header of a note that a letter was sent back to its topic: ``PARTITION:OFFSET`` there."""
SILENCE_SECONDS: Final = 30.0


class Place(NamedTuple):
    """Where an event stood in its topic."""

    partition: int
    offset: int

    def __str__(self) -> str:
        return f"{self.partition}:{self.offset}"


class Entry(NamedTuple):
    """One record of the dead-letter topic."""

    model: str
    letter: DeadLetter
    sent_back: str
    """Empty, or this is a note that the letter was sent back, and to where."""

    @property
    def place(self) -> Place:
        """Where the event stood."""
        return Place(self.letter.partition, self.letter.offset)


def read_entries(settings: Settings) -> Iterator[Entry]:
    """Letters of ``settings.topic`` that ``settings.model`` could not learn, and notes of them.

    Up to where the dead-letter topic ends now, a partition's in order. A topic that is not there has none. A
    letter may come twice, after a crash of its forwarder: it has the same place.

    Raises:
        SourceAwayError: no broker answers.
    """
    name = settings.dead_letters_to
    try:
        consumer = open_client(
            KafkaConsumer,
            **kafka_access(settings),
            group_id=None,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            allow_auto_create_topics=False,
            isolation_level="read_committed",
            metrics_enabled=False,
            bootstrap_timeout_ms=BOOTSTRAP_MS,
        )
        try:
            places = [TopicPartition(name, p) for p in sorted(consumer.partitions_for_topic(name) or ())]
            for record in _records(consumer, places):
                entry = entry_of(record)
                if entry is None or entry.letter.topic != settings.topic:
                    continue
                if entry.model == settings.model:
                    yield entry
        finally:
            consumer.close(autocommit=False)
    except (KafkaError, OSError) as error:
        raise SourceAwayError(f"no broker at {settings.kafka} (LFM_KAFKA) answers: {error!r}") from error


def _records(consumer: Any, places: list[Any]) -> Iterator[Any]:
    """All records up to the ends that the first fetches told."""
    if not places:
        return
    consumer.assign(places)
    consumer.seek_to_beginning(*places)
    ends: dict[Any, int] = {}
    deadline = time.monotonic() + SILENCE_SECONDS
    while any(tp not in ends or consumer.position(tp) < ends[tp] for tp in places):
        polled = consumer.poll(timeout_ms=200)
        for tp in places:
            end = consumer.highwater(tp)
            if end is not None:
                ends.setdefault(tp, int(end))
        for tp, records in polled.items():
            yield from (record for record in records if tp not in ends or record.offset < ends[tp])
        if polled:
            deadline = time.monotonic() + SILENCE_SECONDS
        elif time.monotonic() > deadline:
            raise SourceAwayError(f"the broker said nothing of {places} for {SILENCE_SECONDS:g} s")


def entry_of(record: Any) -> Entry | None:
    """A record's letter by its headers; None where they are not those of one."""
    headers = {name: value.decode(errors="replace") for name, value in record.headers or ()}
    try:
        model = headers["lfm-model"]
        letter = DeadLetter(
            reason=headers["lfm-reason"],
            detail=headers["lfm-detail"],
            topic=headers["lfm-topic"],
            partition=int(headers["lfm-partition"]),
            offset=int(headers["lfm-offset"]),
            offsets=int(headers["lfm-offsets"]),
            time_ms=int(headers["lfm-time-ms"]),
            key=record.key,
            value=record.value,
            value_bytes=int(headers["lfm-value-bytes"]),
            sha256=headers.get("lfm-sha256", ""),
        )
    except (KeyError, ValueError):
        return None
    return Entry(model, letter, headers.get(SENT_BACK, ""))
