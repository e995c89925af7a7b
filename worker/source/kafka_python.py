"""The topic as kafka-python 3 reads it: a member of a consumer group."""

from __future__ import annotations

import contextlib
import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from kafka import KafkaAdminClient, KafkaConsumer, TopicPartition
from kafka.errors import (
    CorruptRecordError,
    IllegalStateError,
    InvalidSessionTimeoutError,
    KafkaError,
    OffsetOutOfRangeError,
)
from kafka.structs import OffsetAndMetadata

from worker.access import kafka_access
from worker.kafka_client import open_client
from worker.settings import Settings
from worker.source.consumer_settings import BOOTSTRAP_MS, consumer_settings, session_words
from worker.source.damage import TRIES, damaged_words
from worker.source.fetched_columns import UndecodableBatchError, polled_records, take_columns
from worker.source.listener import AssignmentListener
from worker.source.passed_holes import PassedHoles
from worker.source.patient_join import PatientJoin
from worker.source.prompt_poll import make_prompt
from worker.source.protocol import LogView, PositionLostError, SourceAwayError, SourceBrokenError
from worker.source.records import Records
from worker.source.stable_ends import tell_stable_ends

log = logging.getLogger(__name__)


class KafkaPythonSource:
    """A consumer of ``settings.topic`` in ``settings.group``; see ``protocol.Source``."""

    def __init__(self, settings: Settings) -> None:
        """Joins the group on the first :meth:`poll`.

        Raises:
            SourceAwayError: no broker answers.
        """
        self._settings = settings
        self._topic = settings.topic
        self._failed: Counter[object] = Counter()  # places of batches that can't be decoded: tries
        self._given_up: set[object] = set()
        self._holes = PassedHoles()
        self._open()

    def _open(self) -> None:
        s = self._settings
        try:
            self._consumer = open_client(KafkaConsumer, **consumer_settings(s))
        except (KafkaError, OSError) as error:
            raise SourceAwayError(f"no broker at {s.kafka} (LFM_KAFKA): {error}") from error
        take_columns(self._consumer, self._given_up)
        make_prompt(self._consumer)
        tell_stable_ends(self._consumer)
        self._join = PatientJoin(self._consumer)
        self._listener = AssignmentListener(self._consumer)
        self._consumer.subscribe([self._topic], listener=self._listener)
        self._position: dict[int, int] = {}  # of partitions that were sought
        self._held = False

    def _partition(self, partition: int) -> Any:
        return TopicPartition(self._topic, partition)

    def poll(self, seconds: float, limit: int) -> list[Records]:
        """Records by ascending partition; see ``protocol.Source.poll``."""
        try:
            polled = self._consumer.poll(timeout_ms=int(seconds * 1000), max_records=limit)
        except OffsetOutOfRangeError as error:
            lost = {tp.partition: offset for tp, offset in error.args[0].items()}
            raise PositionLostError(
                f"the topic {self._topic!r} holds no such offsets (by partition): {lost}", lost
            ) from error
        except InvalidSessionTimeoutError as error:
            raise SourceBrokenError(session_words(self._settings)) from error
        except (KafkaError, OSError) as error:
            if getattr(error, "retriable", False):
                raise SourceAwayError(f"the broker does not answer: {error!r}") from error
            if isinstance(error, CorruptRecordError):
                self._count_failure(error)
            # A batch that can't be decoded wedges this client's poll for good: only a new one helps.
            log.warning("the Kafka client is opened anew: %s", error)
            self.close()
            self._open()
            raise SourceAwayError(f"the Kafka client failed: {error}") from error
        self._join.after_poll()
        found = []
        for tp in sorted(polled):
            records = polled[tp]
            first = self._position.get(tp.partition)
            if first is None:  # assigned again behind our back: its offset is not ours yet
                continue
            found += polled_records(tp.partition, first, records)
            self._position[tp.partition] = found[-1].end
        return found or self._holes.take(self._position, self._client_position)

    def _count_failure(self, error: CorruptRecordError) -> None:
        """Give a batch up after some tries, or stop.

        Raises:
            SourceBrokenError: it may not be left out, or nothing tells where it ends.
        """
        undecodable = error if isinstance(error, UndecodableBatchError) else None
        place = undecodable.place if undecodable else None
        self._failed[place] += 1
        if self._failed[place] < TRIES:
            return
        if undecodable is None or undecodable.end is None or self._settings.undecodable == "stop":
            raise SourceBrokenError(damaged_words(self._topic, error)) from error
        log.error("topic %r: %s; it becomes a dead letter", self._topic, error)
        self._given_up.add(place)

    def _client_position(self, partition: int) -> int:
        """How far the client has got, records or none; -1 where it does not know."""
        state = self._consumer._subscription.assignment.get(self._partition(partition))
        return int(state.position.offset) if state is not None and state.has_valid_position else -1

    def take_assignment(self) -> frozenset[int] | None:
        """The partitions of this worker if they changed since the last call, else None."""
        assigned = self._listener.take()
        if assigned is not None:
            self._position.clear()
        return assigned

    def seek(self, partition: int, offset: int) -> None:
        """Read on from that offset."""
        tp = self._partition(partition)
        if tp not in self._consumer.assignment():
            return
        # The group may take a partition away at any moment, on the client's IO thread; the next
        # take_assignment tells.
        with contextlib.suppress(KeyError, ValueError):
            self._consumer.seek(tp, offset)
            self._position[partition] = offset
            if not self._held:
                self._consumer.resume(tp)

    def hold(self) -> None:
        """Yield nothing until :meth:`release`."""
        self._held = True
        for tp in self._consumer.assignment():
            with contextlib.suppress(KeyError):  # taken away meanwhile
                self._consumer.pause(tp)

    def release(self) -> None:
        """Yield records again, of the partitions that were sought."""
        self._held = False
        for tp in {self._partition(p) for p in self._position} & self._consumer.assignment():
            with contextlib.suppress(KeyError):  # taken away meanwhile
                self._consumer.resume(tp)

    def first_offsets(self, partitions: Sequence[int]) -> dict[int, int]:
        """Where each partition's log begins."""
        return self._ask(self._consumer.beginning_offsets, partitions)

    def last_offsets(self, partitions: Sequence[int]) -> dict[int, int]:
        """Where each partition's log ends, by the broker's list."""
        return self._ask(self._consumer.end_offsets, partitions)

    def end_offsets(self) -> dict[int, int]:
        """Where what can be read of each assigned partition ends, as the last fetch said."""
        ends = {}
        for tp in self._consumer.assignment():
            with contextlib.suppress(KeyError, IllegalStateError):  # taken away meanwhile
                end = self._consumer.highwater(tp)
                if end is not None:
                    ends[tp.partition] = int(end)
        return ends

    def _ask(self, call: Any, partitions: Sequence[int]) -> dict[int, int]:
        if not partitions:
            return {}
        try:
            answer = call([self._partition(p) for p in partitions])
        except (KafkaError, OSError) as error:
            raise SourceAwayError(f"the broker does not answer: {error!r}") from error
        except KeyError as error:  # so the client says that it was told of no such partition
            raise SourceAwayError(f"the broker does not tell the log's bounds: {error}") from error
        return {tp.partition: int(offset) for tp, offset in answer.items()}

    def committed(self) -> dict[int, int]:
        """The group's offsets, of all partitions of the topic."""
        try:
            partitions = sorted(self._consumer.partitions_for_topic(self._topic) or ())
            found = {p: self._consumer.committed(self._partition(p)) for p in partitions}
        except (KafkaError, OSError) as error:
            raise SourceAwayError(f"the broker does not answer: {error!r}") from error
        return {p: int(offset) for p, offset in found.items() if offset is not None}

    def topic_id(self) -> str:
        """The broker's id of the topic, empty where it gives none.

        Raises:
            SourceAwayError: no broker answers, or the topic is not there yet.
        """
        try:
            admin = open_client(
                KafkaAdminClient, **kafka_access(self._settings), bootstrap_timeout_ms=BOOTSTRAP_MS
            )
            try:
                (topic,) = admin.describe_topics([self._topic])
            finally:
                admin.close()
        except (KafkaError, OSError) as error:
            raise SourceAwayError(f"the broker does not answer: {error!r}") from error
        if topic["error_code"] != 0:
            raise SourceAwayError(
                f"there is no topic {self._topic!r} at {self._settings.kafka} yet (LFM_TOPIC, LFM_KAFKA)"
            )
        return str(topic.get("topic_id") or "")

    def view(self) -> LogView:
        """The topic as the client's last metadata has it; nothing is asked."""
        cluster = self._consumer._cluster
        return LogView(
            str(cluster.topic_id(self._topic) or ""),
            frozenset(cluster.partitions_for_topic(self._topic) or ()),
        )

    def commit(self, offsets: Mapping[int, int]) -> None:
        """Tell the group its offsets, for outside lag tools only."""
        self._consumer.commit_async(
            {self._partition(p): OffsetAndMetadata(offset, "", -1) for p, offset in offsets.items()}
        )

    def close(self) -> None:
        """Leave the group."""
        self._consumer.close(autocommit=False, timeout_ms=5000)
