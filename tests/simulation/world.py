"""A made world for the worker's loop: a log, a store that fails, workers that die, under one seed.

Everything that happens is drawn from ``random.Random(seed)``, so a seed repeats itself.
"""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext

from lfm_online.model import Model
from lfm_online.store.memory import MemoryServer, MemoryStore
from lfm_online.store.protocol import Commit, FeedRead, Head, Receipt, RowsRead, State, StoreAwayError
from worker.batch_size import BatchSize
from worker.checkpoint import Checkpoint, Settled
from worker.dead_letters.forwarder import Forwarder
from worker.dead_letters.letter import DeadLetter
from worker.decode import Decoder
from worker.observer import Step
from worker.pipeline import Pipeline
from worker.rule_options import rule_of
from worker.settings import Settings
from worker.source.made import MadeLog, MadeSource

PARTITIONS = 3
SETTINGS = Settings(factors=4, rating_range="1,5", history=40, dead_letter_outbox=5, commit_events=12)


class FlakyStore(MemoryStore):
    """A connection that breaks: before a request arrives, or after it was done, the reply lost."""

    def __init__(self, server: MemoryServer, world: World) -> None:
        super().__init__(server)
        self._world = world

    def _maybe_break(self, moment: str) -> None:
        if self._world.rng.random() < self._world.break_rate:
            self._in_flight = None
            raise StoreAwayError(f"the connection broke {moment}")

    def send_commit(self, commit: Commit) -> None:
        self._maybe_break("before the commit")
        super().send_commit(commit)
        if self._world.rng.random() < 0.3:  # the server may work on it before anybody asks
            self._applied = self.server.apply(commit)
            self._in_flight = None
        else:
            self._applied = None
        self._maybe_break("while the commit was sent")

    def receive_commit(self) -> Receipt:
        self._maybe_break("before the reply")
        done = self._applied if self._applied is not None else super().receive_commit().committed
        self._applied = None
        self._maybe_break("and the reply was lost")
        return Receipt(done, 0.004)

    _applied: bool | None = None

    def read_state(self) -> State:
        self._maybe_break("at a read")
        return super().read_state()

    def read_feed(self, since: Head) -> FeedRead:
        self._maybe_break("at a read")
        return super().read_feed(since)

    def read_items(self, start: int) -> list[str]:
        self._maybe_break("at a read")
        return super().read_items(start)

    def read_rows(
        self, users: Sequence[str], items: Sequence[str], histories: Sequence[str] = ()
    ) -> RowsRead:
        self._maybe_break("at a read")
        return super().read_rows(users, items, histories)


class Quiet:
    """An observer that looks away."""

    def step(self, name: Step) -> AbstractContextManager[object]:
        return nullcontext()

    def committed(self, settled: Settled) -> None:
        pass

    def refused(self) -> None:
        pass

    def store_away(self) -> None:
        pass

    def assigned(self, partitions: frozenset[int]) -> None:
        pass


class _Sent:
    def __init__(self, confirmed: bool) -> None:
        self._confirmed = confirmed

    def done(self) -> bool:
        return True

    def confirmed(self) -> bool:
        return self._confirmed


