"""Workers as processes, over one topic and one model: what the acceptance tests play with."""

from __future__ import annotations

import json
import re
import time
import uuid
from collections.abc import Callable, Sequence
from typing import Any

import httpx
import numpy as np
import redis
from kafka import KafkaProducer

from tests.commands import Command, StartCommand
from tests.terminal import terminal

# What ends a wait that would never end; nothing is measured against it.
PATIENCE_SECONDS = 90.0
# Between looks at what is waited for: a look may be an HTTP request, and takes time from what it waits for.
EVERY_SECONDS = 0.05
# The same where the moment counts, and a look is cheap.
FINE_SECONDS = 0.002
# A group waits as long for the members of workers that were killed.
SESSION_SECONDS = "1"


def until(true: Callable[[], object], *commands: Command, every_seconds: float = EVERY_SECONDS) -> None:
    """Wait until it is true, while these commands run."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not true():
        for command in commands:
            assert command.poll() is None, f"{command.name} ended:\n{command.log}"
        assert time.monotonic() < deadline, "it never came to be"
        time.sleep(every_seconds)


def ratings(n: int, *, seed: int = 1, users: int = 60, items: int = 40) -> list[tuple[bytes, bytes]]:
    """Keys and values of ratings, a minute apart, of few users and items, so that each comes again."""
    rng = np.random.default_rng(seed)
    picks = zip(
        rng.integers(users, size=n), rng.integers(items, size=n), rng.integers(1, 11, size=n), strict=True
    )
    return [
        (
            f"u{user}".encode(),
            rating_bytes(f"u{user}", f"i{item}", float(rating) / 2, 1_000_000_000_000 + place * 60_000),
        )
        for place, (user, item, rating) in enumerate(picks)
    ]


def rating_bytes(user: object, item: object, rating: object, time_ms: int = 1_000_000_000_000) -> bytes:
    """An event's value."""
    return json.dumps({"user_id": user, "item_id": item, "rating": rating, "timestamp": time_ms}).encode()


class Play:
    """A topic, a model that no other test has, and workers of one group, which read by ``source``."""

    source = "kafka-python"

    def __init__(self, broker: str, store: str, topic: str, process: StartCommand) -> None:
        self.broker = broker
        self.store = store
        self.topic = topic
        self.model = f"m-{uuid.uuid4().hex}"
        self.client: Any = redis.Redis.from_url(store)
        self._process = process
        self._producer: Any = KafkaProducer(bootstrap_servers=broker, acks="all", linger_ms=5)

    def key(self, name: str) -> str:
        return f"lfm:{{{self.model}}}:{name}"

    def worker(self, *arguments: str) -> Command:
        """Start a worker of the model's group."""
        return self._process(
            *("worker", "--kafka", self.broker, "--topic", self.topic, "--group", self.model),
            *("--store", self.store, "--model", self.model, "--worker-port", "0"),
            *("--session-timeout-seconds", SESSION_SECONDS, "--factors", "8", "--source", self.source),
            *arguments,
        )

    def produce(
        self, records: Sequence[tuple[bytes | None, bytes | None]], partition: int | None = None
    ) -> None:
        """Append records, each in the partition of its key unless one is given."""
        sent = [
            self._producer.send(self.topic, key=key, value=value, partition=partition)
            for key, value in records
        ]
        self._producer.flush()
        for future in sent:
            future.get()

    def watermarks(self) -> dict[int, int]:
        """What the model has learned, per partition."""
        marks = self.client.hgetall(self.key("watermarks"))
        return {int(name.rsplit(b"-", 1)[1]): int(offset) for name, offset in marks.items()}

    def learned(self) -> int:
        """How many offsets the model has learned."""
        return sum(self.watermarks().values())

    def wait_learned(self, count: int, *workers: Command) -> None:
        """Wait until the model has learned so many offsets, while these workers run."""
        until(lambda: self.learned() >= count, *workers)
        assert self.learned() == count

    def wait_drained(self, worker: Command) -> None:
        """SIGTERM; the worker ends well."""
        worker.terminate()
        assert worker.wait(PATIENCE_SECONDS) == 0, worker.log
        assert "drained" in worker.log

    def verify(self, *arguments: str) -> tuple[int, dict[str, Any]]:
        """Exit code and report of `verify` with these arguments."""
        found = terminal(*self._verify, *arguments)
        assert found.output, found.log
        return found.code, json.loads(found.output)

    def verified(self, events: int) -> None:
        """Each of so many events was learned exactly once."""
        code, report = self.verify()
        assert (code, report["passed"], report["events"]) == (0, True, events), report

    def verified_by_process(self, events: int) -> Command:
        """The same by a process, with the environment that processes of this play are given."""
        command = self._process(*self._verify)
        code = command.wait(PATIENCE_SECONDS)
        assert command.output, command.log
        report = json.loads(command.output)
        assert (code, report["passed"], report["events"]) == (0, True, events), report
        return command

    @property
    def _verify(self) -> tuple[str, ...]:
        where = ("--kafka", self.broker, "--store", self.store, "--model", self.model)
        return ("verify", *where, "--json")


def partitions_of(worker: Command) -> str:
    """What it was assigned last, as its log says."""
    lines = [line for line in worker.log.splitlines() if "assigned partitions:" in line]
    return lines[-1].split("assigned partitions: ")[1] if lines else "none"


def wait_shared(*workers: Command) -> None:
    """Wait until two workers have two of the topic's four partitions each."""
    until(lambda: sorted(len(partitions_of(w)) for w in workers) == [len("[0, 1]")] * 2, *workers)


def address_of(worker: Command) -> str:
    """Where a worker's health and metrics are, once it says so."""
    pattern = re.compile(r"metrics and health at (http://\S+)")
    until(lambda: pattern.search(worker.log), worker)
    found = pattern.search(worker.log)
    assert found
    return found[1]


def metric(worker: Command, name: str) -> float:
    """The sum of a metric's samples."""
    text = httpx.get(f"{address_of(worker)}/metrics", timeout=30).text
    return sum(
        float(line.rsplit(" ", 1)[1])
        for line in text.splitlines()
        if re.match(rf"{re.escape(name)}[ {{]", line)
    )
