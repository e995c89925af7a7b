"""Whether a batch's dead letters find room in the outboxes."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable

from worker.dead_letters.notice import LetterNotice
from worker.events import Events
from worker.source.protocol import Source

log = logging.getLogger(__name__)


class OutboxRoom:
    """Counts the letters in the outbox of each partition, as far as it is told."""

    def __init__(self, source: Source, limit: int, clock: Callable[[], float]) -> None:
        """At most ``limit`` letters a partition; an empty outbox takes any batch's."""
        self._notice = LetterNotice(clock)
        self._source = source
        self._limit = limit
        self._letters: Counter[int] = Counter()
        self.waits = False
        """Whether a batch waits for room."""

    def changed(self, partition: int, letters: int) -> None:
        """The forwarder counted a partition's outbox."""
        self._letters[partition] = letters

    def committed(self, events: Events) -> None:
        """These events' letters lie in the outboxes now."""
        for letter in events.letters:
            self._letters[letter.partition] += 1
        self._notice.count(events.letters)

    def wait_for(self, events: Events) -> bool:
        """Whether these events' letters would overfill an outbox, so that they wait; the source is held."""
        held, more = self._letters, Counter(letter.partition for letter in events.letters)
        short = any(held[p] > 0 and held[p] + count > self._limit for p, count in more.items())
        if short and not self.waits:
            log.warning(
                "an outbox holds %s dead letters (LFM_DEAD_LETTER_OUTBOX): the stream waits",
                max(held.values()),
            )
        if short != self.waits:
            (self._source.hold if short else self._source.release)()
        self.waits = short
        return short
