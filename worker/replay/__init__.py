"""Learning a topic once more, from its beginning, into a second model.

1. The order: the feed's commits name the offsets that each learned, in their order. What they no longer name
   comes first, ordered by the records' own time, partition and offset, as far as partitions leave a choice.
2. The second model is entered as one that is not finished: nobody opens it.
3. The events are learned, up to the first model's watermarks at the start.
4. The last commit makes it a whole model.

In the order of the whole feed the second model has the first one's bytes (``verify --against`` compares).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping
from typing import Final, NamedTuple, Protocol

import msgspec
import numpy as np

from lfm_online.fit.into_store import ModelExistsError, check_new
from lfm_online.layout import priors_version
from lfm_online.meta import UNFINISHED, Meta
from lfm_online.store.protocol import Commit, FeedEntry, Head, Store, ValueBlock
from worker.checkpoint import Checkpoint
from worker.decode import Decoder
from worker.events import Events
from worker.replay.order import Plan, ordered, plan_of
from worker.source.records import Records

COMMIT_EVENTS: Final = 4000
"""Events of one commit, or somewhat more."""


class NoReplayError(Exception):
    """The model can't be made from its topic."""


class Topic(Protocol):
    """A topic, partition by partition; ``worker.source.whole_topic`` has the real one."""

    def first_offsets(self, partitions: list[int]) -> dict[int, int]:
        """Where each partition's log begins."""

    def streams(self, first: Mapping[int, int], ends: Mapping[int, int]) -> dict[int, Iterator[Records]]:
        """Of each partition its records from ``first`` to before ``ends``."""


class Replayed(NamedTuple):
    """What became of a replay."""

    events: int
    commits: int
    by_feed: int
    """Offsets learned in the order of the feed."""
    by_time: int
    """Offsets learned before them, in the order of time, partition and offset."""

    @property
    def exact(self) -> bool:
        """Whether the second model must have the first one's bytes."""
        return self.by_time == 0


def replay(
    source: Store,
    topic: Topic,
    decoder: Decoder,
    meta: Meta,
    target: Store,
    target_name: str,
    *,
    new_id: Callable[[], bytes],
    feed_entries: int,
    progress: Callable[[str, int, int | None], None],
) -> Replayed:
    """Learn what a model has learned into another.

    Args:
        source: The model; a worker may go on.
        topic: Its topic.
        decoder: Tells valid events as its worker does.
        meta: Its settings.
        target: A model that is not there yet.
        target_name: Its name, for errors.
        new_id: Gives 16 random bytes for each commit.
        feed_entries: How long the second model's feed is kept.
        progress: Told what is done, how much of it, and of how much.

    Raises:
        NoReplayError: the topic alone does not make the model, or somebody else wrote to the second.
        ModelExistsError: the second model is there.
        StoreBrokenError, StoreAwayError, SourceAwayError, SourceBrokenError: the second is not finished.
    """
    # 1. The order.
    plan = plan_of(source, meta.topic)
    _check_origin(plan, meta)
    _check_retention(plan, topic)
    # 2. The claim.
    check_new(target, target_name, setting="--into")
    if not target.create(msgspec.structs.replace(meta, format=UNFINISHED).to_bytes()):
        raise ModelExistsError(f"another process has just started a model {target_name!r} (--into)")
    # 3. Learning.
    checkpoint = Checkpoint(target, meta.make_model(), meta.topic, feed_entries=feed_entries, new_id=new_id)
    checkpoint.resync()
    checkpoint.beginnings = plan.first
    streams = topic.streams(plan.first, plan.ends)
    total, done = plan.by_feed + plan.by_time, 0
    events = commits = 0
    for part in ordered(plan, streams, decoder, COMMIT_EVENTS):
        _learn(checkpoint, part, target_name)
        events += len(part)
        commits += 1
        done += sum(r.end - r.first for r in part.ranges)
        progress("offsets", done, total)
    # 4. Whole.
    _send(target, _finish(checkpoint, meta, new_id, feed_entries), target_name)
    return Replayed(events, commits + 1, plan.by_feed, plan.by_time)


def _check_origin(plan: Plan, meta: Meta) -> None:
    model = meta.make_model(capacity=1)
    model.load_globals(plan.globals, plan.ring)
    if int(model.shared["n"]) > int(model.shared["events"]):
        raise NoReplayError("the model was begun by lfm-online fit: its topic alone does not make it")
    if priors_version(plan.globals):
        raise NoReplayError("the model has item priors (lfm-online prior): its topic alone does not make it")


def _check_retention(plan: Plan, topic: Topic) -> None:
    gone = {p: first for p, first in topic.first_offsets(sorted(plan.ends)).items() if first > plan.first[p]}
    if gone:
        raise NoReplayError(
            f"the topic no longer holds what the model has learned: its partitions begin at {gone} "
            "(retention.ms, retention.bytes)"
        )


def _learn(checkpoint: Checkpoint, part: Events, name: str) -> None:
    # Letters were forwarded once already.
    if not checkpoint.begin(dataclasses.replace(part, letters=[])).learned:
        raise NoReplayError(f"somebody else wrote to model {name!r} (--into): delete it, and replay again")
    settled = checkpoint.settle()
    if settled is None or not settled.receipt.committed:
        raise NoReplayError(f"somebody else wrote to model {name!r} (--into): delete it, and replay again")


def _finish(checkpoint: Checkpoint, meta: Meta, new_id: Callable[[], bytes], feed_entries: int) -> Commit:
    """A commit that changes nothing but the meta."""
    none, no_bytes = np.zeros(0, np.int64), np.zeros(0, np.uint8)
    nothing = ValueBlock(no_bytes, none, no_bytes, none)
    head = checkpoint.head
    entry = FeedEntry(
        Head(new_id(), head.sequence + 1), head, (), np.zeros(0, np.uint32), np.zeros(0, np.uint64)
    )
    return Commit(
        expected=head,
        entry=entry,
        globals=checkpoint.model.globals_bytes(),
        watermarks={},
        users=nothing,
        items=nothing,
        feed_entries=feed_entries,
        meta=meta.to_bytes(),
    )


def _send(target: Store, commit: Commit, name: str) -> None:
    target.send_commit(commit)
    if not target.receive_commit().committed:
        raise NoReplayError(f"somebody else wrote to model {name!r} (--into): delete it, and replay again")
