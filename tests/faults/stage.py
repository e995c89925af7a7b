"""The real processes that faults happen to: workers, a store behind a proxy, its replica, a broker."""

from __future__ import annotations

import contextlib
import itertools
import json
import signal
import time
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import redis

from tests.acceptance.workers import PATIENCE_SECONDS, SESSION_SECONDS, until
from tests.commands import Command
from tests.faults.scenario import LONGEST_LAG_SECONDS, Action
from tests.servers.kafka import RealKafka
from tests.servers.proxy import Proxy
from tests.servers.redis import RealRedis
from tests.topics import create_topic
from worker.demo.embedded import EmbeddedBroker, EmbeddedStore
from worker.demo.run import Run

PARTITIONS = 4
MOST_WORKERS = 3
BURST = 150
OUTBOX = 100
"""Less than a burst of bad events: outboxes fill up, and the stream waits for them."""
STOP_SECONDS = (float(SESSION_SECONDS) + 0.5, float(SESSION_SECONDS) + 2.5)
"""Of a worker: past its session's time-out, so that it comes back a zombie."""


class FaultError(AssertionError):
    """Something was lost, doubled, or never came."""


class Stage:
    """What one series of rounds plays on. Use :func:`staged`."""

    def __init__(self, run: Run, proxy: Proxy, broker: RealKafka | EmbeddedBroker, *, real: bool) -> None:
        self.broker = broker
        self.topic = create_topic(broker.bootstrap, PARTITIONS)
        self.dead_topic = create_topic(broker.bootstrap, PARTITIONS)
        self.model = f"m-{uuid.uuid4().hex}"
        self.workers: list[Command] = []
        self.burst: Callable[[int], None] = lambda count: None
        self._run = run
        self._real = real
        self._proxy = proxy
        self._names = itertools.count(1)
        self.store = self._new_store().start()
        proxy.switch(self.store.port)
        self._do: dict[str, Callable[[float], None]] = {
            "kill worker": lambda share: self._end_worker(share, signal.SIGKILL),
            "terminate worker": lambda share: self._end_worker(share, signal.SIGTERM),
            "stop worker": lambda share: self._stop(self._joined(share), share),
            "add worker": lambda share: self.add_worker() if len(self.workers) < MOST_WORKERS else None,
            "remove worker": self._remove_worker,
            "kill store": lambda share: self._restart(self.store, share, kill=True),
            "terminate store": lambda share: self._restart(self.store, share, kill=False),
            "stop store": lambda share: self._stop(self.store.process, share),
            "fail over": self._fail_over,
            "cut network": lambda share: proxy.cut(),
            "delay network": self._delay,
            "close network": self._close,
            "bad events": lambda share: self.burst(int(BURST * (0.5 + share))),
            "kill broker": lambda share: self._restart(broker, share, kill=True),
            "terminate broker": lambda share: self._restart(broker, share, kill=False),
            "stop broker": lambda share: self._stop(broker.process, share),
        }

    def do(self, action: Action) -> None:
        """Let it break."""
        self._do[action.kind](action.share)

    # Workers

    def add_worker(self) -> None:
        """Start one more."""
        self.workers.append(
            self._command(
                *("worker", "--kafka", self.broker.bootstrap, "--topic", self.topic, "--group", self.model),
                *("--store", f"redis://127.0.0.1:{self._proxy.port}/0", "--model", self.model),
                *("--session-timeout-seconds", SESSION_SECONDS, "--factors", "8", "--worker-port", "0"),
                *("--dead-letter-topic", self.dead_topic, "--dead-letter-outbox", str(OUTBOX)),
                *("--commit-events", "20"),
            )
        )

    def _command(self, *arguments: str) -> Command:
        return Command(self._run, f"{arguments[0]}-{next(self._names)}", arguments, None)

    def _joined(self, share: float) -> Command:
        """One of the workers.

        The embedded broker waits for a member that is gone in the midst of joining, for longer than tests do,
        and nobody is assigned anything meanwhile: there the worker has joined before. Kafka's workers break
        at any time.
        """
        worker = self.workers[int(share * len(self.workers))]
        if not self._real:
            until(lambda: "assigned partitions" in worker.log or worker.poll() is not None)
        return worker

    def _end_worker(self, share: float, number: int) -> None:
        worker = self._joined(share)
        worker.send_signal(number)
        self._ended(worker, number)
        self.workers.remove(worker)
        self.add_worker()

    def _remove_worker(self, share: float) -> None:
        if len(self.workers) > 1:
            worker = self._joined(share)
            worker.terminate()
            self._ended(worker, signal.SIGTERM)
            self.workers.remove(worker)

    def _ended(self, worker: Command, number: int) -> None:
        code = worker.wait(PATIENCE_SECONDS)
        if code not in {0, -number}:  # a signal may come before the worker listens for it
            raise FaultError(f"{worker.name} ended with code {code}:\n{worker.log}")

    def _stop(self, process: Any, share: float) -> None:
        process.send_signal(signal.SIGSTOP)
        low, high = STOP_SECONDS
        time.sleep(low + share * (high - low))
        process.send_signal(signal.SIGCONT)

    # The store and the way to it

    def _new_store(self) -> EmbeddedStore:
        name = f"store-{next(self._names)}"
        return RealRedis(self._run, name) if self._real else EmbeddedStore(self._run, name)

    def _restart(self, server: Any, share: float, *, kill: bool) -> None:
        (server.kill if kill else server.stop)()
        time.sleep(share)
        server.start()

    def _fail_over(self, share: float) -> None:
        """To a replica that has missed the commits of up to `LONGEST_LAG_SECONDS`."""
        replica = self._new_store().start()
        with self.client() as primary, self._client_of(replica) as client:
            client.replicaof("127.0.0.1", self.store.port)
            until(lambda: client.info("replication").get("master_link_status") == "up")
            primary.wait(1, 5000)
            client.replicaof("NO", "ONE")
        time.sleep(1.0 + share * (LONGEST_LAG_SECONDS - 1.0))
        self._proxy.switch(replica.port)
        self.store.kill()
        self.store = replica

    def _delay(self, share: float) -> None:
        self._proxy.delay_seconds = 0.02 + 0.1 * share
        time.sleep(1.0)
        self._proxy.delay_seconds = 0.0

    def _close(self, share: float) -> None:
        self._proxy.closed = True
        self._proxy.cut()
        time.sleep(0.2 + 2 * share)
        self._proxy.closed = False

    # What became of it

    def client(self) -> Any:
        """A client of the primary, past the proxy."""
        return self._client_of(self.store)

    def _client_of(self, store: EmbeddedStore) -> Any:
        return redis.Redis.from_url(store.url)

    def check_workers(self) -> None:
        """No worker ended by itself."""
        for worker in self.workers:
            if worker.poll() is not None:
                raise FaultError(f"{worker.name} ended with code {worker.poll()}:\n{worker.log}")

    def wait_learned(self, offsets: int) -> None:
        """Wait until so many offsets are learned and no dead letter waits."""
        with self.client() as client:
            prefix = f"lfm:{{{self.model}}}:"

            def learned() -> bool:
                self.check_workers()
                marks = sum(int(offset) for offset in client.hvals(prefix + "watermarks"))
                if marks > offsets:
                    raise FaultError(f"{marks} offsets were learned of {offsets}")
                return marks == offsets and not any(
                    client.hlen(f"{prefix}dead:{partition}") for partition in range(PARTITIONS)
                )

            try:
                until(learned)
            except FaultError:
                raise
            except AssertionError as error:
                marks = client.hgetall(prefix + "watermarks")
                logs = "".join(f"\n{worker.name}:\n{worker.log}" for worker in self.workers)
                raise FaultError(f"{error}: of {offsets} offsets are learned {marks}{logs}") from error

    def verify(self) -> dict[str, Any]:
        """What `lfm-online verify` reports."""
        command = self._command(
            *("verify", "--kafka", self.broker.bootstrap, "--store", self.store.url),
            *("--model", self.model, "--json"),
        )
        code = command.wait(PATIENCE_SECONDS)
        if code != 0:
            raise FaultError(f"verify ended with code {code}:\n{command.output}{command.log}")
        found: dict[str, Any] = json.loads(command.output)
        return found


@contextlib.contextmanager
def staged(*, real: bool) -> Iterator[Stage]:
    """A stage with a broker, a store behind a proxy, and two workers; nothing of it outlives the block."""
    with Run() as run, Proxy(0) as proxy:
        broker: RealKafka | EmbeddedBroker = RealKafka(run) if real else EmbeddedBroker(run)
        stage = Stage(run, proxy, broker.start(), real=real)
        for _ in range(2):
            stage.add_worker()
        yield stage
