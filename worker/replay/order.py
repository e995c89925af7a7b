"""In which order a model has learned its topic, as far as its feed still tells."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from lfm_online.store.protocol import NO_HEAD, Range, Store, StoreBrokenError
from worker.decode import Decoder
from worker.events import Events, chain
from worker.replay.streams import Stream, by_time
from worker.source.records import Records


@dataclass(frozen=True)
class Plan:
    """What is learned, and in which order."""

    first: dict[int, int]
    """Per partition, the first offset."""
    kept: dict[int, int]
    """Per partition, the first offset that the feed names: what lies before comes by time."""
    ends: dict[int, int]
    """Per partition, the watermark."""
    ranges: list[Range]
    """Of the feed's commits, in their order."""
    globals: bytes | None
    """The model's, as of the watermarks."""
    ring: bytes | None
    """The same of its ranking head."""

    @property
    def by_feed(self) -> int:
        """Offsets that the feed names."""
        return sum(r.end - r.first for r in self.ranges)

    @property
    def by_time(self) -> int:
        """Offsets that it no longer names."""
        return sum(self.kept[p] - self.first[p] for p in self.first)


def plan_of(store: Store, topic: str) -> Plan:
    """The order in which the model in ``store`` has learned.

    Raises:
        StoreBrokenError: feed and watermarks contradict each other.
    """
    state = store.read_state()
    entries: list[tuple[Range, ...]] = []
    last, whole = None, False
    for entry in store.scan_feed():
        if entry.head.sequence > state.head.sequence:
            break
        if last is None or entry.previous != last:
            entries = []  # what does not link up with what follows tells no order
            whole = entry.previous == NO_HEAD
        entries.append(entry.ranges)
        last = entry.head
    if last != state.head:
        entries, whole = [], False
    ends = {
        int(name.removeprefix(f"{topic}-")): end
        for name, end in state.watermarks.items()
        if name.startswith(f"{topic}-")
    }
    ranges = [r for each in entries for r in each]
    kept = dict(ends)
    for r in reversed(ranges):
        if r.end != kept.get(r.partition):
            raise StoreBrokenError(f"the feed's {r} does not lead to offset {kept.get(r.partition)}")
        kept[r.partition] = r.first
    # A model may have begun where retention had left the log: the whole feed tells, else 0 is meant.
    first = dict(kept) if entries and whole else dict.fromkeys(ends, 0)
    return Plan(first, kept, ends, ranges, state.globals, state.ring)


def ordered(
    plan: Plan, records: Mapping[int, Iterator[Records]], decoder: Decoder, at_once: int
) -> Iterator[Events]:
    """The events by the plan, about ``at_once`` at a time; a part's ranges stand in its order."""
    streams = {p: Stream(p, plan.first[p], each, decoder) for p, each in records.items()}
    yield from by_time(streams, plan.kept, at_once)
    parts: list[Events] = []
    for r in plan.ranges:
        parts += streams[r.partition].take(r.end)
        if sum(map(len, parts)) >= at_once:
            yield _joined(parts)
            parts = []
    if parts:
        yield _joined(parts)


def _joined(parts: list[Events]) -> Events:
    ranges: list[Range] = []
    for r in (r for part in parts for r in part.ranges):
        if ranges and ranges[-1].partition == r.partition:
            ranges[-1] = ranges[-1]._replace(end=r.end)
        else:
            ranges.append(r)
    return chain(parts, ranges)
