"""The topic's id and partitions, asked for beside the reading.

librdkafka fetches by the topic's id, but takes a new one over without a word when a topic is made anew, and
then reads on at the old offset: so its id is looked at here, often, and whenever offsets are asked for.
"""

from __future__ import annotations

import contextlib
import logging
import time
import uuid
from concurrent.futures import Future
from typing import Any, Final

from confluent_kafka import KafkaError, KafkaException, TopicCollection
from confluent_kafka.admin import AdminClient

from worker.access import librdkafka_access
from worker.settings import Settings
from worker.source import consumer_settings
from worker.source.protocol import LogView, SourceAwayError

log = logging.getLogger(__name__)

LOOK_SECONDS: Final = 1.0
"""Between two looks at the topic's id: so long a topic that was made anew could be read on unnoticed, if it
holds more records by then than were read of the old one."""
_HALF: Final = 1 << 64


class TopicWatch:
    """Knows the topic as it was last heard of."""

    def __init__(self, settings: Settings) -> None:
        """Asks nothing yet.

        Raises:
            KafkaException: the settings can't be used, as a certificate that can't be read.
        """
        self._settings = settings
        self._admin = AdminClient(librdkafka_access(settings), logger=log)
        self._asked: Future[Any] | None = None
        self._asked_at = 0.0
        self.view = LogView("", frozenset())

    def look(self) -> None:
        """Take what was answered, and ask anew now and then; never waits."""
        if self._asked is not None:
            if self._asked.done():
                with contextlib.suppress(KafkaException):  # the next look asks again
                    self._take(self._asked.result())
                self._asked = None
        elif time.monotonic() - self._asked_at >= LOOK_SECONDS:
            self._asked_at = time.monotonic()
            self._admin.poll(0)  # hands on what it has to log
            self._asked = self._ask()

    def ask(self) -> LogView:
        """The topic as it is now.

        Raises:
            SourceAwayError: no broker answers, or the topic is not there yet.
        """
        try:
            self._take(self._ask().result())
        except KafkaException as error:
            if error.args[0].code() == KafkaError.UNKNOWN_TOPIC_OR_PART:
                s = self._settings
                raise SourceAwayError(
                    f"there is no topic {s.topic!r} at {s.kafka} yet (LFM_TOPIC, LFM_KAFKA)"
                ) from error
            raise SourceAwayError(f"the broker does not answer: {error.args[0].str()}") from error
        return self.view

    def _ask(self) -> Future[Any]:
        topic = self._settings.topic
        seconds = consumer_settings.BOOTSTRAP_MS / 1000
        answers = self._admin.describe_topics(TopicCollection([topic]), request_timeout=seconds)
        return answers[topic]

    def _take(self, topic: Any) -> None:
        given = topic.topic_id
        high, low = given.get_most_significant_bits(), given.get_least_significant_bits()
        number = (high % _HALF) * _HALF + low % _HALF
        self.view = LogView(
            str(uuid.UUID(int=number)) if number else "", frozenset(part.id for part in topic.partitions)
        )
