"""A user's history: the last ratings, as slots behind the user's row and in a value of their own.

A slot is 6 bytes, little-endian: uint32 item number, uint16 rating as a fraction of the range
(0 is LOW, 65534 is HIGH, 65535 an empty slot, whose rating was taken back). The user's n-th rating
(from 0) belongs to chunk ``c = n // 32``::

    u:<user>   the row, and behind it the chunk being filled: slots 0 to (n % 32) - 1
    h:<user>   the full chunks, a ring: chunk c lies at byte 192 (c mod ceil(size / 32))

So recent ratings travel with the row, and only each 32nd rating of a user costs a command of its
own (a SETRANGE each time took the server longer than all rows together).
The same events make the same bytes, however they were batched.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

import numba
import numpy as np
from numpy.typing import NDArray

from lfm_online.batch import FORGET, RATING, Batch, Outcome
from lfm_online.layout import CHUNK, CHUNK_BYTES, SLOT
from lfm_online.numba_flags import BORROWING
from lfm_online.rows import Table
from lfm_online.store.protocol import HistoryRuns

FULL_SCALE: Final = 65534
EMPTY: Final = 65535


class History(NamedTuple):
    """What a user has rated, oldest first."""

    items: NDArray[np.uint32]  # item numbers
    ratings: NDArray[np.float64]


class Writes(NamedTuple):
    """What a commit sets beside the rows."""

    full: HistoryRuns  # chunks that this batch filled
    rewritten: dict[str, bytes]  # whole rings of users who forgot or took back; empty: deleted


def rating_codes(ratings: NDArray[np.float64], low: float, high: float) -> NDArray[np.uint16]:
    """Ratings as fractions of the range; anything for those that are no number."""
    fractions = np.nan_to_num((ratings - low) / (high - low))
    codes: NDArray[np.uint16] = np.rint(np.clip(fractions, 0.0, 1.0) * FULL_SCALE).astype(np.uint16)
    return codes


def n_chunks(size: int) -> int:
    """Chunks of the ring that holds the last ``size`` ratings."""
    return -(-size // CHUNK)


def read(recent: bytes, full: bytes | None, n_ratings: int, size: int, low: float, high: float) -> History:
    """The last ``size`` ratings, without those taken back.

    Args:
        recent: What lies behind the row in ``u:<user>``.
        full: The value ``h:<user>``, None if there is none.
        n_ratings: The user's ``ratings`` in the row's header.
        size: How many ratings a history holds.
        low: Lowest rating.
        high: Highest rating.
    """
    done = n_ratings // CHUNK
    ring = np.frombuffer(full or b"", SLOT)
    places = [c % n_chunks(size) for c in range(max(0, done - n_chunks(size)), done)]
    parts = [ring[CHUNK * place : CHUNK * (place + 1)] for place in places]
    slots = np.concatenate([*parts, np.frombuffer(recent, SLOT)])[-size:]
    slots = slots[slots["rating"] != EMPTY]
    return History(slots["item"].copy(), low + slots["rating"] / FULL_SCALE * (high - low))


@numba.njit(**BORROWING)
def _append(tails: Any, user: Any, ordinal: Any, item: Any, code: Any, filled: Any, chunks: Any) -> int:
    """Write each rating to its slot; copies of the chunks that are full go to ``chunks``."""
    n = 0
    for j in range(len(user)):
        at = 6 * (ordinal[j] % CHUNK)
        for b in range(4):
            tails[user[j], at + b] = (item[j] >> (8 * b)) & 255
        tails[user[j], at + 4] = code[j] & 255
        tails[user[j], at + 5] = code[j] >> 8
        if ordinal[j] % CHUNK == CHUNK - 1:
            filled[n] = j
            for b in range(CHUNK_BYTES):
                chunks[n, b] = tails[user[j], b]
            n += 1
    return n


def append(
    users: Table,
    size: int,
    batch: Batch,
    outcome: Outcome,
    codes: NDArray[np.uint16],
    full: Mapping[str, bytes | None],
    retracted: NDArray[np.int32],
) -> Writes:
    """Enter a learned batch in its users' tails, and say what else to set in the store.

    Args:
        users: The table that the batch's row numbers are of, after learning.
        size: How many ratings a history holds.
        batch: The events.
        outcome: What learning them gave.
        codes: ``uint16[n]`` of :func:`rating_codes`.
        full: The stored ring of each user who forgets or takes something back in this batch.
        retracted: ``int32[n]`` item number that a retraction names, -1 where it is unknown.
    """
    plain = (batch.what == RATING) & ~outcome.refused
    rewritten: dict[str, bytes] = {}
    for name, value in full.items():
        own = np.flatnonzero(batch.user == users.number(name))
        rewritten[name] = _rewrite(users.tails, size, value, own, batch, outcome, codes, retracted)
        plain[own] = False
    chosen = slice(None) if plain.all() else np.flatnonzero(plain)
    user, ordinal = batch.user[chosen], outcome.ordinal[chosen]
    filled, chunks = np.empty(len(user), np.int64), np.empty((len(user), CHUNK_BYTES), np.uint8)
    n = _append(users.tails, user, ordinal, batch.item[chosen], codes[chosen], filled, chunks)
    full_at = filled[:n]
    ids = users.ids.take(user[full_at])
    runs = HistoryRuns(
        ids.data,
        ids.lengths,
        CHUNK_BYTES * (ordinal[full_at].astype(np.int64) // CHUNK % n_chunks(size)),
        CHUNK_BYTES * np.arange(n + 1, dtype=np.int64),
        chunks[:n].reshape(-1),
    )
    return Writes(runs, rewritten)


def _rewrite(
    tails: NDArray[np.uint8],
    size: int,
    full: bytes | None,
    own: NDArray[np.int64],
    batch: Batch,
    outcome: Outcome,
    codes: NDArray[np.uint16],
    retracted: NDArray[np.int32],
) -> bytes:
    """One user's events one by one, for the few that do more than append."""
    ring = np.frombuffer(full or b"", SLOT).copy()
    for j in own:
        recent = tails[batch.user[j]].view(SLOT)
        if batch.what[j] == FORGET:
            ring, recent[:] = ring[:0], np.zeros((), SLOT)
        elif batch.what[j] == RATING:
            if outcome.refused[j]:
                continue
            ordinal = int(outcome.ordinal[j])
            recent[ordinal % CHUNK] = (batch.item[j], codes[j])
            if ordinal % CHUNK == CHUNK - 1:
                at = CHUNK * (ordinal // CHUNK % n_chunks(size))
                ring = np.concatenate([ring, np.zeros(max(0, at + CHUNK - len(ring)), SLOT)])
                ring[at : at + CHUNK] = recent
        elif retracted[j] >= 0:
            ring["rating"][ring["item"] == retracted[j]] = EMPTY
            recent["rating"][recent["item"] == retracted[j]] = EMPTY
    return ring.tobytes()
