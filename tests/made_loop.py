"""A worker's loop over a made log and a store in memory."""

import random
from collections.abc import Sequence

from lfm_online.store.memory import MemoryServer, MemoryStore
from tests.made_checkpoints import checkpoint
from tests.made_records import event, settings
from tests.simulation.members import Told
from tests.simulation.world import World
from worker.batch_size import BatchSize
from worker.decode import Decoder
from worker.model_opening import open_model
from worker.pipeline import Pipeline
from worker.source.made import MadeLog, MadeSource
from worker.source.records import Records
from worker.topic_guard import TopicGuard


class Source(MadeSource):
    """Counts its records, and loses partition 1 within a poll, as the client's IO thread brings it."""

    taken_away = False
    polled = 0

    def poll(self, seconds: float, limit: int) -> list[Records]:
        found = super().poll(seconds, limit)
        self.polled += sum(len(r.offsets) for r in found)
        if found and self.taken_away:
            self.assign([0])
        return found


class Loop:
    """One worker's loop over a made log of two partitions."""

    def __init__(self, other: "Loop | None" = None, assigned: Sequence[int] = (0, 1)) -> None:
        """Of a model of its own, or of another's, with the same log and store."""
        self.log: MadeLog = other.log if other else MadeLog([[], []])
        self.source = Source(self.log)
        self.source.assign(assigned)
        self.now = 0.0
        self.server: MemoryServer = other.server if other else MemoryServer(clock=lambda: self.now)
        world = World(0)
        self.counts = world.counts
        store, own = MemoryStore(self.server), settings()
        self.checkpoint = checkpoint(self.server)
        self.pipeline = Pipeline(
            self.source,
            self.checkpoint,
            Decoder(own),
            Told(world, "worker"),
            BatchSize(0.005, 10),
            TopicGuard(
                self.source, self.checkpoint, "m", "", replaced="stop", gone="stop", told=lambda *_: None
            ),
            reopen=lambda: open_model(store, self.source, own),
            outbox_limit=10,
            clock=lambda: self.now,
            rng=random.Random(other is None),
        )

    def produce(self, partition: int, count: int, value: bytes | None = None) -> None:
        for _ in range(count):
            self.log.append(partition, b"u", value or event(), time_ms=1_700_000_000_000)

    def steps(self, count: int = 4) -> None:
        for _ in range(count):
            self.now += 1.5
            self.pipeline.step()
