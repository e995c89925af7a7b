"""What the command line asks of every benchmark."""

from __future__ import annotations

from dataclasses import dataclass

from tests.servers.kafka import RealKafka
from tests.servers.redis import RealRedis
from worker.demo.embedded import EmbeddedBroker, EmbeddedStore
from worker.demo.run import Run


@dataclass(frozen=True)
class Bench:
    """Sizes, and the servers to measure on."""

    events: int
    real: bool
    rows: int = 10_000_000
    """Most rows of one kind, where a benchmark goes by their number."""

    def broker(self, run: Run) -> EmbeddedBroker | RealKafka:
        """A started broker."""
        return (RealKafka(run) if self.real else EmbeddedBroker(run)).start()

    def store(self, run: Run) -> EmbeddedStore:
        """A started store."""
        return (RealRedis(run) if self.real else EmbeddedStore(run)).start()
