"""Reading a topic from its beginning, without a group: for proofs and replays."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from typing import Any, Final, Self

from kafka import KafkaConsumer, TopicPartition
from kafka.errors import KafkaError, OffsetOutOfRangeError

from worker.kafka_client import open_client
from worker.source.consumer_settings import BOOTSTRAP_MS, FETCH_BYTES
from worker.source.fetched_columns import Everything, polled_records, take_columns
from worker.source.parked import go_on_with_parked
from worker.source.protocol import SourceAwayError, SourceBrokenError
from worker.source.records import Records
from worker.source.stable_ends import tell_stable_ends

SILENCE_SECONDS: Final = 30.0
"""Without a record for so long, what is still to come is not coming."""
_GLANCE_MS: Final = 200


class WholeTopic:
    """A topic up to given offsets; a context manager.

    A batch that can't be decoded comes as ``Records`` with a fault, as it does to a worker that is to go on.
    """

    def __init__(self, bootstrap: str, topic: str, access: Mapping[str, Any] | None = None) -> None:
        """Connect to the broker at ``bootstrap``, with what ``worker.access.kafka_access`` gives, if any.

        Raises:
            SourceAwayError: no broker answers.
        """
        self._topic = topic
        try:
            self._consumer = open_client(
                KafkaConsumer,
                **(access or {"bootstrap_servers": bootstrap.split(",")}),
                group_id=None,
                enable_auto_commit=False,
                auto_offset_reset="none",
                allow_auto_create_topics=False,
                isolation_level="read_committed",
                fetch_max_bytes=FETCH_BYTES,
                max_partition_fetch_bytes=FETCH_BYTES,
                max_poll_records=10_000,
                metrics_enabled=False,
                bootstrap_timeout_ms=BOOTSTRAP_MS,
            )
        except (KafkaError, OSError) as error:
            raise SourceAwayError(f"no broker at {bootstrap} (LFM_KAFKA): {error}") from error
        take_columns(self._consumer, Everything())
        go_on_with_parked(self._consumer)
        tell_stable_ends(self._consumer)

    def __enter__(self) -> Self:
        """Itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Disconnect."""
        self._consumer.close(autocommit=False)

    def first_offsets(self, partitions: list[int]) -> dict[int, int]:
        """Where each partition's log begins: above 0 once retention has taken something.

        Raises:
            SourceAwayError: no broker answers.
        """
        try:
            found = self._consumer.beginning_offsets([TopicPartition(self._topic, p) for p in partitions])
        except (KafkaError, OSError) as error:
            raise SourceAwayError(f"the broker does not answer: {error!r}") from error
        return {tp.partition: int(offset) for tp, offset in found.items()}

    def bounds(self) -> tuple[dict[int, int], dict[int, int]]:
        """Where each partition's log begins, and where it ends as a fetch says.

        The broker's list of offsets is not asked for the end: Tansu's names another.

        Raises:
            SourceAwayError: no broker answers.
            SourceBrokenError: there is no such topic.
        """
        try:
            partitions = sorted(self._consumer.partitions_for_topic(self._topic))
            if not partitions:
                raise SourceBrokenError(f"the broker has no topic {self._topic!r} (--topic, LFM_TOPIC)")
            first = self.first_offsets(partitions)
            places = {p: TopicPartition(self._topic, p) for p in partitions}
            self._consumer.assign(list(places.values()))
            for p, tp in places.items():
                self._consumer.seek(tp, first[p])
            ends: dict[int, int] = {}
            deadline = time.monotonic() + SILENCE_SECONDS
            while len(ends) < len(partitions):
                if time.monotonic() > deadline:
                    silent = sorted(places.keys() - ends.keys())
                    raise SourceAwayError(
                        f"the broker said nothing of partitions {silent} for {SILENCE_SECONDS:g} s"
                    )
                self._consumer.poll(timeout_ms=_GLANCE_MS)
                found = {p: self._consumer.highwater(tp) for p, tp in places.items()}
                ends = {p: int(end) for p, end in found.items() if end is not None}
        except (KafkaError, OSError) as error:
            raise SourceAwayError(f"the broker does not answer: {error!r}") from error
        return first, ends

    def read(self, first: Mapping[int, int], ends: Mapping[int, int]) -> Iterator[Records]:
        """Records of each partition from ``first`` to before ``ends``; a partition's are in order.

        Raises:
            SourceAwayError: the broker stopped answering.
            SourceBrokenError: records that should be there don't come.
        """
        left = {p: end for p, end in ends.items() if first[p] < end}
        places = [TopicPartition(self._topic, p) for p in left]
        self._consumer.assign(places)
        self._consumer.resume(*places)  # an earlier read has paused them at its end
        positions = {p: first[p] for p in left}
        for p in left:
            self._consumer.seek(TopicPartition(self._topic, p), first[p])
        while left:
            try:
                polled = self._consumer.poll(timeout_ms=int(SILENCE_SECONDS * 1000))
                # The consumer's position also moves over offsets that hold no record.
                reached = {p: self._consumer.position(TopicPartition(self._topic, p)) for p in left}
            except OffsetOutOfRangeError as error:
                raise self._overtaken(error) from error
            except (KafkaError, OSError) as error:
                raise SourceAwayError(f"the broker does not answer: {error!r}") from error
            moved = any(reached[p] > positions[p] for p in left)
            if not polled and not moved:
                behind = {p: (positions[p], left[p]) for p in left}
                raise SourceBrokenError(
                    f"the topic {self._topic!r} gave nothing for {SILENCE_SECONDS:g} s, although these "
                    f"partitions reach further than was read (read, end): {behind}"
                )
            for tp in sorted(polled):
                if tp.partition not in left:
                    continue
                for records in polled_records(tp.partition, positions[tp.partition], polled[tp]):
                    inside = records.before(left[tp.partition])
                    if len(inside.offsets):
                        yield inside
            for p in list(left):
                positions[p] = max(positions[p], reached[p])
                if positions[p] >= left[p]:
                    del left[p]
                    self._consumer.pause(TopicPartition(self._topic, p))

    def streams(self, first: Mapping[int, int], ends: Mapping[int, int]) -> dict[int, Iterator[Records]]:
        """Of each partition its records from ``first`` to before ``ends``, fetched when asked for.

        The iterators may take turns in any way; each raises what :meth:`read` does.
        """
        places = {p: TopicPartition(self._topic, p) for p in ends}
        self._consumer.assign(list(places.values()))
        for p, tp in places.items():
            self._consumer.seek(tp, first[p])
        self._consumer.pause(*places.values())
        return {p: self._stream(tp, first[p], ends[p]) for p, tp in places.items()}

    def _overtaken(self, error: OffsetOutOfRangeError) -> SourceBrokenError:
        return SourceBrokenError(
            f"retention took events of topic {self._topic!r} before they were read: {error} (retention.ms, "
            "retention.bytes)"
        )

    def _stream(self, tp: Any, at: int, end: int) -> Iterator[Records]:
        while at < end:
            try:
                self._consumer.resume(tp)
                polled = self._consumer.poll(timeout_ms=int(SILENCE_SECONDS * 1000))
                self._consumer.pause(tp)
                reached = self._consumer.position(tp)
            except OffsetOutOfRangeError as error:
                raise self._overtaken(error) from error
            except (KafkaError, OSError) as error:
                raise SourceAwayError(f"the broker does not answer: {error!r}") from error
            if not polled and reached <= at:
                raise SourceBrokenError(
                    f"partition {tp.partition} of the topic {self._topic!r} gave nothing for "
                    f"{SILENCE_SECONDS:g} s, although it reaches to {end} and was read to {at}"
                )
            if tp in polled:
                for records in polled_records(tp.partition, at, polled[tp]):
                    inside = records.before(end)
                    if len(inside.offsets):
                        yield inside
            at = max(at, reached)
