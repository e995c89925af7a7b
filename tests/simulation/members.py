"""The processes of a made world: workers and lookup servers, of which nothing outlives a kill."""

from __future__ import annotations

import random
from collections import Counter
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from typing import NamedTuple, Protocol

import numpy as np

from lfm_online.model import Model
from lfm_online.replica import Replica
from lfm_online.replica_reads import ModelMissingError, NotReadyError
from lfm_online.store.protocol import StoreAwayError, block_rows
from tests.simulation.made_store import MadeServer, ShakyStore, Surroundings
from tests.simulation.topics import USERS, Around, DeadTopic, SentLog, ShakyPublisher, ShakySource
from worker.batch_size import BatchSize
from worker.checkpoint import Checkpoint
from worker.dead_letters.forwarder import Forwarder
from worker.decode import Decoder
from worker.events import Events
from worker.in_flight import Settled
from worker.model_opening import open_model
from worker.observer import Step
from worker.pipeline import Pipeline
from worker.rule_options import rule_of
from worker.settings import Settings
from worker.source.protocol import SourceAwayError
from worker.topic_guard import TopicGuard

CAPACITY = 16


class Parts(NamedTuple):
    """What the processes share, being of one version and one configuration."""

    settings: Settings
    decoder: Decoder
    feed_entries: int
    user_rows: int | None


class Home(Surroundings, Around, Protocol):
    """The world, as its processes see it."""

    now: float
    rng: random.Random
    log: SentLog
    dead_topic: DeadTopic
    counts: Counter[str]
    parts: Parts

    def note(self, what: str) -> None:
        """For the trace."""


class Killed(BaseException):
    """The process ends here, in the midst of whatever it does: nothing may catch it."""


class Told:
    """An observer that counts."""

    def __init__(self, home: Home, name: str) -> None:
        self._home = home
        self._name = name

    def step(self, name: Step) -> AbstractContextManager[object]:
        return nullcontext()

    def committed(self, settled: Settled) -> None:
        ranges = ", ".join(f"{r.partition}: {r.first} to {r.end}" for r in settled.done.events.ranges)
        self._home.note(f"{self._name} has committed {ranges}")
        self._home.counts["commits"] += 1

    def refused(self) -> None:
        self._home.note(f"{self._name} is refused")
        self._home.counts["refusals"] += 1

    def store_away(self) -> None:
        self._home.counts["store away"] += 1

    def assigned(self, partitions: frozenset[int]) -> None:
        pass


class CountedCheckpoint(Checkpoint):
    """Tells how often a batch was learned on top of a commit in flight."""

    counts: Counter[str]

    def learn_ahead(self, events: Events, *, ends_turn: bool = False) -> bool:
        learned = super().learn_ahead(events, ends_turn=ends_turn)
        self.counts["batches learned ahead"] += learned
        return learned

    def ask_ahead(self, events: Events) -> None:
        super().ask_ahead(events)
        self.counts["batches asked for ahead"] += self._rows._asked is not None


