"""What the learner and the lookups ask of a store, and how it can fail.

The numbered steps of a commit, all in one atomic step of the store:

1. The head must be ``Commit.expected``, else nothing is written.
2. Rows, histories, globals and what is new of the ring (and meta and item priors, if it has them) are
   *set*; new item ids are appended; watermarks are set; dead letters are set in the outbox by their offset.
3. The head becomes ``Commit.head``; the feed gets one entry, its stream id the head's sequence. The turn
   ends, if the commit says so.

That one comparison is the whole of the concurrency control: commits of a model stand in one
order, whoever wrote them. Every implementation passes ``tests/contracts/test_store.py``.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from lfm_online.layout import Kind


class StoreAwayError(Exception):
    """The store can't be reached or takes no writes now; nothing is known of what was in flight."""


class StoreBrokenError(Exception):
    """What lies in the store is not this model's, or no longer whole: waiting won't mend it."""


class Head(NamedTuple):
    """Which commit was the last: in the store 16 random bytes, then uint64 sequence."""

    id: bytes
    sequence: int

    def to_bytes(self) -> bytes:
        """As it lies in the store, 24 bytes."""
        return self.id + struct.pack("<Q", self.sequence)

    @classmethod
    def from_bytes(cls, stored: bytes | None) -> Head:
        """Read a head back; none stored is :data:`NO_HEAD`.

        Raises:
            StoreBrokenError: not 24 bytes.
        """
        if stored is None:
            return NO_HEAD
        if len(stored) != 24:
            raise StoreBrokenError(f"the head is {len(stored)} bytes long, expected 24")
        return cls(stored[:16], struct.unpack("<Q", stored[16:])[0])


NO_HEAD = Head(bytes(16), 0)
"""The head of a model without a commit."""


class Range(NamedTuple):
    """Offsets of one partition, from the first to before the end."""

    partition: int
    first: int
    end: int


class FeedEntry(NamedTuple):
    """What one commit changed."""

    head: Head
    previous: Head
    ranges: tuple[Range, ...]  # what it learned, in the order (partition, offset)
    items: NDArray[np.uint32]  # numbers of changed items
    users: NDArray[np.uint64]  # hashing.id_hash of changed users


class ValueBlock(NamedTuple):
    """Rows to set, as bytes one behind the other; see ``rows.Table.stored``."""

    ids: NDArray[np.uint8]  # uint8[total], the ids one behind the other
    id_lengths: NDArray[np.int64]  # int64[n]
    values: NDArray[np.uint8]  # uint8[total]
    lengths: NDArray[np.int64]  # int64[n], of the values, bytes


class HistoryRuns(NamedTuple):
    """Slots to set in users' histories; run r sets ``slots[starts[r]:starts[r + 1]]``."""

    ids: NDArray[np.uint8]  # uint8[total], the run's user's id, one behind the other
    id_lengths: NDArray[np.int64]  # int64[n_runs]
    offsets: NDArray[np.int64]  # int64[n_runs], where the run begins in the value, bytes
    starts: NDArray[np.int64]  # int64[n_runs + 1], bytes
    slots: NDArray[np.uint8]  # uint8[total]


@dataclass(frozen=True)
class Commit:
    """All that one commit writes."""

    expected: Head
    entry: FeedEntry
    globals: bytes
    watermarks: Mapping[str, int]  # "topic-partition" -> next offset to learn
    users: ValueBlock
    items: ValueBlock
    new_items: Sequence[str] = ()
    priors: bytes | None = None  # of items, in place of those before; see item_priors.py
    ring: Sequence[tuple[int, bytes]] = ()  # of the ranking head: byte offsets, and what to set there
    runs: HistoryRuns | None = None  # of their histories' full chunks; see history.py
    histories: Mapping[str, bytes] = field(default_factory=dict)  # whole values; empty: deleted
    forgotten: Sequence[str] = ()  # users whose row and history are deleted
    dead: Mapping[int, Mapping[int, bytes]] = field(default_factory=dict)  # partition -> offset -> letter
    feed_entries: int = 20_000  # how long the feed is kept
    meta: bytes | None = None  # of a model without a commit, not finished (fit/into_store.py), or moved
    ends_turn: bool = False  # the turn that it was made in

    @property
    def head(self) -> Head:
        """The head after this commit."""
        return self.entry.head


class Receipt(NamedTuple):
    """What became of a commit."""

    committed: bool  # False: refused, another commit got through
    seconds: float  # what it cost the store; 0 where refused before it was sent
    turn: bytes = b""  # whose turn it was, if anybody's; known where it was committed


