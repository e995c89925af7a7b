"""The topic as librdkafka reads it, by confluent-kafka: a member of a consumer group.

Its own threads fetch, check and decompress. Callbacks run inside the consumer's calls, on the thread that
makes them; records come by queues beside it (``partition_queues``).
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Final

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition

from worker.settings import Settings
from worker.source import consumer_settings
from worker.source.client_log import ClientLog
from worker.source.librdkafka_asks import Asks
from worker.source.partition_queues import Notice, PartitionQueues, Taken
from worker.source.passed_holes import PassedHoles
from worker.source.protocol import LogView, PositionLostError, SourceAwayError, SourceBrokenError
from worker.source.records import Records
from worker.source.second_opinion import SecondOpinion
from worker.source.topic_view import TopicView

log = logging.getLogger(__name__)

LOST: Final = frozenset({KafkaError._AUTO_OFFSET_RESET, KafkaError.OFFSET_OUT_OF_RANGE})
DAMAGED: Final = frozenset({KafkaError._BAD_MSG, KafkaError._BAD_COMPRESSION, KafkaError.INVALID_MSG})


class LibrdkafkaSource:
    """A consumer of ``settings.topic`` in ``settings.group``; see ``protocol.Source``.

    The client is assigned what is to be read and nothing else, from explicit offsets, and anew whenever that
    changes. It neither seeks nor pauses: what it had fetched for an earlier assignment it drops by itself.
    """

    def __init__(self, settings: Settings) -> None:
        """Joins the group on the first :meth:`poll`.

        Raises:
            SourceAwayError: no broker answers.
        """
        self._settings = settings
        self._topic = settings.topic
        self._assigned: frozenset[int] = frozenset()
        self._changed = False  # since the last take_assignment
        self._position: dict[int, int] = {}  # of partitions that were sought
        self._ends: dict[int, int] = {}  # the position at the log's end, of those that reached it
        self._held = False
        self._stale = False  # what the client is assigned is not what is to be read
        self._trouble = ""  # what the client said last
        self._away = False
        self._holes = PassedHoles()
        self._second_opinion = SecondOpinion(settings)
        self._log = ClientLog(settings.topic)
        options = consumer_settings.librdkafka_settings(settings)
        note = self._note
        options |= {"error_cb": note, "on_commit": self._committed}
        try:
            self._view = TopicView(settings)
            self._consumer = Consumer(options, logger=self._log)
        except KafkaException as error:
            raise SourceAwayError(f"no Kafka client for {settings.kafka} (LFM_KAFKA): {error}") from error
        self._asks = Asks(self._consumer, self._topic)
        try:
            self._asks.partitions()
        except SourceAwayError as error:
            self._consumer.poll(0)  # what the client notes and logs
            raise SourceAwayError(
                f"no broker at {settings.kafka} (LFM_KAFKA): {self._trouble or error}"
            ) from error
        self._queues = PartitionQueues(self._consumer, note, self._topic)
        self._consumer.subscribe([self._topic], on_assign=self._on_assign, on_revoke=self._on_revoke)

    def _on_assign(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        """These partitions are ours from now on; silent until they are sought."""
        consumer.assign([])
        self._assigned = frozenset(tp.partition for tp in partitions)
        self._changed = True
        self._position.clear()

    def _on_revoke(self, consumer: Consumer, _: list[TopicPartition]) -> None:
        """All partitions go to other members, or come back by the next assignment."""
        consumer.unassign()
        self._changed |= bool(self._assigned)
        self._assigned = frozenset()
        self._position.clear()

    def _note(self, error: KafkaError) -> None:
        self._away |= error.code() == KafkaError._ALL_BROKERS_DOWN
        if error.code() != KafkaError._ALL_BROKERS_DOWN or not self._trouble:
            self._trouble = error.str()  # says more: which broker, and why

    def _committed(self, error: KafkaError | None, _: list[TopicPartition]) -> None:
        if error is not None:
            log.debug("the group was not told its offsets: %s", error)

    def _see_that_it_answers(self) -> None:
        """Raise ``SourceAwayError`` if the client has lost all brokers since the last time."""
        away, self._away = self._away, False
        if away:
            raise SourceAwayError(f"the broker does not answer: {self._trouble}")

    def poll(self, seconds: float, limit: int) -> list[Records]:
        """Records by ascending partition; see ``protocol.Source.poll``."""
        try:
            taken = self._take(limit)
            if not taken and seconds > 0:
                self._queues.wait(seconds)
                taken = self._take(limit)
            self._see_that_it_answers()
            found = self._sorted_out(taken)
        except (KafkaException, SourceAwayError) as error:
            self._stale = True  # what was taken along with it is to be fetched again
            if isinstance(error, SourceAwayError):
                raise
            raise SourceAwayError(f"the Kafka client failed: {error}") from error
        found.sort(key=lambda records: records.partition)
        return found or self._holes.take(self._position, lambda partition: self._ends.get(partition, -1))

    def _take(self, limit: int) -> list[Taken]:
        """What there is; what concerns the whole client is done first."""
        self._assign()
        while (message := self._consumer.poll(0)) is not None:
            if (error := message.error()) is not None:
                self._refuse(error.code(), error.str())
            self._stale = True  # a record that came by the consumer's queue: its partition's own was replaced
            self._assign()
        return self._queues.take(self._position, limit)

    def _assign(self) -> None:
        if self._stale and self._assigned:
            self._stale = False
            self._ends.clear()
            wanted = {} if self._held else self._position
            self._queues.separate(wanted)
            self._consumer.assign([TopicPartition(self._topic, p, offset) for p, offset in wanted.items()])

    def _sorted_out(self, taken: list[Taken]) -> list[Records]:
        """The records that may be taken, and what stands for batches left out; positions move behind them.

        Raises:
            PositionLostError, SourceBrokenError, SourceAwayError: what the notices say.
        """
        found: list[Records] = []
        damaged: dict[int, Notice] = {}
        lost: dict[int, int] = {}
        for partition, records, notice in taken:
            if partition in damaged:  # the client goes on behind the batch
                continue
            if records is not None:
                found.append(records)
            if notice is None:
                continue
            if notice.code == KafkaError._PARTITION_EOF:
                self._ends[partition] = notice.offset
            elif notice.code in LOST:
                lost[partition] = self._position[partition]
            elif notice.code in DAMAGED:
                damaged[partition] = notice
            else:
                self._refuse(notice.code, notice.text)
        if lost:
            raise PositionLostError(
                f"the topic {self._topic!r} holds no such offsets (by partition): {lost}", lost
            )
        found += self._left_out(damaged, {records.partition for records in found})
        self._position |= {records.partition: records.end for records in found}
        return found

    def _refuse(self, code: int, text: str) -> None:
        """Raise what an error says that is about no record."""
        if code == KafkaError.INVALID_SESSION_TIMEOUT:
            raise SourceBrokenError(consumer_settings.session_words(self._settings))
        raise SourceAwayError(f"the broker refuses: {text}")

    def _left_out(self, damaged: Mapping[int, Notice], before: set[int]) -> list[Records]:
        """What stands for damaged batches, where all that comes ``before`` them was taken."""
        faults = []
        self._stale |= bool(damaged)
        for partition, notice in damaged.items():
            if partition not in before:
                first = self._position[partition]
                faults.append(self._second_opinion.of(partition, notice.offset, first, notice.text))
        return faults

    def take_assignment(self) -> frozenset[int] | None:
        """The partitions of this worker if they changed since the last call, else None."""
        changed, self._changed = self._changed, False
        return self._assigned if changed else None

    def seek(self, partition: int, offset: int) -> None:
        """Read on from that offset."""
        if partition in self._assigned:
            self._position[partition] = offset
            self._stale = True

    def hold(self) -> None:
        """Yield nothing until :meth:`release`."""
        self._stale |= not self._held
        self._held = True

    def release(self) -> None:
        """Yield records again, of the partitions that were sought."""
        self._stale |= self._held
        self._held = False

    def first_offsets(self, partitions: Sequence[int]) -> dict[int, int]:
        """Where each partition's log begins; the view is as new as they are."""
        if not partitions:
            return {}
        offsets = self._asks.beginnings(partitions)
        self._view.ask()
        return offsets

    def last_offsets(self, partitions: Sequence[int]) -> dict[int, int]:
        """Where each partition's log ends, by the broker's list."""
        return self._asks.ends(partitions)

    def end_offsets(self) -> dict[int, int]:
        """Where what can be read of each assigned partition ends, as the last fetch said."""
        heard = self._asks.heard_ends(self._assigned)
        # What is heard of holds open transactions too; the client is at the end where these begin.
        at_end = {p: end for p, end in self._ends.items() if p in heard and end == self._position.get(p)}
        return heard | at_end

    def committed(self) -> dict[int, int]:
        """The group's offsets, of all partitions of the topic."""
        return self._asks.committed()

    def topic_id(self) -> str:
        """The broker's id of the topic, empty where it gives none.

        Raises:
            SourceAwayError: no broker answers, or the topic is not there yet.
        """
        return self._view.ask().topic_id

    def view(self) -> LogView:
        """The topic as it was last heard of: the id is that of the records polled last, if any were."""
        now = self._view.now
        return now._replace(topic_id=self._log.topic_id or now.topic_id)

    def commit(self, offsets: Mapping[int, int]) -> None:
        """Tell the group its offsets, for outside lag tools only."""
        told = [TopicPartition(self._topic, p, offset) for p, offset in offsets.items()]
        try:
            self._consumer.commit(offsets=told, asynchronous=True)
        except KafkaException as error:
            log.debug("the group was not told its offsets: %s", error)

    def close(self) -> None:
        """Leave the group."""
        self._queues.close()
        self._consumer.close()
        self._queues.closed()
