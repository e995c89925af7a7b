"""Sending dead letters back to the topic that they came from, after what was wrong has been mended.

A letter goes to the partition where it stood, so that a user's events stay together, and a note of it to
the dead-letter topic, so that it is not sent again. After a crash between the two it may be: the headers
``lfm-dead-partition`` and ``lfm-dead-offset`` of what was sent back name its first place, so that a reader
can drop the repeat. What still can't be learned comes back as a letter of its new place.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Iterable
from typing import Any, Final, NamedTuple, Self

import msgspec
from kafka import KafkaProducer
from kafka.errors import KafkaError

from worker.access import kafka_access
from worker.closing import close_producer
from worker.dead_letters.letter import DeadLetter
from worker.dead_letters.topic import SENT_BACK, Entry, Place, read_entries
from worker.kafka_client import REQUEST_BYTES
from worker.settings import Settings
from worker.source.consumer_settings import BOOTSTRAP_MS
from worker.source.protocol import SourceAwayError
from worker.source.whole_topic import WholeTopic

AT_ONCE: Final = 500
"""Letters under way at a time."""


class Choice(NamedTuple):
    """Which letters are meant: those of these reasons, and those of these places."""

    reasons: Collection[str]
    places: Collection[Place]

    def holds(self, entry: Entry) -> bool:
        """Whether a letter is among them."""
        return entry.letter.reason in self.reasons or entry.place in self.places


class Sent(NamedTuple):
    """What became of the letters that were chosen."""

    sent: int
    before: int
    """Sent back at an earlier time, and left alone."""
    cut: list[Place]
    """Not sent: only their beginning was kept, and their topic no longer holds them."""
    missing: list[Place]
    """Places that no letter has."""


def send_back(
    settings: Settings,
    choice: Choice,
    *,
    again: bool,
    dry_run: bool,
    progress: Callable[[str, int, int | None], None],
) -> Sent:
    """Send the letters of a choice back to their topic, each once.

    Args:
        settings: Broker, topic, dead-letter topic.
        choice: Which letters.
        again: Also those that were sent back before.
        dry_run: Only look.
        progress: Told what is done, how much of it, and of how much.

    Raises:
        SourceAwayError: no broker answers, or it did not take a letter.
    """
    chosen: set[Place] = set()
    noted: set[Place] = set()
    for entry in read_entries(settings):
        if entry.sent_back:
            noted.add(entry.place)
        elif choice.holds(entry):
            chosen.add(entry.place)
    before = set() if again else chosen & noted
    left = chosen - before
    missing = sorted(set(choice.places) - chosen)
    total, sent, cut = len(left), 0, list[Place]()
    if not dry_run and left:
        with _Sender(settings) as sender:
            for part in _parts(entry for entry in read_entries(settings) if not entry.sent_back):
                letters = {entry.place: entry.letter for entry in part if entry.place in left}
                left -= letters.keys()
                whole = {place: sender.whole(letter) for place, letter in letters.items()}
                cut += [place for place, letter in whole.items() if letter is None]
                sent += sender.send([letter for letter in whole.values() if letter is not None])
                progress("letters", sent, total)
    return Sent(total if dry_run else sent, len(before), sorted(cut), missing)


def _parts(entries: Iterable[Entry]) -> Iterable[list[Entry]]:
    part: list[Entry] = []
    for entry in entries:
        part.append(entry)
        if len(part) == AT_ONCE:
            yield part
            part = []
    if part:
        yield part


class _Sender:
    def __init__(self, settings: Settings) -> None:
        self._s = settings
        self._source: WholeTopic | None = None

    def __enter__(self) -> Self:
        try:
            self._producer: Any = KafkaProducer(
                **kafka_access(self._s),
                acks="all",
                linger_ms=5,
                bootstrap_timeout_ms=BOOTSTRAP_MS,
                max_request_size=REQUEST_BYTES,
            )
        except (KafkaError, OSError) as error:
            raise SourceAwayError(f"no broker at {self._s.kafka} (LFM_KAFKA): {error!r}") from error
        return self

    def __exit__(self, *_: object) -> None:
        close_producer(self._producer)
        if self._source is not None:
            self._source.__exit__()

    def whole(self, letter: DeadLetter) -> DeadLetter | None:
        """A letter with its value as it was; None where only a beginning is left of it."""
        if not letter.sha256:
            return letter if len(letter.value or b"") == letter.value_bytes else None
        if self._source is None:
            self._source = WholeTopic(self._s.kafka, self._s.topic, kafka_access(self._s))
        p, offset = letter.partition, letter.offset
        if self._source.first_offsets([p])[p] > offset:
            return None
        for records in self._source.read({p: offset}, {p: offset + 1}):
            value = records.part(records.values, 0)
            if value is not None and hashlib.sha256(value).hexdigest() == letter.sha256:
                return msgspec.structs.replace(letter, key=records.part(records.keys, 0), value=value)
        return None

    def send(self, letters: list[DeadLetter]) -> int:
        """Letters to their partitions, then the notes, each confirmed by every replica; how many."""
        try:
            going = [
                self._producer.send(
                    self._s.topic,
                    key=each.key,
                    value=b"" if each.key is None and each.value is None else each.value,
                    partition=each.partition,
                    headers=[
                        ("lfm-dead-partition", str(each.partition).encode()),
                        ("lfm-dead-offset", str(each.offset).encode()),
                    ],
                )
                for each in letters
            ]
            self._producer.flush()
            arrived = [
                Place(letter.partition, future.get().offset)
                for letter, future in zip(letters, going, strict=True)
            ]
            notes = [
                self._producer.send(
                    self._s.dead_letters_to,
                    key=each.key,
                    value=b"",
                    headers=[*each.headers(self._s.model), (SENT_BACK, str(place).encode())],
                )
                for each, place in zip(letters, arrived, strict=True)
            ]
            self._producer.flush()
            for note in notes:
                note.get()
        except (KafkaError, OSError) as error:
            raise SourceAwayError(f"the broker did not take a letter or its note: {error!r}") from error
        return len(letters)
