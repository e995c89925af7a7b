"""What librdkafka can't decode, as kafka-python finds it.

librdkafka tells of such a batch no more than where it begins: neither its end nor its bytes, and it goes on
behind it as if nothing had been there. So nothing that follows is taken, and after some tries kafka-python,
which the project has anyway, reads that one batch: a damaged one becomes the same dead letter by both.
"""

from __future__ import annotations

import logging
from collections import Counter

from worker.access import kafka_access
from worker.settings import Settings
from worker.source.damage import TRIES, damaged_words
from worker.source.protocol import SourceAwayError, SourceBrokenError
from worker.source.records import Records
from worker.source.whole_topic import WholeTopic

log = logging.getLogger(__name__)


class SecondOpinion:
    """Counts how often a batch failed, and at last looks at it."""

    def __init__(self, settings: Settings) -> None:
        """Connects when it has to."""
        self._settings = settings
        self._failed: Counter[tuple[int, int]] = Counter()

    def of(self, partition: int, base: int, first: int, reason: str) -> Records:
        """What stands for the batch of that partition that begins at offset ``base``.

        Args:
            partition: Its number.
            base: Where the batch begins, as librdkafka says.
            first: The position that it was fetched from.
            reason: What librdkafka says.

        Raises:
            SourceAwayError: it is to be fetched again first.
            SourceBrokenError: it may not be left out, or only kafka-python can decode it.
        """
        s = self._settings
        self._failed[partition, base] += 1
        if self._failed[partition, base] < TRIES:
            raise SourceAwayError(f"partition {partition} is fetched again: {reason}")
        at = max(base, first)
        with WholeTopic(s.kafka, s.topic, kafka_access(s)) as topic:
            found = next(iter(topic.read({partition: at}, {partition: at + 1})), None)
        if found is None or not found.fault:
            raise SourceBrokenError(
                f"topic {s.topic!r}, partition {partition}: librdkafka can't decode what kafka-python can "
                f"({reason}): LFM_SOURCE=kafka-python"
            )
        if s.undecodable == "stop":
            raise SourceBrokenError(damaged_words(s.topic, found.fault))
        log.error("topic %r: %s; it becomes a dead letter", s.topic, found.fault)
        return found._replace(first=first)
