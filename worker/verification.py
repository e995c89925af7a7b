"""The proof: every row's ledger, recomputed from the topic, against what lies in the store.

1. The store's rows are read, and brought to one head by the feed, so that a worker may go on.
2. The topic is read from its beginning to that head's watermarks, and every valid event is
   entered into the ledgers of its user and item (``lfm_online.ledger``).
3. Both must agree, row by row: count and digest; no row too many, none missing.

What ``fit`` put into a model before its first event is no event, and in no ledger: a row that no event
has reached counts 0, and is of no topic.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from lfm_online.batch import FORGET, RATING
from lfm_online.hashing import id_hash
from lfm_online.id_index import IdIndex
from lfm_online.ids import Ids
from lfm_online.layout import HEADER, Kind
from lfm_online.ledger import event_digests, topic_crc
from lfm_online.store.protocol import State, Store
from worker.decode import Decoder
from worker.source.whole_topic import WholeTopic

SHOWN: Final = 20
"""Differing rows that are named."""


@dataclass
class Ledger:
    """Counts and digests of rows of one kind."""

    index: IdIndex = field(default_factory=IdIndex)
    events: NDArray[np.uint32] = field(default_factory=lambda: np.zeros(1024, np.uint32))
    digest: NDArray[np.uint32] = field(default_factory=lambda: np.zeros(1024, np.uint32))

    def numbers(self, ids: Ids) -> NDArray[np.int32]:
        """A place for each id."""
        found, n = self.index.numbers(ids), len(self.index)
        if n > len(self.events):
            more = np.zeros(max(n, 2 * len(self.events)) - len(self.events), np.uint32)
            self.events = np.concatenate([self.events, more])
            self.digest = np.concatenate([self.digest, more])
        return found

    def enter(self, numbers: NDArray[Any], digests: NDArray[np.uint32]) -> None:
        """Count events."""
        np.add.at(self.events, numbers, np.uint32(1))
        np.add.at(self.digest, numbers, digests)


@dataclass
class Report:
    """What a verification found."""

    events: int = 0
    dead_letters: int = 0
    rows: int = 0
    watermarks: dict[str, int] = field(default_factory=dict)
    differing: int = 0
    examples: list[str] = field(default_factory=list)
    fitted: int = 0
    """Rows that no event has reached: ``fit`` put them there."""
    unproven: int = 0
    """Users forgotten in one partition with events in another: their order is not in the topic."""
    gone: dict[int, int] = field(default_factory=dict)
    """Events per partition that retention took: nothing can be proved."""

    @property
    def passed(self) -> bool:
        """Whether each event was learned exactly once."""
        return self.differing == 0 and not self.gone

    def differs(self, text: str) -> None:
        """Enter a row that differs."""
        self.differing += 1
        if len(self.examples) < SHOWN:
            self.examples.append(text)


def verify(
    store: Store,
    topic: WholeTopic,
    decoder: Decoder,
    topic_name: str,
    progress: Callable[[int, int], None],
) -> Report:
    """Compare the model in ``store`` with what the topic says it must be.

    Args:
        store: The model.
        topic: Its topic.
        decoder: Tells valid events as the worker does.
        topic_name: As the watermarks and digests have it.
        progress: Told ``(offsets read, offsets in all)``.
    """
    # 1. Rows, as of one head.
    state, rows = _read_store(store)
    marks = {int(name.rsplit("-", 1)[1]): offset for name, offset in state.watermarks.items()}
    report = Report(watermarks=state.watermarks, rows=sum(map(len, rows.values())))
    first = topic.first_offsets(sorted(marks))
    report.gone = {p: offset for p, offset in first.items() if offset > 0}
    if report.gone:
        return report
    # 2. The topic.
    ledgers: dict[Kind, Ledger] = {"user": Ledger(), "item": Ledger()}
    unproven = _read_topic(topic, decoder, topic_name, first, marks, ledgers, report, progress)
    report.unproven = len(unproven)
    # 3. Row by row.
    for kind in ("user", "item"):
        _compare(kind, ledgers[kind], rows[kind], unproven if kind == "user" else set(), report)
    return report


def _read_store(store: Store) -> tuple[State, dict[Kind, dict[str, tuple[int, int]]]]:
    """State and ``id -> (events, digest)``, all as of one head."""
    state = store.read_state()
    rows: dict[Kind, dict[str, tuple[int, int]]] = {}
    for kind in ("user", "item"):
        rows[kind] = {row_id: _ledger_of(value) for row_id, value in store.scan_rows(kind)}
    item_ids: list[str] = []
    while True:
        now = store.read_state()
        if now.head == state.head:
            return now, rows
        item_ids += store.read_items(len(item_ids))
        entries = store.read_feed(state.head).entries
        if entries is None:
            return _read_store(store)
        hashes = {int(h) for entry in entries for h in entry.users}
        items = {item_ids[n] for entry in entries for n in entry.items.tolist() if n < len(item_ids)}
        # Every user's id, known or new since: the feed names users by hash alone.
        users = {u for u, _ in store.scan_rows("user")} | rows["user"].keys()
        changed_users = [u for u in users if id_hash("user", u.encode()) in hashes]
        changed_items = sorted(items)
        read = store.read_rows(changed_users, changed_items)
        _replace(rows["user"], changed_users, read.users)
        _replace(rows["item"], changed_items, read.items)
        state = now._replace(head=entries[-1].head if entries else state.head)
        if read.head == now.head == state.head:
            return now, rows


def _replace(rows: dict[str, tuple[int, int]], ids: list[str], values: Sequence[bytes | None]) -> None:
    """Put in what was read anew; None where a row is gone."""
    for row_id, value in zip(ids, values, strict=True):
        rows.pop(row_id, None)
        if value is not None:
            rows[row_id] = _ledger_of(value)


def _ledger_of(value: bytes) -> tuple[int, int]:
    header = np.frombuffer(value[: HEADER.itemsize], HEADER)[0]
    return int(header["events"]), int(header["digest"])


def _read_topic(
    topic: WholeTopic,
    decoder: Decoder,
    topic_name: str,
    first: dict[int, int],
    ends: dict[int, int],
    ledgers: dict[Kind, Ledger],
    report: Report,
    progress: Callable[[int, int], None],
) -> set[str]:
    """Enter every event; the users of whom the topic alone can't tell what was forgotten."""
    crc, total, done = topic_crc(topic_name), sum(ends.values()), 0
    partition_of: dict[str, int] = {}
    wanderers: set[str] = set()
    forgotten: set[str] = set()
    users = ledgers["user"]
    for records in topic.read(first, ends):
        events = decoder.decode(records)
        digests = event_digests(crc, events.partition, events.offset)
        number = users.numbers(events.users)
        for user in set(events.users):
            if partition_of.setdefault(user, records.partition) != records.partition:
                wanderers.add(user)
        start = 0
        for stop in (*np.flatnonzero(events.what == FORGET).tolist(), len(events)):
            users.enter(number[start:stop], digests[start:stop])
            if stop < len(events):
                users.events[number[stop]] = users.digest[number[stop]] = 0
                forgotten.add(events.users[stop])
            start = stop + 1
        rated = np.flatnonzero(events.what == RATING)
        items = ledgers["item"]
        items.enter(items.numbers(events.items.take(rated)), digests[rated])
        report.events += len(events)
        report.dead_letters += len(events.letters)
        done += records.end - records.first
        progress(done, total)
    return wanderers & forgotten


def _compare(
    kind: Kind, ledger: Ledger, rows: dict[str, tuple[int, int]], unproven: set[str], report: Report
) -> None:
    for number, row_id in enumerate(ledger.index.ids):
        expected = (int(ledger.events[number]), int(ledger.digest[number]))
        found = rows.get(row_id, (0, 0))
        if expected != found and row_id not in unproven:
            report.differs(
                f"{kind} {row_id!r}: the topic says {expected[0]} events, digest {expected[1]:08x}; "
                f"the store {found[0]} events, digest {found[1]:08x}"
            )
    for row_id in rows.keys() - set(ledger.index.ids):
        if rows[row_id] == (0, 0):
            report.fitted += 1
        else:
            report.differs(f"{kind} {row_id!r}: in the store, but the topic does not know it")
