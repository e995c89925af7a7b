"""Negatives: items drawn from the events just past, and which rows a batch will therefore touch.

A draw is a hash of ``(seed, event number, draw)``, so it is known before anything is learned.
"""

from __future__ import annotations

from typing import Any

import numba
import numpy as np

from lfm_online.batch import RATING
from lfm_online.hashing import fmix64
from lfm_online.numba_flags import EXACT, STEP
from lfm_online.ranking.layout import RING


@numba.njit(**STEP)
def slot_of(key: Any, draw: int, width: Any) -> Any:
    """The slot below ``width: uint64`` that a draw falls on.

    ``width`` times 32 random bits over 2^32 (Lemire, 2019), without a division.
    """
    bits = fmix64(key + np.uint64(draw + 1) * np.uint64(0x9E3779B97F4A7C15)) >> np.uint64(32)
    return np.int64((bits * width) >> np.uint64(32))


@numba.njit(**STEP)
def key_of(seed: int, n: int) -> Any:
    """What the draws of event ``n`` are hashed from."""
    return fmix64(np.uint64(n) ^ fmix64(np.uint64(seed)))


@numba.njit(**EXACT)
def mark_touched(batch: Any, users: Any, ring: Any, n: int, hyper: Any, touched: Any) -> None:
    """Raise ``touched: bool[n_items]`` for each item that learning a batch may change.

    These are the events' own items, all that may be drawn for them, and what the users' contexts
    hold; a draw that learning skips is among them. Rows of items need not be there, users' must.

    Args:
        batch: The events.
        users: The users' sections, before the batch.
        ring: As it is before the batch, and stays here.
        n: Events before the batch.
        hyper: The head's constants.
        touched: What is raised.
    """
    first = n
    of_batch = np.empty(len(batch.item), np.int32)  # items of the batch's ratings, in order
    for event in range(len(batch.item)):
        if batch.what[event] != RATING:
            continue
        of_batch[n - first] = batch.item[event]
        touched[batch.item[event]] = True
        if n > hyper.learns_after:
            key = key_of(hyper.seed, n)
            width = np.uint64(min(n, RING))
            for draw in range(hyper.draws):
                slot = slot_of(key, draw, width)
                latest = n - 1 - (n - 1 - slot) % RING  # the latest event that lies in the slot
                if latest >= first:
                    touched[of_batch[latest - first]] = True
                else:
                    touched[ring[slot].item] = True
            state = users.state[batch.user[event]]
            # What the batch itself adds to the context is marked as its events' own.
            for back in range(min(hyper.context, state.events)):
                touched[abs(state.last[(state.events - 1 - back) % len(state.last)]) - 1] = True
        n += 1
