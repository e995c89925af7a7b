"""The proof: every row's ledger, recomputed from the topic, against what lies in the store.

A worker may go on meanwhile: rows are read some at a time, in one atomic step with the watermarks that
they are as of (their *cut*), and of a row's events those below its own cut count.

1. Every row of the store is read, with its cut.
2. The topic is read from its beginning, or from a baseline, up to what all cuts have in common. A row
   that the store has not shown is asked for when the topic, or the baseline, first names it.
3. What is expected there is the next baseline.
4. The topic is read on to the furthest cut. Rows that it names only there are newer than the proof.
5. Both must agree, row by row: count and digest (``lfm_online.ledger``); no row too many, none missing.
   Of rows that differ, a second pass over the topic collects the offsets.

What ``fit`` put into a model before its first event is no event, and in no ledger: a row that no event
has reached counts 0, and is of no topic.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from lfm_online.batch import RATING
from lfm_online.ids import Ids
from lfm_online.layout import Kind
from lfm_online.ledger import event_digests, topic_crc
from lfm_online.store.protocol import Store
from worker.decode import Decoder
from worker.events import Events
from worker.source.records import Records
from worker.verification.baseline import Baseline
from worker.verification.offsets import find_offsets
from worker.verification.report import SHOWN, Difference, Ledger, Report
from worker.verification.tally import Cuts, Tally

Progress = Callable[[str, int, int | None], None]
"""Told what is done, how much of it, and of how much (None: nobody knows)."""

ASKED: Final = 5000
"""Rows asked for at once."""


class Topic(Protocol):
    """A topic from given offsets up to others; ``worker.source.whole_topic`` has the real one."""

    def first_offsets(self, partitions: list[int]) -> dict[int, int]:
        """Where each partition's log begins."""

    def read(self, first: Mapping[int, int], ends: Mapping[int, int]) -> Iterator[Records]:
        """Records from ``first`` to before ``ends``; a partition's are in order."""


def verify(
    store: Store,
    topic: Topic,
    decoder: Decoder,
    topic_name: str,
    progress: Progress,
    *,
    baseline: Baseline | None = None,
    compacted: bool = False,
) -> tuple[Report, Baseline | None]:
    """Compare the model in ``store`` with what the topic says it must be.

    Args:
        store: The model.
        topic: Its topic.
        decoder: Tells valid events as the worker does.
        topic_name: As the watermarks and digests have it.
        progress: Told of each step.
        baseline: Of a verification that passed: the topic is read from there on.
        compacted: Whether the topic may have lost events to compaction.

    Returns:
        The report, and what a later verification may go on from if this one passed.
    """
    return _Verification(store, topic, decoder, topic_name, progress).run(baseline, compacted=compacted)


