"""A made world for the worker's loop: a log, a store that fails, processes that die, under one seed.

Everything that happens is drawn from `random.Random(seed)`, so a seed repeats itself. Each seed first
draws which kinds of trouble there are at all: a world with all of them at once seldom gets far enough
for any one (swarm testing; Groce et al. 2012, doi:10.1145/2338965.2336763).
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable

from lfm_online.store.protocol import Commit
from tests.simulation.made_store import MadeServer
from tests.simulation.members import Killed, Lookups, Worker
from tests.simulation.parts import shared_parts
from tests.simulation.topics import DeadTopic, SentLog
from worker.model_opening import NewModelError

EVENTS = 40
CALM_STEPS = 400
"""Of 150 seeds none needed more than 43."""
CALM_SECONDS = 0.4


class World:
    """The log, the store, up to three workers of whom some are zombies at times, and a lookup server."""

    def __init__(
        self, seed: int, events: int = EVENTS, server: Callable[..., MadeServer] = MadeServer
    ) -> None:
        """Drawn from the seed.

        Args:
            seed: Decides everything.
            events: How many records are produced.
            server: Makes the store's server.
        """
        self.rng = rng = random.Random(seed)
        self.now = 0.0
        self.trace: list[str] = []
        self.counts: Counter[str] = Counter(runs=1, events=events)
        self.parts = shared_parts(
            rng.choice(("adaptive", "adaptive", "sgd")),
            rng.choice((False, False, True)),
            rng.choice((0, 40)),
            rng.choice((1, 4, 12)),
            rng.choice((10**6, 10**6, 5)),
            rng.choice((None, 4)),
        )
        self.break_rate = rng.choice((0.0, 0.01, 0.05))
        self.overtake_rate = rng.choice((0.0, 0.1))
        self.lapse_rate = rng.choice((0.0, 0.2, 1.0))
        self.misrouted = rng.choice((0.0, 0.1))
        self.troubles = [kind for kind in TROUBLES if rng.random() < 0.6]
        self.server = server(clock=lambda: self.now)
        self.lagging = self.server.copy()
        self.on_the_wire: list[tuple[MadeServer, Commit]] = []
        self.old_primaries: list[MadeServer] = []  # that still answer whoever is connected to them
        self.left = events
        self.log = SentLog(rng.randint(1, 3))
        self.known_to_group = len(self.log.partitions)
        self.known_to_producers = [len(self.log.partitions)] * 2
        self.dead_topic = DeadTopic()
        self.deaf: Worker | None = None
        self.started = 0
        self.workers = [self.start() for _ in range(rng.randint(1, 3))]
        self.lookups = Lookups(self)
        self.note(
            f"{len(self.workers)} workers, {self.known_to_group} partitions, {', '.join(self.troubles)}"
        )
        self.rebalance()

    def run(self) -> None:
        """Until everything is learned."""
        while self.left > 0:
            self.happen()
        self.calm()
        for _ in range(CALM_STEPS):
            self.now += CALM_SECONDS
            for worker in list(self.workers):
                if worker in self.workers:  # and not replaced while another stepped
                    self.step(worker)
            if self.settled():
                break
        else:
            raise AssertionError("the workers never came to rest")
        for _ in range(4):  # what was read ahead of a fall-back is found out, then read anew
            self.lookups.step()

    # What the processes ask

    def chance(self, share: float) -> bool:
        """Draw one."""
        return self.rng.random() < share

    def point(self, owner: object) -> bool:
        """Between two effects of a process: it may die, others may act meanwhile, its connection break."""
        if isinstance(owner, Worker) and owner.doom is not None:
            owner.doom -= 1
            if owner.doom < 0:
                raise Killed
        if self.overtake_rate and self.chance(self.overtake_rate):
            self.meanwhile()
        return self.break_rate > 0 and self.chance(self.break_rate)

    def meanwhile(self) -> None:
        """Somebody else acts between two effects of a process that is in the midst of a step."""
        if self.on_the_wire and self.chance(0.5):
            self.deliver()
            return
        idle = [worker for worker in self.workers if not worker.busy]
        if idle:
            self.step(self.rng.choice(idle))

    def note(self, what: str) -> None:
        """For the trace of a failing seed."""
        self.trace.append(f"{self.now:7.2f} commit {self.server.head.sequence:3d}: {what}")

    # What happens

    def happen(self) -> None:
        """One random thing."""
        self.now += self.rng.random() * 0.3
        kind = self.rng.random()
        if kind < 0.3:
            known = self.rng.choice(self.known_to_producers)
            self.log.produce(self.rng, known, self.misrouted)
            self.left -= 1
        elif kind < 0.82:
            self.step(self.rng.choice(self.workers))
        elif kind < 0.90:
            self.lookups.step()
        elif kind < 0.93:
            self.rebalance()
        elif self.troubles:
            TROUBLES[self.rng.choice(self.troubles)](self)

    def step(self, worker: Worker) -> None:
        """One step of a worker, which it may not survive."""
        try:
            worker.step()
            if self.chance(0.2):
                worker.check(self.server)
        except Killed:
            self.note(f"{worker.name} is killed in the midst of a step")
            self.counts["kills within a step"] += 1
            self.replace(worker)
        except NewModelError:
            self.note(f"{worker.name} stops: the store lost the model; an operator starts it anew")
            self.counts["workers that stopped for an emptied store"] += 1
            self.replace(worker, new_model=True)

    def start(self, *, new_model: bool = False) -> Worker:
        """A new process."""
        self.started += 1
        return Worker(self, f"worker {self.started}", new_model=new_model)

    def replace(self, worker: Worker, *, new_model: bool = False) -> None:
        """Another process in its place; what it had sent may still arrive."""
        worker.checkpoint.store.close()
        self.workers[self.workers.index(worker)] = self.start(new_model=new_model)
        self.rebalance()

    def rebalance(self, *, known: int | None = None) -> None:
        """New owners; at times a worker does not hear of it and goes on as a zombie."""
        partitions = range(known or self.known_to_group)
        owners: dict[Worker, list[int]] = {worker: [] for worker in self.workers}
        self.deaf = self.rng.choice(self.workers) if len(self.workers) > 1 and self.chance(0.3) else None
        hearing = [worker for worker in self.workers if worker is not self.deaf]
        for partition in partitions:
            owners[self.rng.choice(hearing)].append(partition)
        told = {worker.name: owners[worker] for worker in hearing}
        self.note(f"rebalance {told}" + (f", {self.deaf.name} does not hear of it" if self.deaf else ""))
        self.counts["rebalances"] += 1
        self.counts["zombies"] += self.deaf is not None
        for worker in hearing:
            worker.source.assign(owners[worker])

    def deliver(self) -> None:
        """A commit arrives whose sender had given it up."""
        server, commit = self.on_the_wire.pop(self.rng.randrange(len(self.on_the_wire)))
        done = not server.gone and server.apply(commit)
        self.note(f"a commit on {commit.expected.sequence} arrives late: {'done' if done else 'refused'}")
        self.counts["late commits that were done" if done else "late commits that were refused"] += 1

    def replicate(self) -> None:
        """The store's replica comes up to where the store stands now."""
        self.lagging = self.server.copy()

    def fall_back(self) -> None:
        """The store fails over to a replica that lags; the old primary may answer a while longer."""
        self.note(f"the store falls back to commit {self.lagging.head.sequence}")
        self.counts["fall-backs"] += 1
        old, self.server = self.server, self.lagging.copy()
        if self.chance(0.5):
            old.gone = True
        else:
            self.counts["old primaries that went on"] += 1
            self.old_primaries.append(old)

    def end_old_primary(self) -> None:
        """An old primary ends at last."""
        if self.old_primaries:
            self.old_primaries.pop().gone = True

    def empty(self) -> None:
        """FLUSHALL under the live workers."""
        if self.chance(0.3):
            self.note("the store is emptied")
            self.counts["emptied stores"] += 1
            self.server.flush()

    def kill(self) -> None:
        """A worker is to die some effects from now."""
        self.rng.choice(self.workers).doom = self.rng.randrange(14)

    def kill_at_rest(self) -> None:
        """A worker dies between two steps."""
        worker = self.rng.choice(self.workers)
        if not worker.busy:
            self.note(f"{worker.name} is killed between two steps")
            self.counts["kills between steps"] += 1
            self.replace(worker)

    def scale(self) -> None:
        """A worker comes, or one goes."""
        if len(self.workers) > 1 and self.chance(0.5):
            idle = [worker for worker in self.workers if not worker.busy]
            gone = self.rng.choice(idle)
            self.note(f"{gone.name} leaves")
            gone.checkpoint.store.close()
            self.workers.remove(gone)
        elif len(self.workers) < 4:
            self.workers.append(self.start())
        self.rebalance()

    def add_partition(self) -> None:
        """The topic grows; producers and the group hear of it later."""
        if len(self.log.partitions) < 5:
            self.log.partitions.append([])
            self.note("a partition is added")
            self.counts["added partitions"] += 1

    def refresh(self) -> None:
        """One of those who know the topic's partitions asks again."""
        who = self.rng.randrange(3)
        if who < 2:
            self.known_to_producers[who] = len(self.log.partitions)
        else:
            self.known_to_group = len(self.log.partitions)
            self.rebalance()

    def arrive(self) -> None:
        """Something that was on the wire arrives."""
        if self.on_the_wire:
            self.deliver()

    def toggle_dead_topic(self) -> None:
        """The dead-letter topic's broker goes, or comes back."""
        self.dead_topic.away = not self.dead_topic.away
        self.counts["outages of the dead-letter topic"] += self.dead_topic.away

    # The end

    def calm(self) -> None:
        """Nothing breaks any more; zombies stay what they are."""
        self.note("calm")
        self.break_rate = 0.0
        self.dead_topic.away = False
        for old in self.old_primaries:
            old.gone = True
        for worker in self.workers:
            worker.doom = None
        self.known_to_group = len(self.log.partitions)
        self.rebalance()

    def settled(self) -> bool:
        """Everything is learned and every letter forwarded."""
        marks, topic = self.server.watermarks, self.parts.settings.topic
        ends = {f"{topic}-{p}": self.log.end(p) for p in range(len(self.log.partitions))}
        return all(marks.get(name, 0) == end for name, end in ends.items()) and not any(
            self.server.dead.values()
        )


TROUBLES: dict[str, Callable[[World], None]] = {
    "fall-backs": World.fall_back,
    "a replica of the store": World.replicate,
    "old primaries end": World.end_old_primary,
    "emptied stores": World.empty,
    "kills within a step": World.kill,
    "kills": World.kill_at_rest,
    "workers come and go": World.scale,
    "added partitions": World.add_partition,
    "refreshed metadata": World.refresh,
    "late commits": World.arrive,
    "outages of the dead-letter topic": World.toggle_dead_topic,
}
