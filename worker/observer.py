"""Who is told of what the pipeline does; the metrics, or a test."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Literal, Protocol

from worker.in_flight import Settled

Step = Literal["fetch", "decode", "settle", "turn", "learn"]


class Observer(Protocol):
    """Called by the pipeline's thread, in order."""

    def step(self, name: Step) -> AbstractContextManager[object]:
        """Times a step of the loop."""

    def committed(self, settled: Settled) -> None:
        """A commit is in the store."""

    def refused(self) -> None:
        """A commit was refused; its batch is learned again."""

    def store_away(self) -> None:
        """The store did not answer."""

    def assigned(self, partitions: frozenset[int]) -> None:
        """These partitions are this worker's now."""
