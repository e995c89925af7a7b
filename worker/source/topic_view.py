"""The topic's id and partitions as the cluster tells them."""

from __future__ import annotations

from typing import Final

from confluent_kafka import KafkaError, KafkaException, TopicCollection
from confluent_kafka.admin import AdminClient

from worker.access import librdkafka_access
from worker.settings import Settings
from worker.source import consumer_settings
from worker.source.client_log import ClientLog, topic_id
from worker.source.protocol import LogView, SourceAwayError

_HALF: Final = 1 << 64


class TopicView:
    """Knows the topic as it was last asked for."""

    def __init__(self, settings: Settings) -> None:
        """Asks nothing yet.

        Raises:
            KafkaException: the settings can't be used, as a certificate that can't be read.
        """
        self._settings = settings
        self._admin = AdminClient(librdkafka_access(settings), logger=ClientLog(settings.topic))
        self.now = LogView("", frozenset())

    def ask(self) -> LogView:
        """The topic as it is now.

        Raises:
            SourceAwayError: no broker answers, or the topic is not there yet.
        """
        s = self._settings
        seconds = consumer_settings.BOOTSTRAP_MS / 1000
        self._admin.poll(0)  # hands on what it logged
        try:
            asked = self._admin.describe_topics(TopicCollection([s.topic]), request_timeout=seconds)
            topic = asked[s.topic].result()
        except KafkaException as error:
            if error.args[0].code() == KafkaError.UNKNOWN_TOPIC_OR_PART:
                raise SourceAwayError(
                    f"there is no topic {s.topic!r} at {s.kafka} yet (LFM_TOPIC, LFM_KAFKA)"
                ) from error
            raise SourceAwayError(f"the broker does not answer: {error.args[0].str()}") from error
        high, low = topic.topic_id.get_most_significant_bits(), topic.topic_id.get_least_significant_bits()
        number = (high % _HALF) * _HALF + low % _HALF
        self.now = LogView(topic_id(number), frozenset(part.id for part in topic.partitions))
        return self.now