class _Verification:
    def __init__(
        self, store: Store, topic: Topic, decoder: Decoder, topic_name: str, progress: Progress
    ) -> None:
        self._store = store
        self._topic = topic
        self._decoder = decoder
        self._name = topic_name
        self._crc = topic_crc(topic_name)
        self._progress = progress
        self._cuts = Cuts(topic_name)
        self._tallies: dict[Kind, Tally] = {"user": Tally(), "item": Tally()}
        self._report = Report()

    def run(self, baseline: Baseline | None, *, compacted: bool) -> tuple[Report, Baseline | None]:
        """The numbered steps."""
        report = self._report
        if baseline is not None:
            for kind, tally in self._tallies.items():
                baseline.enter(kind, tally)
        # 1. Rows.
        self._cuts.add(self._store.read_state().watermarks)
        for kind in self._tallies:
            self._read_rows(kind)
        least = self._cuts.least()
        start = baseline.watermarks if baseline else {}
        report.since = self._named(start)
        report.watermarks = self._named({p: end for p, end in least.items() if end})
        first = self._topic.first_offsets(sorted(p for p, end in least.items() if end))
        report.gone = {p: offset for p, offset in first.items() if offset > start.get(p, 0)}
        for kind, tally in self._tallies.items():
            self._ask(kind, tally.unread())  # rows of the baseline that the store did not show
        least = self._cuts.least()
        report.behind = {p: least.get(p, 0) for p in start if least.get(p, 0) < start[p]}
        if report.gone or report.behind:
            return report, None
        # 2. The topic, up to what every row had learned.
        self._read_topic("topic", start, least, asking=True)
        # 3. The next baseline.
        found = None
        if self._cuts.least() == least:  # else the store fell back meanwhile
            found = Baseline.of(least, self._tallies)
        # 4. The topic, up to what some rows had learned.
        most = self._cuts.most()
        self._read_topic("topic, what was learned meanwhile", least, most, asking=False)
        # 5. Row by row.
        report.watermarks = self._named({p: end for p, end in self._cuts.least().items() if end})
        self._compare(start, most)
        report.compacted = compacted
        return report, found if report.passed else None

    def _named(self, marks: Mapping[int, int]) -> dict[str, int]:
        return {f"{self._name}-{p}": offset for p, offset in marks.items()}

    def _read_rows(self, kind: Kind) -> None:
        """Step 1, of one kind."""
        tally, done = self._tallies[kind], 0
        for texts in self._store.scan_ids(kind):
            tally.found(tally.numbers(Ids.of(texts)), self._store.read_marked_rows(kind, texts), self._cuts)
            done += len(texts)
            self._progress(f"{kind}s", done, None)
        self._progress(f"{kind}s", done, done)

    def _ask(self, kind: Kind, numbers: NDArray[np.int32]) -> None:
        """Read rows that the store has not shown."""
        tally = self._tallies[kind]
        for start in range(0, len(numbers), ASKED):
            part = numbers[start : start + ASKED]
            texts = list(tally.index.ids.take(part))
            tally.found(part, self._store.read_marked_rows(kind, texts), self._cuts)

    def _read_topic(
        self, what: str, start: Mapping[int, int], ends: Mapping[int, int], *, asking: bool
    ) -> None:
        """Enter every event from ``start`` to before ``ends``.

        Args:
            what: For the progress.
            start: Per partition.
            ends: Per partition.
            asking: Whether rows not seen before are asked for; they are left out else.
        """
        total, done = sum(max(end - start.get(p, 0), 0) for p, end in ends.items()), 0
        for records in self._read(start, ends):
            events = self._decoder.decode(records)
            self._enter(events, records.partition, asking=asking)
            if asking:
                self._report.events += len(events)
                self._report.dead_letters += sum(letter.offsets for letter in events.letters)
            done += records.end - records.first
            self._progress(what, done, total)

    def _enter(self, events: Events, partition: int, *, asking: bool) -> None:
        digests = event_digests(self._crc, events.partition, events.offset)
        rated = np.flatnonzero(events.what == RATING)
        for kind, tally in self._tallies.items():
            chosen = np.arange(len(events)) if kind == "user" else rated
            ids = events.users if kind == "user" else events.items.take(rated)
            if asking:
                known = len(tally)
                numbers = tally.numbers(ids)
                self._ask(kind, np.arange(known, len(tally), dtype=np.int32))
            else:
                numbers = tally.index.find(ids)
            until = self._cuts.until(partition)
            tally.enter(
                events.what[chosen], numbers, partition, events.offset[chosen], digests[chosen], until
            )

    def _compare(self, start: Mapping[int, int], ends: Mapping[int, int]) -> None:
        report = self._report
        for kind, tally in self._tallies.items():
            n = len(tally)
            differing, known = tally.differing(), tally.known()
            report.rows += int(tally.present[:n].sum())
            report.unproven += int(tally.unproven().sum())
            report.differing += len(differing)
            report.unknown += int((~known[differing]).sum())
            nothing = (tally.found_events[:n] == 0) & (tally.found_digest[:n] == 0)
            report.fitted += int((tally.present[:n] & ~known & nothing).sum())
            for number in differing[: SHOWN - len(report.differences)].tolist():
                report.differences.append(
                    Difference(
                        kind=kind,
                        id=tally.index.ids[number],
                        expected=Ledger(int(tally.events[number]), int(tally.digest[number])),
                        found=Ledger(int(tally.found_events[number]), int(tally.found_digest[number])),
                    )
                )
        if report.differences:
            self._progress("offsets of rows that differ", 0, None)
            until = {
                (d.kind, d.id): int(self._tallies[d.kind].cut[self._tallies[d.kind].index.number(d.id) or 0])
                for d in report.differences
            }
            marks = {p: self._cuts.until(p) for p in ends}
            limits = {place: {p: int(marks[p][cut]) for p in ends} for place, cut in until.items()}
            find_offsets(
                report.differences,
                limits,
                (self._decoder.decode(r) for r in self._read(start, ends)),
                self._crc,
            )

    def _read(self, start: Mapping[int, int], ends: Mapping[int, int]) -> Iterator[Records]:
        ends = {p: end for p, end in ends.items() if start.get(p, 0) < end}
        return self._topic.read({p: start.get(p, 0) for p in ends}, ends) if ends else iter(())
