"""The loop at a rebalance, at a full outbox, and over a store that was emptied."""

import random

import pytest

from lfm_online.store.memory import MemoryServer, MemoryStore
from tests.made_checkpoints import checkpoint
from tests.made_records import event, settings
from tests.simulation.members import Told
from tests.simulation.world import World
from worker.batch_size import BatchSize
from worker.decode import Decoder
from worker.model_opening import NewModelError, open_model
from worker.pipeline import Pipeline
from worker.source.made import MadeLog, MadeSource
from worker.source.records import Records
from worker.topic_guard import TopicGuard


class Source(MadeSource):
    """A source that loses partition 1 within a poll, as the client's IO thread brings it."""

    taken_away = False

    def poll(self, seconds: float, limit: int) -> list[Records]:
        found = super().poll(seconds, limit)
        if found and self.taken_away:
            self.assign([0])
        return found


class Loop:
    """One worker's loop over a made log of two partitions."""

    def __init__(self) -> None:
        self.log = MadeLog([[], []])
        self.source = Source(self.log)
        self.source.assign([0, 1])
        self.server = MemoryServer()
        self.now = 0.0
        store, own = MemoryStore(self.server), settings()
        self.checkpoint = checkpoint(self.server)
        self.pipeline = Pipeline(
            self.source,
            self.checkpoint,
            Decoder(own),
            Told(World(0), "worker"),
            BatchSize(0.005, 10),
            TopicGuard(
                self.source, self.checkpoint, "m", "", replaced="stop", gone="stop", told=lambda *_: None
            ),
            reopen=lambda: open_model(store, self.source, own),
            outbox_limit=10,
            clock=lambda: self.now,
            rng=random.Random(0),
        )

    def produce(self, partition: int, count: int, value: bytes | None = None) -> None:
        for _ in range(count):
            self.log.append(partition, b"u", value or event(), time_ms=1_700_000_000_000)

    def steps(self, count: int = 4) -> None:
        for _ in range(count):
            self.now += 1.5
            self.pipeline.step()


def test_what_was_fetched_of_a_partition_that_then_went_away_is_not_learned() -> None:
    loop = Loop()
    loop.produce(1, 1)
    loop.steps()
    loop.produce(1, 3)
    loop.source.taken_away = True
    loop.steps()
    assert loop.server.watermarks == {"ratings-1": 1}


def test_a_store_that_was_emptied_before_the_first_commit_gets_the_meta_with_it() -> None:
    loop = Loop()
    loop.steps()
    assert loop.server.meta is not None
    meta, loop.server.meta = loop.server.meta, None
    loop.produce(0, 1)
    loop.steps()
    assert loop.server.head.sequence == 1
    assert loop.server.meta == meta


def test_a_store_that_lost_the_model_under_a_live_worker_stops_it() -> None:
    loop = Loop()
    loop.produce(0, 3)
    loop.steps()
    assert loop.log.group_offsets == {0: 3}
    vars(loop.server).update(vars(MemoryServer()))
    with pytest.raises(NewModelError, match="does not know model"):
        loop.steps()


def test_a_rebalance_while_an_outbox_is_full_skips_nothing() -> None:
    loop = Loop()
    for _ in range(2):  # the second lot finds no room
        loop.produce(0, 8, b"bad")
        loop.steps()
    assert loop.server.watermarks == {"ratings-0": 8}
    loop.source.assign([0, 1])
    loop.produce(0, 3, b"bad")  # one more than a commit takes
    loop.steps()
    for _ in range(2):
        loop.pipeline.outbox_changed(0, 0)
        loop.steps()
    assert loop.server.watermarks == {"ratings-0": 19}