class Claim(NamedTuple):
    """What became of asking for the turn."""

    mine: bool
    head: Head  # of the model, just afterwards


class State(NamedTuple):
    """The model as of one head, read in one step."""

    head: Head
    globals: bytes | None
    watermarks: dict[str, int]
    n_items: int
    ring: bytes | None = None  # of the ranking head


class RowsRead(NamedTuple):
    """Rows as of one head, read in one step; None where there is none."""

    head: Head
    users: Sequence[bytes | None]
    items: Sequence[bytes | None]
    histories: Sequence[bytes | None]
    globals: bytes | None


class MarkedRows(NamedTuple):
    """Rows with the watermarks that they are as of, read in one step; None where there is none."""

    watermarks: dict[str, int]
    values: Sequence[bytes | None]


class FeedRead(NamedTuple):
    """The feed after some head, and the head it leads to, read in one step."""

    head: Head
    entries: Sequence[FeedEntry] | None  # None: the feed does not link up with the head asked for


class Store(Protocol):
    """One model in a store. Every call may raise :class:`StoreAwayError`."""

    def read_meta(self) -> bytes | None:
        """The model's settings as JSON; None if there is no such model."""

    def create(self, meta: bytes) -> bool:
        """Set the meta of a new model; False if another process was first."""

    def read_state(self) -> State:
        """Head, globals, watermarks, count of items, and ring."""

    def read_items(self, start: int) -> list[str]:
        """Item ids from that number on."""

    def read_priors(self) -> bytes | None:
        """The item priors that were set last; None if there are none."""

    def read_rows(
        self, users: Sequence[str], items: Sequence[str], histories: Sequence[str] = ()
    ) -> RowsRead:
        """Rows and histories with the head that they rest on."""

    def ask_rows(self, users: Sequence[str], items: Sequence[str], histories: Sequence[str] = ()) -> None:
        """As :meth:`read_rows`, beside a commit in flight; what was asked before is dropped."""

    def receive_rows(self) -> RowsRead:
        """What was asked last: with a commit in flight, as of the head before it or of its own."""

    def lay_out(self, commit: Commit) -> None:
        """Make a commit ready that is to be sent next, once that in flight is settled; it may never be."""

    def send_commit(self, commit: Commit) -> None:
        """Begin a commit; before :meth:`receive_commit` no call but those on rows may follow."""

    def receive_commit(self) -> Receipt:
        """Wait for the commit in flight."""

    def read_feed(self, since: Head) -> FeedRead:
        """What was committed after ``since``."""

    def wait_feed(self, since: Head, seconds: float) -> None:
        """Return once the head may differ from ``since``, or after that time."""

    def claim_turn(self, who: bytes, seconds: float) -> Claim:
        """Ask for the turn to commit, for so long at most; whoever has it already keeps it.

        A hint for workers that would refuse each other's commits: no commit asks whose turn it is.
        """

    def end_turn(self) -> None:
        """Whoever asks next has the turn."""

    def read_dead(self, partition: int, limit: int) -> dict[int, bytes]:
        """Up to about ``limit`` dead letters of a partition's outbox, by offset."""

    def drop_dead(self, partition: int, offsets: Sequence[int]) -> None:
        """Take forwarded letters out of the outbox."""

    def count_dead(self, partition: int) -> int:
        """How many letters lie in a partition's outbox."""

    def scan_rows(self, kind: Kind) -> Iterator[tuple[str, bytes]]:
        """Every row of a kind, in no order; a row may come twice."""

    def scan_ids(self, kind: Kind) -> Iterator[list[str]]:
        """The ids of every row of a kind, some at a time, in no order; an id may come twice."""

    def read_marked_rows(self, kind: Kind, ids: Sequence[str]) -> MarkedRows:
        """Rows with the watermarks that they are as of."""

    def scan_feed(self) -> Iterator[FeedEntry]:
        """All that is kept of the feed, oldest first."""

    def check(self) -> None:
        """See that the server is fit to hold a model.

        Raises:
            StoreBrokenError: it isn't; the message names the server's setting to change.
        """

    def close(self) -> None:
        """Drop the connection."""


def block_rows(block: ValueBlock) -> Iterator[tuple[str, bytes]]:
    """Ids and values of a block, one by one (for stores without a compiled layout)."""
    at = value_at = 0
    ids: Any = block.ids.tobytes()
    values: Any = block.values.tobytes()
    for length, size in zip(block.id_lengths.tolist(), block.lengths.tolist(), strict=True):
        yield ids[at : at + length].decode(), values[value_at : value_at + size]
        at += length
        value_at += size