class Topic:
    """The dead-letter topic; now and then it takes a letter and the confirmation is lost."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.letters: list[DeadLetter] = []

    def send(self, letter: DeadLetter) -> _Sent:
        self.letters.append(letter)
        return _Sent(self._world.rng.random() > self._world.break_rate)

    def close(self) -> None:
        pass


class Worker:
    """One worker process: nothing of it outlives a kill."""

    def __init__(self, world: World) -> None:
        self.source = MadeSource(world.log)
        rng = world.rng
        checkpoint = Checkpoint(
            FlakyStore(world.server, world),
            Model(rule_of(SETTINGS), SETTINGS.factors, history=SETTINGS.history, ranking=SETTINGS.ranking),
            SETTINGS.topic,
            feed_entries=10**6,
            new_id=lambda: rng.randbytes(16),
        )
        self.pipeline = Pipeline(
            self.source,
            checkpoint,
            Decoder(SETTINGS),
            Quiet(),
            BatchSize(0.005, SETTINGS.commit_events),
            reopen=lambda: None,
            outbox_limit=SETTINGS.dead_letter_outbox,
            clock=lambda: world.now,
            rng=rng,
        )
        self.forwarder = Forwarder(
            FlakyStore(world.server, world),
            world.dead_topic,
            counted=self.pipeline.outbox_changed,
            forwarded=lambda n: None,
            clock=lambda: world.now,
        )

    def step(self) -> None:
        self.pipeline.step()
        self.forwarder.step(self.pipeline.assigned)


class World:
    """The log, the store, and up to three workers, of whom some are zombies at times."""

    def __init__(self, seed: int, events: int = 150) -> None:
        self.rng = random.Random(seed)
        self.now = 0.0
        self.break_rate = self.rng.choice([0.0, 0.01, 0.05])
        self.log = MadeLog([[] for _ in range(PARTITIONS)])
        self.server = MemoryServer()
        self.replica = copy.deepcopy(self.server)
        self.dead_topic = Topic(self)
        self.trace: list[str] = []
        self.left = events
        self.workers = [Worker(self) for _ in range(self.rng.randint(1, 3))]
        self.rebalance()

    def run(self) -> None:
        """Until everything is learned."""
        while self.left > 0:
            self.happen()
        self.break_rate = 0.0
        self.note("calm")
        for _ in range(100_000):
            self.now += 0.5
            for worker in self.workers:
                worker.step()
            if self.settled():
                return
        raise AssertionError("the workers never came to rest")

    def settled(self) -> bool:
        """Everything is learned and every letter forwarded."""
        marks = self.server.watermarks
        learned = all(marks.get(f"{SETTINGS.topic}-{p}", 0) == self.log.end(p) for p in range(PARTITIONS))
        return learned and not any(self.server.dead.values())

    def note(self, what: str) -> None:
        """For the trace of a failing seed."""
        self.trace.append(f"{self.now:8.2f} {what}")

    def happen(self) -> None:
        """One random thing."""
        self.now += self.rng.random() * 0.2
        kind = self.rng.random()
        if kind < 0.35:
            self.produce()
        elif kind < 0.90:
            self.rng.choice(self.workers).step()
        elif kind < 0.92:
            self.replica = copy.deepcopy(self.server)
        elif kind < 0.935:
            self.fall_back()
        elif kind < 0.955:
            number = self.rng.randrange(len(self.workers))
            self.note(f"kill worker {number}")
            self.workers[number] = Worker(self)
            self.rebalance()
        else:
            self.rebalance()

    def fall_back(self) -> None:
        """The store fails over to a replica that lags."""
        self.note(f"store falls back from commit {self.server.head.sequence} to {self.replica.head.sequence}")
        vars(self.server).update(vars(copy.deepcopy(self.replica)))

    def rebalance(self) -> None:
        """New owners; at times a worker does not hear of it and goes on as a zombie."""
        owners: list[list[int]] = [[] for _ in self.workers]
        for partition in range(PARTITIONS):
            owners[self.rng.randrange(len(owners))].append(partition)
        deaf = self.rng.randrange(len(owners)) if self.rng.random() < 0.3 else None
        self.note(f"rebalance {owners}, deaf: {deaf}")
        for number, (worker, partitions) in enumerate(zip(self.workers, owners, strict=True)):
            if number != deaf:
                worker.source.assign(partitions)
        self.deaf = deaf
        covered = {p for n, ps in enumerate(owners) if n != deaf for p in ps}
        if covered != set(range(PARTITIONS)):  # somebody must own every partition in the end
            heard = next((w for n, w in enumerate(self.workers) if n != deaf), None)
            if heard is not None:
                heard.source.assign(range(PARTITIONS))
            else:
                self.workers[0].source.assign(range(PARTITIONS))

    def produce(self) -> None:
        """One record: mostly a rating, now and then something else, at times misrouted."""
        rng = self.rng
        user, item = f"u{rng.randrange(12)}", f"i{rng.randrange(8)}"
        partition = rng.randrange(PARTITIONS) if rng.random() < 0.05 else hash_of(user)
        value: bytes | None
        event: dict[str, object] = {
            "user_id": user,
            "item_id": item,
            "rating": rng.randint(1, 5),
            "timestamp": rng.randrange(10**6),
        }
        kind = rng.random()
        if kind < 0.04:
            value = None
        elif kind < 0.08:
            value = json.dumps({**event, "rating": None}).encode()
        elif kind < 0.14:
            value = rng.choice([b"", b"{", b"[]", json.dumps({**event, "rating": 9}).encode()])
        else:
            value = json.dumps(event).encode()
        hole = rng.choice([0] * 20 + [1, 7])
        self.log.append(partition, user.encode(), value, time_ms=10**6, hole=hole)
        self.left -= 1


def hash_of(user: str) -> int:
    """A user's own partition."""
    return sum(user.encode()) % PARTITIONS
