"""Whether the topic still is the one that the watermarks are of, and what to do where it isn't.

Offsets mean something in one log only. Three things can come between a watermark and its log:

- *replaced*: the topic was deleted and made anew. Its id is not that of the model's meta.
- *cut*: the id is the same, but the watermark lies beyond the log's end: a broker lost what it had confirmed.
- *gone*: the log begins behind the watermark. Retention took events before they were learned.

Each stops the worker, unless its setting says to go on. Going on moves the watermarks (and for a topic made
anew the meta's topic id) in a commit of its own, valid on the head alone, as any other: of several workers
one moves them, the others take them over.

Partitions that are added are no trouble: nothing rests on a user staying in one partition, and what has no
watermark starts at its log's beginning. They are logged and counted.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping
from typing import Final, Literal, get_args

import msgspec

from lfm_online.meta import read_meta
from worker.checkpoint import Checkpoint
from worker.setting_types import OnTrouble
from worker.source.protocol import Source, SourceBrokenError

log = logging.getLogger(__name__)

Trouble = Literal["replaced", "cut", "gone", "partitions_added"]
TROUBLES: Final[tuple[Trouble, ...]] = get_args(Trouble)

Told = Callable[[Trouble, Mapping[int, int]], None]
"""Told of a trouble that the worker goes on after, and by partition how many offsets are gone."""


class TopicReplacedError(SourceBrokenError):
    """The topic is another than the one that the model's watermarks are of."""


class EventsGoneError(SourceBrokenError):
    """The topic's retention took events that were not learned yet."""


class TopicGuard:
    """Compares the log with the watermarks, for one worker."""

    def __init__(
        self,
        source: Source,
        checkpoint: Checkpoint,
        model: str,
        topic_id: str,
        *,
        replaced: OnTrouble,
        gone: OnTrouble,
        told: Told,
    ) -> None:
        """For a model that was just opened.

        Args:
            source: The topic.
            checkpoint: The model, and its watermarks.
            model: Its name.
            topic_id: That of its meta.
            replaced: What to do when the topic was made anew, or its log cut.
            gone: What to do when retention took events.
            told: Told of what is gone on after.
        """
        self._source = source
        self._checkpoint = checkpoint
        self._model = model
        self._topic_id = topic_id
        self._replaced = replaced
        self._gone = gone
        self._told = told
        self._partitions: frozenset[int] = frozenset()
        self._lost: dict[int, int] = {}

    def lost(self, offsets: Mapping[int, int]) -> None:
        """The log holds no such offsets, by partition; :meth:`settle` finds out why."""
        self._lost |= offsets

    def is_replaced(self) -> bool:
        """Whether the topic was heard of under another id than the model's; asks nobody."""
        now = self._source.view().topic_id
        return bool(now and self._topic_id) and now != self._topic_id

    def settle(self, first: Mapping[int, int]) -> bool:
        """See that every partition can be read on from its watermark, or move the watermark.

        Args:
            first: Where the log of each partition of this worker begins.

        Returns:
            False if another worker's commit came in between: bring memory to the head, and ask again.

        Raises:
            TopicReplacedError, EventsGoneError: it can't, and the settings say to stop.
            SourceAwayError: no broker answers, or there is no topic now.
        """
        self._count_partitions()
        lost, self._lost = self._lost, {}
        if self.is_replaced():
            return self._start_anew(first)
        marks = self._checkpoint.watermarks
        ahead = {p: marks[p] for p, offset in sorted(lost.items()) if p in first and marks.get(p) == offset}
        cut = {p: mark for p, mark in ahead.items() if mark > first[p]}
        if cut:
            return self._go_on_after_cut(cut)
        gone = {p: start - marks[p] for p, start in sorted(first.items()) if start > marks.get(p, start)}
        return self._go_on_after_gap(gone, first) if gone else True

    def _start_anew(self, first: Mapping[int, int]) -> bool:
        """The topic is another: every partition starts at its beginning."""
        stored = self._checkpoint.store.read_meta()
        if stored is None:
            return False
        # Asked, not what was last heard of: that may be older than what another worker has gone on with.
        meta, now = read_meta(stored, self._model), self._source.topic_id()
        if meta.topic_id == now:  # another worker was here
            self._topic_id = now
            return False
        if self._replaced == "stop":
            raise TopicReplacedError(replaced_words(meta.topic, self._model, meta.topic_id, now))
        marks = dict.fromkeys(self._checkpoint.watermarks, 0) | dict(first)
        renamed = msgspec.structs.replace(meta, topic_id=now)
        if not self._checkpoint.move(marks, renamed.to_bytes()):
            return False
        self._topic_id = now
        was = meta.topic_id
        log.warning(
            "topic %r was made anew: its id was %s, and is %s; learning goes on", meta.topic, was, now
        )
        self._told("replaced", {})
        return True

    def _go_on_after_cut(self, cut: Mapping[int, int]) -> bool:
        """A log ends before its watermark: what comes next is new."""
        ends = self._source.last_offsets(sorted(cut))
        cut = {p: mark for p, mark in cut.items() if ends[p] < mark}
        if not cut:
            return True
        words = _listed(f"partition {p} ends at {ends[p]}, learned up to {mark}" for p, mark in cut.items())
        if self._replaced == "stop":
            raise TopicReplacedError(
                f"topic {self._checkpoint.topic!r} was cut: {words}. Its brokers lost events that they had "
                "confirmed, or gave it other ones. To keep what was learned and to go on from the log's end: "
                "LFM_TOPIC_REPLACED=continue"
            )
        if not self._checkpoint.move({p: ends[p] for p in cut}):
            return False
        log.warning("the topic %r was cut: %s; learning goes on from there", self._checkpoint.topic, words)
        self._told("cut", {})
        return True

    def _go_on_after_gap(self, gone: Mapping[int, int], first: Mapping[int, int]) -> bool:
        """Retention took events that were not learned."""
        words = _listed(f"{n} in partition {p} (up to {first[p] - 1})" for p, n in gone.items())
        if self._gone == "stop":
            raise EventsGoneError(
                f"topic {self._checkpoint.topic!r} no longer holds events that were not learned yet: offsets "
                f"gone: {words}. Make its retention longer than a worker may be down. To learn what is left: "
                "LFM_EVENTS_GONE=continue"
            )
        if not self._checkpoint.move({p: first[p] for p in gone}):
            return False
        log.error("the topic %r lost events before they were learned: %s", self._checkpoint.topic, words)
        self._told("gone", gone)
        return True

    def _count_partitions(self) -> None:
        now = self._source.view().partitions
        if self._partitions and now - self._partitions:
            added = sorted(now - self._partitions)
            log.warning("partitions were added: %s; they are learned from their beginnings", added)
            self._told("partitions_added", {})
        self._partitions = now or self._partitions


def replaced_words(topic: str, model: str, was: str, now: str) -> str:
    """What is wrong when the topic was made anew, and what to do."""
    return (
        f"topic {topic!r} was deleted and made anew: model {model!r} learned the one with id {was}, the "
        f"broker has {now}. To keep the model and learn the new topic from its beginning: "
        "LFM_TOPIC_REPLACED=continue; to start afresh, another name (LFM_MODEL)"
    )


def _listed(parts: Iterable[str]) -> str:
    return ", ".join(parts)
