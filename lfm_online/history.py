"""A user's history: the last ratings, as a ring of slots in one value of the store.

A slot is 6 bytes, little-endian: uint32 item number, uint16 rating as a fraction of the range
(0 is LOW, 65534 is HIGH, 65535 an empty slot, whose rating was taken back). The user's n-th
rating (from 0) lies in slot ``n mod size``, so writing one is setting bytes at a known place:
nothing is read before, and the same events make the same bytes, however they were batched.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import numba
import numpy as np
from numpy.typing import NDArray

from lfm_online.numba_flags import EXACT
from lfm_online.rows import Table
from lfm_online.store.protocol import HistoryRuns

SLOT: Final = np.dtype([("item", "<u4"), ("rating", "<u2")])
FULL_SCALE: Final = 65534
EMPTY: Final = 65535


class History(NamedTuple):
    """What a user has rated, oldest first."""

    items: NDArray[np.uint32]  # item numbers
    ratings: NDArray[np.float64]


def rating_codes(ratings: NDArray[np.float64], low: float, high: float) -> NDArray[np.uint16]:
    """Ratings as fractions of the range."""
    codes: NDArray[np.uint16] = np.rint((ratings - low) / (high - low) * FULL_SCALE).astype(np.uint16)
    return codes


def read(stored: bytes | None, n_ratings: int, size: int, low: float, high: float) -> History:
    """Unroll the ring.

    Args:
        stored: The value of the store, None if there is none.
        n_ratings: The user's ``ratings`` in the row's header.
        size: Slots of the ring.
        low: Lowest rating.
        high: Highest rating.
    """
    slots = np.frombuffer(stored or b"", SLOT)
    if n_ratings > size:
        slots = np.roll(slots, -(n_ratings % size))
    slots = slots[slots["rating"] != EMPTY]
    return History(slots["item"].copy(), low + slots["rating"] / FULL_SCALE * (high - low))


@numba.njit(**EXACT)
def _runs(user: Any, ordinal: Any, item: Any, code: Any, size: int, first: Any, starts: Any, slots: Any) -> int:
    """Runs of neighbouring slots of one user; events are grouped by user, in order."""
    n = 0
    for j in range(len(user)):
        slot = ordinal[j] % size
        joins = j > 0 and user[j] == user[j - 1] and slot == ordinal[j - 1] % size + 1
        if not joins:
            first[n] = j
            starts[n] = 6 * j
            n += 1
        for b in range(4):
            slots[6 * j + b] = (item[j] >> (8 * b)) & 255
        slots[6 * j + 4] = code[j] & 255
        slots[6 * j + 5] = code[j] >> 8
    starts[n] = 6 * len(user)
    return n


def runs(
    users: Table,
    user: NDArray[np.int32],
    ordinal: NDArray[np.uint32],
    item: NDArray[np.int32],
    codes: NDArray[np.uint16],
    size: int,
) -> HistoryRuns:
    """What to set in the users' rings for a batch of ratings.

    Args:
        users: The table that the row numbers are of.
        user: ``int32[n]`` row numbers, in the order of events.
        ordinal: ``uint32[n]`` the user's ratings before each.
        item: ``int32[n]`` item numbers.
        codes: ``uint16[n]`` of :func:`rating_codes`.
        size: Slots of the ring.
    """
    order = np.argsort(user, kind="stable")
    user, ordinal = user[order], ordinal[order]
    first = np.empty(len(user), np.int64)
    starts = np.empty(len(user) + 1, np.int64)
    slots = np.empty(6 * len(user), np.uint8)
    n = _runs(user, ordinal, item[order], codes[order], size, first, starts, slots)
    owners = user[first[:n]]
    ids, lengths = users.id_block(owners)
    offsets = 6 * (ordinal[first[:n]].astype(np.int64) % size)
    return HistoryRuns(ids, lengths, offsets, starts[: n + 1], slots)


def rewrite(
    stored: bytes | None, events: Sequence[tuple[int, int, int, int]], size: int
) -> bytes:
    """A whole history after events that forget or take back, one by one.

    Args:
        stored: The value before the events, None if there is none.
        events: ``(what, ordinal, item number, code)`` in order; see ``lfm_online.batch``.
        size: Slots of the ring.
    """
    slots = list(np.frombuffer(stored or b"", SLOT).tolist())
    for what, ordinal, item, code in events:
        if what == 0:
            slot = ordinal % size
            slots += [(0, EMPTY)] * (slot + 1 - len(slots))
            slots[slot] = (item, code)
        elif what == 1:
            slots = [(i, EMPTY if i == item else c) for i, c in slots]
        else:
            slots = []
    return np.array(slots, SLOT).tobytes()
