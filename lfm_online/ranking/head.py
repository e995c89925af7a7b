"""The ranking head of one model: its constants, globals and ring. Its rows lie in the model's tables."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from lfm_online.batch import Batch
from lfm_online.layout import FormatError, Kind
from lfm_online.ranking.draws import mark_touched
from lfm_online.ranking.layout import CODE, GLOBALS, RING, SLOT, Hyper, RankRows
from lfm_online.ranking.learn import learn
from lfm_online.ranking.lookup import Taste, personal, popular, taste
from lfm_online.ranking.start import new_globals, new_ring, start_items, start_users


class Ranked(NamedTuple):
    """The two parts of items' scores; what the rating rule adds comes on top."""

    taste: Taste
    personal: NDArray[np.float64]  # float64[n], h.y
    popular: NDArray[np.float64]  # float64[n], log Q


class RankingHead:
    """What all rows of the head share, and its kernels on them.

    To learn a batch, its users' rows must be loaded first, since they name their contexts; then
    the items that :meth:`touched` names; then all it needs is in memory.
    """

    code = CODE
    """``head`` in the header of a row and of the globals."""

    def __init__(self, seed: int) -> None:
        """A head that has seen nothing."""
        self.hyper = Hyper(seed)
        self.load(None, None)

    def load(self, globals_: bytes | None, ring: bytes | None) -> None:
        """Take over globals and ring as they lie in the store; None is a model without a commit.

        Raises:
            FormatError: globals of another length, or a ring that is too long or ends within a slot.
        """
        if globals_ is not None and len(globals_) != GLOBALS.itemsize:
            raise FormatError(
                f"the ranking head's globals are {len(globals_)} bytes long, expected {GLOBALS.itemsize}"
            )
        self.globals = new_globals() if globals_ is None else np.frombuffer(globals_, GLOBALS).copy()
        if ring is not None and (len(ring) > RING * SLOT.itemsize or len(ring) % SLOT.itemsize):
            raise FormatError(
                f"the ring is {len(ring)} bytes long, expected up to {RING} times {SLOT.itemsize}"
            )
        self.ring = new_ring()
        stored = np.frombuffer(ring or b"", SLOT)
        self.ring[: len(stored)] = stored

    @property
    def events(self) -> int:
        """Ratings seen."""
        return int(self.globals["events"][0])

    def start(self, kind: Kind, rows: RankRows, numbers: NDArray[np.int32]) -> None:
        """Set the sections of ``numbers: int32[n]`` to where a new row's start."""
        if kind == "user":
            start_users(rows, numbers)
        else:
            start_items(rows, numbers, self.hyper)

    def touched(self, batch: Batch, users: RankRows, n_items: int) -> NDArray[np.int32]:
        """Numbers of all items whose rows learning a batch may change, ascending.

        Known before anything is learned: draws are hashes, and the batch's own events are at hand.

        Args:
            batch: The events.
            users: Sections of the users, those of the batch loaded.
            n_items: How many items there are, those of the batch included.
        """
        marks = np.zeros(n_items, np.bool_)
        mark_touched(batch, users, self.ring, self.events, self.hyper, marks)
        return np.flatnonzero(marks).astype(np.int32)

    def learn(self, batch: Batch, users: RankRows, items: RankRows) -> None:
        """Learn a batch; the rows that it touches are loaded."""
        learn(batch, users, items, self.globals, self.ring, self.hyper)

    def score_items(self, users: RankRows, u: int, items: RankRows, n_items: int) -> Ranked:
        """How the first ``n_items`` items rank for a user.

        Args:
            users: Users' sections.
            u: Row number of the user.
            items: Items' sections.
            n_items: How many of them there are.
        """
        of = taste(users, u, items, n_items, self.hyper)
        own = np.empty(n_items)
        personal(of.h, items, own)
        return Ranked(of, own, self.popularity(items, n_items))

    def popularity(self, items: RankRows, n_items: int) -> NDArray[np.float64]:
        """Of the first ``n_items`` items log Q: ``float64[n_items]``."""
        logs = np.empty(n_items)
        popular(items, self.globals, self.hyper, logs)
        return logs

    def ring_writes(self, n: int) -> list[tuple[int, bytes]]:
        """What to set in the stored ring for the latest ``n`` events: byte offsets and bytes."""
        if n >= RING:
            return [(0, self.ring.tobytes())]
        first, last = (self.events - n) % RING, self.events % RING
        parts = [(first, last)] if first <= last else [(first, RING), (0, last)]
        return [(SLOT.itemsize * a, self.ring[a:b].tobytes()) for a, b in parts if a < b]
