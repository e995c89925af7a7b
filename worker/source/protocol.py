"""What the worker's loop asks of a log of events, and how it can fail."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol

from worker.source.records import Records


class SourceAwayError(Exception):
    """The log can't be reached now; the caller may ask again."""


class PositionLostError(SourceAwayError):
    """The log holds no such offset as was to be read: whoever seeks anew finds out why."""

    def __init__(self, message: str, offsets: Mapping[int, int]) -> None:
        super().__init__(message)
        self.offsets = offsets
        """By partition, the offset that was asked for."""


class SourceBrokenError(Exception):
    """The log can't be read as it is set up: waiting won't mend it."""


class LogView(NamedTuple):
    """What is known of the topic without asking."""

    topic_id: str  # empty where the broker gives none, or none is known yet
    partitions: frozenset[int]


class Source(Protocol):
    """A consumer of one topic in a group.

    Partitions that were just assigned yield nothing until :meth:`seek`: their offsets come from
    the model's store, never from the group.
    """

    def poll(self, seconds: float, limit: int) -> list[Records]:
        """Up to ``limit`` records by ascending partition, waiting up to that time for the first.

        Raises:
            SourceAwayError: no broker answers.
            PositionLostError: the log doesn't hold the offset that a partition was sought to.
            SourceBrokenError: the topic can't be read.
        """

    def take_assignment(self) -> frozenset[int] | None:
        """The partitions of this worker if they changed since the last call, else None."""

    def seek(self, partition: int, offset: int) -> None:
        """Read on from that offset."""

    def hold(self) -> None:
        """Yield nothing until :meth:`release`; polling goes on, so that the group keeps its member."""

    def release(self) -> None:
        """Yield records again."""

    def first_offsets(self, partitions: Sequence[int]) -> dict[int, int]:
        """Where each partition's log begins."""

    def last_offsets(self, partitions: Sequence[int]) -> dict[int, int]:
        """Where each partition's log ends; asks the broker."""

    def end_offsets(self) -> dict[int, int]:
        """Where what can be read of each assigned partition ends, as last heard of.

        Records of a transaction that is still open lie behind that.
        """

    def committed(self) -> dict[int, int]:
        """The group's offsets, of all partitions of the topic; for telling a new model."""

    def topic_id(self) -> str:
        """The broker's id of the topic, empty where it gives none."""

    def view(self) -> LogView:
        """The topic as it was last heard of; asks nobody."""

    def commit(self, offsets: Mapping[int, int]) -> None:
        """Tell the group its offsets, for outside lag tools only; failures are not errors."""

    def close(self) -> None:
        """Leave the group."""
