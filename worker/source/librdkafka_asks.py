"""What a librdkafka consumer asks the broker, or has heard from it, beside the records."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from confluent_kafka import OFFSET_BEGINNING, OFFSET_END, Consumer, KafkaException, TopicPartition

from worker.source import consumer_settings
from worker.source.protocol import SourceAwayError


class Asks:
    """Questions about one topic. Each raises ``SourceAwayError`` if no broker answers in time."""

    def __init__(self, consumer: Consumer, topic: str) -> None:
        """By the connections of that consumer."""
        self._consumer = consumer
        self._topic = topic

    @property
    def _seconds(self) -> float:
        return consumer_settings.BOOTSTRAP_MS / 1000

    def partitions(self) -> list[int]:
        """The topic's partitions; none while there is no such topic."""
        try:
            topics = self._consumer.list_topics(self._topic, timeout=self._seconds).topics
        except KafkaException as error:
            raise _away(error) from error
        return sorted(topics[self._topic].partitions)

    def beginnings(self, partitions: Sequence[int]) -> dict[int, int]:
        """Where each partition's log begins."""
        return self._bounds(partitions, OFFSET_BEGINNING)

    def ends(self, partitions: Sequence[int]) -> dict[int, int]:
        """Where each partition's log ends."""
        return self._bounds(partitions, OFFSET_END)

    def _bounds(self, partitions: Sequence[int], which: int) -> dict[int, int]:
        # The broker takes beginning and end in the place of a time: one question for all partitions.
        asked = [TopicPartition(self._topic, p, which) for p in partitions]
        try:
            answer = self._consumer.offsets_for_times(asked, timeout=self._seconds)
        except KafkaException as error:
            raise _away(error) from error
        for tp in answer:
            if tp.error is not None:
                raise SourceAwayError(f"the broker does not tell the log's bounds: {tp.error.str()}")
        return {tp.partition: tp.offset for tp in answer}

    def heard_ends(self, partitions: Iterable[int]) -> dict[int, int]:
        """Where the log of each partition ends, as the last fetch said; asks nobody."""
        found = {p: self._heard_end(p) for p in partitions}
        return {p: end for p, end in found.items() if end >= 0}

    def _heard_end(self, partition: int) -> int:
        """Below 0: nothing was fetched yet."""
        try:
            bounds = self._consumer.get_watermark_offsets(TopicPartition(self._topic, partition), cached=True)
        except KafkaException:  # the client does not know the partition
            return -1
        return bounds[1]

    def committed(self) -> dict[int, int]:
        """The group's offsets."""
        asked = [TopicPartition(self._topic, p) for p in self.partitions()]
        try:
            found = self._consumer.committed(asked, timeout=self._seconds) if asked else []
        except KafkaException as error:
            raise _away(error) from error
        return {tp.partition: tp.offset for tp in found if tp.offset >= 0}


def _away(error: KafkaException) -> SourceAwayError:
    return SourceAwayError(f"the broker does not answer: {error.args[0].str()}")
