"""A log in this process's memory, and consumers of it: for tests and simulations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from worker.source.protocol import LogView
from worker.source.records import Records, records_of


@dataclass
class MadeLog:
    """A topic: per partition the records ``(offset, time_ms, key, value)``; offsets may have holes."""

    partitions: list[list[tuple[int, int, bytes | None, bytes | None]]]
    group_offsets: dict[int, int] = field(default_factory=dict)

    def append(
        self, partition: int, key: bytes | None, value: bytes | None, *, time_ms: int = 0, hole: int = 0
    ) -> int:
        """Add a record, after ``hole`` offsets that hold none; its offset."""
        log = self.partitions[partition]
        offset = (log[-1][0] + 1 if log else 0) + hole
        log.append((offset, time_ms, key, value))
        return offset

    def end(self, partition: int) -> int:
        """The next record's offset."""
        log = self.partitions[partition]
        return log[-1][0] + 1 if log else 0


class MadeSource:
    """One member of a group; whoever makes it says what it is assigned."""

    def __init__(self, log: MadeLog) -> None:
        """A member without partitions yet; see :meth:`assign`."""
        self._log = log
        self._assigned: frozenset[int] = frozenset()
        self._changed = False
        self._position: dict[int, int] = {}
        self._held = False

    def assign(self, partitions: Sequence[int]) -> None:
        """What a rebalance does: these partitions, each silent until it is sought."""
        self._assigned = frozenset(partitions)
        self._changed = True
        self._position.clear()

    def poll(self, seconds: float, limit: int) -> list[Records]:
        """Records by ascending partition; never waits."""
        del seconds  # all that will come is there
        found = []
        for partition, first in sorted(self._position.items()):
            if self._held or limit <= 0:
                break
            part = [r for r in self._log.partitions[partition] if r[0] >= first][:limit]
            if part:
                offsets, times, keys, values = (list(column) for column in zip(*part, strict=True))
                found.append(records_of(partition, first, offsets, times, keys, values))
                self._position[partition] = found[-1].end
                limit -= len(part)
        return found

    def take_assignment(self) -> frozenset[int] | None:
        """The partitions of this worker if they changed since the last call, else None."""
        changed, self._changed = self._changed, False
        return self._assigned if changed else None

    def seek(self, partition: int, offset: int) -> None:
        """Read on from that offset."""
        if partition in self._assigned:
            self._position[partition] = offset

    def hold(self) -> None:
        """Yield nothing until :meth:`release`."""
        self._held = True

    def release(self) -> None:
        """Yield records again."""
        self._held = False

    def first_offsets(self, partitions: Sequence[int]) -> dict[int, int]:
        """Where each partition's log begins."""
        return dict.fromkeys(partitions, 0)

    def last_offsets(self, partitions: Sequence[int]) -> dict[int, int]:
        """Where each partition's log ends."""
        return {p: self._log.end(p) for p in partitions}

    def end_offsets(self) -> dict[int, int]:
        """Where the log of each assigned partition ends."""
        return {p: self._log.end(p) for p in self._assigned}

    def committed(self) -> dict[int, int]:
        """The group's offsets."""
        return dict(self._log.group_offsets)

    def topic_id(self) -> str:
        """A made log has no id."""
        return ""

    def view(self) -> LogView:
        """All partitions; no id."""
        return LogView("", frozenset(range(len(self._log.partitions))))

    def commit(self, offsets: Mapping[int, int]) -> None:
        """Set the group's offsets."""
        self._log.group_offsets.update(offsets)

    def close(self) -> None:
        """Nothing to leave."""
        self._position.clear()
