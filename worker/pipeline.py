"""The worker's loop, a plain object that its caller steps.

One step:

1. Fetch and decode up to a commit's worth of events, while the commit before is in flight.
2. A changed assignment is a barrier: settle, then start every partition from its watermark.
3. Learn what was fetched on top of the commit in flight, if that takes nothing from the store but what
   was asked for ahead.
4. Settle the commit in flight; one that was refused counts as fetched once more, as does what was
   learned on top of it.
5. Send what was learned ahead; else, in our turn (``worker/turns.py``), learn what was fetched, and send
   its commit.

Under load a batch that is learned is followed, before it is sent, by fetching the next and asking the store
for what that one will want: the store answers before it has the commit to work on.

Architecture invariants: at most one commit is in flight, and one batch learned on top of it; nothing
fetched is learned but through ``Checkpoint``, which asks the watermarks; trouble with the store never
loses an event, since every recovery starts from the watermarks.
"""

from __future__ import annotations

import logging
import random
from collections.abc import Callable
from typing import Final

from lfm_online.meta import Meta
from lfm_online.store.protocol import NO_HEAD, StoreAwayError
from worker.backoff import Backoff
from worker.batch_size import BatchSize
from worker.checkpoint import Checkpoint
from worker.dead_letters.room import OutboxRoom
from worker.decode import Decoder
from worker.events import Events
from worker.fetched import POLL_RECORDS, Fetched
from worker.group_offsets import GroupOffsets
from worker.in_flight import Settled
from worker.observer import Observer
from worker.source.protocol import PositionLostError, Source, SourceAwayError
from worker.topic_guard import TopicGuard
from worker.turns import Turns

log = logging.getLogger(__name__)

IDLE_SECONDS: Final = 0.2
"""How long a poll waits when nothing is in flight; bounds how long a stop takes."""
IDLE_CHECK_SECONDS: Final = 1.0
"""Between two looks at the head without events: a store that fell back must not wait for the next one."""