class Worker:
    """One worker process."""

    def __init__(self, home: Home, name: str, *, new_model: bool = False) -> None:
        """Started; `new_model` is what an operator says who knows that the store lost everything."""
        self.name = name
        self.doom: int | None = None  # dies so many points from now
        self.busy = False
        self.source = ShakySource(home.log, home, self)
        settings = home.parts.settings
        self._settings = settings.model_copy(update={"new_model": new_model})
        self._store = ShakyStore(home, self)
        self._home = home
        self._opened = False
        rng = home.rng
        self.checkpoint = CountedCheckpoint(
            self._store,
            Model(
                rule_of(settings),
                settings.factors,
                history=settings.history,
                ranking=settings.ranking,
                capacity=CAPACITY,
            ),
            settings.topic,
            feed_entries=home.parts.feed_entries,
            new_id=lambda: rng.randbytes(16),
            user_rows=home.parts.user_rows,
        )
        self.checkpoint.counts = home.counts
        self.pipeline = Pipeline(
            self.source,
            self.checkpoint,
            home.parts.decoder,
            Told(home, name),
            BatchSize(0.005, settings.commit_events),
            TopicGuard(
                self.source, self.checkpoint, "m", "", replaced="stop", gone="stop", told=lambda *_: None
            ),
            reopen=partial(open_model, self._store, self.source, self._settings),
            outbox_limit=settings.dead_letter_outbox,
            clock=lambda: home.now,
            rng=rng,
        )
        self.forwarder = Forwarder(
            ShakyStore(home, self),
            ShakyPublisher(home.dead_topic, home, self),
            counted=self.pipeline.outbox_changed,
            forwarded=lambda n: None,
            clock=lambda: home.now,
        )

    def step(self) -> None:
        """As the service does.

        Raises:
            NewModelError: the worker stops, and wants a person.
            Killed: it died.
        """
        self.busy = True
        try:
            if not self._opened:
                open_model(self._store, self.source, self._settings)
                self._opened = True
            self.pipeline.step()
            self.forwarder.step(self.pipeline.assigned)
        except (StoreAwayError, SourceAwayError):
            pass  # at the opening, which is tried again
        finally:
            self.busy = False

    def check(self, server: MadeServer) -> None:
        """Rows in memory are as of the head, unless what is under way touched them."""
        checkpoint = self.checkpoint
        under_way = checkpoint.in_flight is not None or checkpoint.learned is not None
        if under_way or checkpoint.head != server.head:
            return
        for table in (checkpoint.model.users, checkpoint.model.items):
            numbers = np.flatnonzero(table.loaded[: len(table)]).astype(np.int32)
            stored = server.rows[table.kind]
            for row_id, row in block_rows(table.stored(numbers)):
                found = stored.get(row_id)
                assert found is None or found == row, f"{self.name} holds an old row of {table.kind} {row_id}"


class Lookups:
    """One lookup server, stepped: it follows and answers in one thread."""

    doom: int | None = None

    def __init__(self, home: Home) -> None:
        self.busy = False
        self._home = home
        self._loads = 0
        self._replica = Replica(
            lambda: ShakyStore(home, self), home.parts.settings.model, users=4, clock=lambda: home.now
        )

    def step(self) -> None:
        """Follow the feed, then look users up.

        What a replica waits for passes in a store that is cut off or emptied; a damaged row would not.
        """
        self.busy = True
        try:
            self._replica.follow(0.0)
            self.check()
            for _ in range(self._home.rng.randrange(3)):
                self._look_up()
        except (StoreAwayError, ModelMissingError):
            self._home.counts["lookups that waited"] += 1
        finally:
            self.busy = False

    def _look_up(self) -> None:
        rng = self._home.rng
        users = [f"u{rng.randrange(USERS)}" for _ in range(rng.randint(1, 3))]
        try:
            self._replica.check()
        except NotReadyError:
            return
        self._replica.read_users(users)
        self._home.counts["lookups"] += 1

    def check(self, *, whole: bool = False) -> None:
        """A replica at the store's head holds the store's rows.

        One that has read ahead may hold newer ones: of a commit to come, or of one on an old primary
        that will never be, which the feed tells it once it hears from the new one.

        Args:
            whole: It must be at the head, and answer.
        """
        replica, server = self._replica, self._home.server
        if whole:
            replica.check()
            assert replica._head == server.head, "the replica is not at the store's head"
            assert not replica._ahead, "the replica has read what is not in the store"
        if replica.problem() is not None or replica._head != server.head or replica._ahead:
            return
        model = replica.loaded.model
        assert list(model.items.ids) == server.items, "the replica's items are not the store's"
        held = dict(block_rows(model.items.stored(np.arange(len(model.items), dtype=np.int32))))
        assert held == server.rows["item"], "the replica holds an old item"
        assert server.globals is None or model.globals_bytes() == server.globals
        for user, row in replica._users._rows.values():
            assert server.rows["user"].get(user) == row, f"the replica holds an old row of user {user}"