class Pipeline:
    """Learns what the source yields, through one checkpoint."""

    def __init__(
        self,
        source: Source,
        checkpoint: Checkpoint,
        decoder: Decoder,
        observer: Observer,
        batch_size: BatchSize,
        guard: TopicGuard,
        *,
        reopen: Callable[[], Meta],
        outbox_limit: int,
        clock: Callable[[], float],
        rng: random.Random,
    ) -> None:
        """Nothing is asked of source or store before the first step.

        Args:
            source: Where events come from.
            checkpoint: Learns and commits them.
            decoder: Bytes to events.
            observer: Told of everything that happens; its own errors are not caught.
            batch_size: How many events a commit takes.
            guard: Sees that the topic is still the one that the watermarks are of.
            reopen: Sees that a model without a commit may be started here: a store that lost
                everything must not look like a fresh start. Gives the model's meta.
            outbox_limit: Most dead letters held for a partition.
            clock: Monotonic seconds.
            rng: Spreads the retries, and names this worker among those of the model.
        """
        self.source = source
        self.checkpoint = checkpoint
        self.assigned: frozenset[int] = frozenset()
        self.joined = False  # whether there was an assignment, if an empty one
        self.store_trouble = self.source_trouble = ""
        self._observer = observer
        self._batch_size = batch_size
        self._guard = guard
        self._reopen = reopen
        self._outbox_room = OutboxRoom(source, outbox_limit, clock)
        self._clock = clock
        self._fetched = Fetched(source, decoder, observer, batch_size)
        self._turns = Turns(checkpoint, rng.randbytes(16), clock)
        self._restart = True  # positions must be taken from the watermarks before anything is learned
        self._rewinds = checkpoint.rewinds
        self._backoff = Backoff(clock, rng)
        self._checked_at = clock()
        self._group_offsets = GroupOffsets(source, clock)

    @property
    def idle(self) -> bool:
        """Nothing fetched is unlearned, nothing in flight."""
        return self._fetched.first is None and self.checkpoint.in_flight is None

    @property
    def held_by(self) -> str:
        """Why nothing is learned though there may be something, as far as it is known."""
        return (
            self.store_trouble or self.source_trouble or ("a full outbox" if self._outbox_room.waits else "")
        )

    def step(self) -> None:
        """Do one step of the loop; returns after at most about ``IDLE_SECONDS`` without work.

        Raises:
            SourceBrokenError: the topic can't be read, or is no longer the one that was learned.
            StoreBrokenError: what lies in the store is not this model's.
            FormatError: a row in the store is not of this model's layout.
        """
        try:
            self._step()
        except StoreAwayError as error:
            self._store_away(error)
        except SourceAwayError as error:
            self._source_away(error)

    def drain(self) -> None:
        """Settle the commit in flight, learning again what was refused; drop what was only fetched."""
        self._fetched.clear()
        while self.checkpoint.in_flight is not None:
            self._settle()
            if (refused := self._fetched.first) is not None:
                self._fetched.clear()
                self._begin(refused)
        self._turns.leave()
        self._group_offsets.tell(self.assigned, at_once=True)

    def outbox_changed(self, partition: int, letters: int) -> None:
        """The forwarder counted a partition's outbox."""
        self._outbox_room.changed(partition, letters)

    def _step(self) -> None:
        waiting = self._backoff.waiting
        # 1. Fetch and decode.
        if self._restart:  # polling keeps the member in its group; what it gives is read again
            self.source.poll(IDLE_SECONDS, POLL_RECORDS)
        else:
            wait = IDLE_SECONDS if self.checkpoint.in_flight is None else 0.0
            self._fetched.fetch(wait, ahead=self._turns.waiting)
        self.source_trouble = ""
        # 2. A changed assignment is a barrier.
        assigned = self.source.take_assignment()
        if assigned is not None:
            log.info("assigned partitions: %s", sorted(assigned) or "none")
            self.assigned, self.joined = assigned, True
            self._restart = True
            self._observer.assigned(assigned)
            self._turns.assigned(everything=assigned == self.source.view().partitions)
        if self._guard.is_replaced():
            self._restart = True
        if waiting:
            return
        if self._restart:
            self._start_from_watermarks()
            return
        # 3. Learn ahead. Even if it must wait, its items get their numbers: none may come before them.
        if self._turns.may_learn_ahead and (events := self._fetched.close_first()) is not None:
            with self._observer.step("learn"):
                ends_turn = self._turns.ends_with(full=self._fetched.is_full(events))
                if self.checkpoint.learn_ahead(events, ends_turn=ends_turn):
                    self._fetched.drop_first()
            self._look_ahead()
        # 4. Settle.
        with self._observer.step("settle"):
            self._settle()
        # 5. Learn and send.
        events = self._fetched.first
        if events is not None and self.checkpoint.in_flight is None:
            self._learn_fetched(events)
            self._checked_at = self._clock()
        elif self.idle:
            self._turns.leave()
            if self.assigned != self.source.view().partitions:
                self._turns.meet()
            if self._clock() - self._checked_at >= IDLE_CHECK_SECONDS:
                self._checked_at = self._clock()
                self.checkpoint.resync()
                self._restart = self.checkpoint.rewinds != self._rewinds
        self._group_offsets.tell(self.assigned)

    def _learn_fetched(self, events: Events) -> None:
        if self._outbox_room.wait_for(events):
            self._turns.leave()
            self.source.poll(IDLE_SECONDS, 1)  # stays in the group
            return
        with self._observer.step("turn"):
            if not self._turns.take():
                return
        self._fetched.drop_first()
        with self._observer.step("learn"):
            self._begin(events)

    def _begin(self, events: Events) -> None:
        ends_turn = self._turns.ends_with(full=self._fetched.is_full(events))
        begun = self.checkpoint.learn(events, ends_turn=ends_turn)
        self._look_ahead()
        self.checkpoint.send()
        if begun.gaps or self.checkpoint.rewinds != self._rewinds:
            # The store fell back behind what was fetched.
            self._restart = True

    def _look_ahead(self) -> None:
        """Under load, fetch the batch behind the one that was learned, and ask for what it will want."""
        learned = self.checkpoint.learned
        if learned is None or len(learned.events) < self._batch_size.smallest or learned.commit.ends_turn:
            return
        self._fetched.fetch(0.0, ahead=False)
        events = self._fetched.close_first()
        if events is not None:
            self.checkpoint.ask_ahead(events)

    def _settle(self) -> None:
        settled = self.checkpoint.settle()
        if settled is None:
            return
        if settled.receipt.committed:
            try:
                self.checkpoint.send()  # first: the store has nothing to do meanwhile
            finally:
                self._committed(settled)
            return
        self._observer.refused()
        learned = self.checkpoint.learned
        self._fetched.put_back(settled.done.events, *([learned.events] if learned is not None else []))
        self.checkpoint.resync()

    def _committed(self, settled: Settled) -> None:
        done = settled.done
        self._turns.committed(settled)
        self._backoff.succeeded()
        self._batch_size.observe(len(done.events), settled.receipt.seconds)
        self._group_offsets.learned(done.events.ranges)
        self._outbox_room.committed(done.events)
        self._observer.committed(settled)

    def _start_from_watermarks(self) -> None:
        """Drop what was fetched, and read every partition from its watermark on."""
        if self.checkpoint.in_flight is not None and self.store_trouble == "":
            settled = self.checkpoint.settle()
            if settled is not None and settled.receipt.committed:
                self._committed(settled)
        self._fetched.clear()
        self.checkpoint.resync()
        self._turns.leave()
        self._rewinds = self.checkpoint.rewinds
        if self.checkpoint.head == NO_HEAD:
            self.checkpoint.meta = self._reopen().to_bytes()
        first = self.source.first_offsets(sorted(self.assigned))
        if not self._guard.settle(first):
            return
        marks = self.checkpoint.watermarks
        self.checkpoint.beginnings = {p: offset for p, offset in first.items() if p not in marks}
        for partition in sorted(self.assigned):
            self.source.seek(partition, (first | marks)[partition])
        self._group_offsets.start({p: marks[p] for p in self.assigned if p in marks})
        self._restart = False
        if self.store_trouble:
            log.info("the store answers again")
        self.store_trouble = ""
        self._outbox_room.waits = False  # what is fetched now finds out
        self.source.release()
        self._backoff.succeeded()

    def _store_away(self, error: StoreAwayError) -> None:
        """Hold the stream, and start from the watermarks once the store answers."""
        if not self.store_trouble:
            log.warning("%s; the stream is held, nothing is lost", error)
        self.store_trouble = str(error)
        self._observer.store_away()
        self._restart = True
        self._fetched.clear()
        self.source.hold()
        self._backoff.failed()

    def _source_away(self, error: SourceAwayError) -> None:
        if isinstance(error, PositionLostError):
            self._guard.lost(error.offsets)
            self.source.hold()  # else the next poll fails as well, before positions are taken anew
        if not self.source_trouble:
            log.warning("%s", error)
        self.source_trouble = str(error)
        self._restart = True
        self._fetched.clear()
        self._backoff.failed()
