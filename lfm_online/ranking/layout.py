"""The ranking head's part of rows and globals, its ring, and its constants.

A user's section is 72 bytes and 4k, an item's 20 bytes and 4k, little-endian, without gaps; offsets
are from the section's first byte::

    user                                          item
       0  a       float32                            0  a        float32
       4  events  uint32                             4  recent   float32
       8  last    int32[16]                          8  count    uint32
      72  p       float32[k]                        12  touched  int64
                                                    20  y        float32[k]

``last`` holds the items that the user rated last, the n-th (from 0) at place n mod 16: the item's
number + 1, negative where the rating was below the mean, 0 where there is none yet.

The globals' section is 40 bytes: ``pi`` float64, ``recent`` float64, ``events`` int64, ``ratings_sum``
float64, ``items`` int64. The ring is 4096 slots of 8 bytes, uint32 item number and uint32 low half of
the user's hash; event n lies in slot n mod 4096.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from lfm_online.layout import Kind

CODE: Final = 1
"""``head`` in a row's header; 0 is a model without a ranking head."""

LAST: Final = 16
"""Items of a user that are kept: none of them is taken for something that the user left alone."""
RING: Final = 4096
"""Events that negatives are drawn from."""
HALF_LIFE: Final = 1000
"""Of a decayed count, events."""

USER_STATE: Final = np.dtype(
    [
        ("a", "<f4"),  # sum of squared gradients of p
        ("events", "<u4"),  # ratings seen
        ("last", "<i4", (LAST,)),
    ]
)
ITEM_STATE: Final = np.dtype(
    [
        ("a", "<f4"),  # sum of squared gradients of y
        ("recent", "<f4"),  # D: decayed count, as it was at the event ``touched``
        ("count", "<u4"),  # n_i: all-time count
        ("touched", "<i8"),  # number of the item's latest event
    ]
)
GLOBALS: Final = np.dtype(
    [
        ("pi", "<f8"),  # share of recent popularity in Q
        ("recent", "<f8"),  # C: sum of all items' decayed counts
        ("events", "<i8"),  # n: ratings seen
        ("ratings_sum", "<f8"),
        ("items", "<i8"),  # with at least one rating
    ]
)
SLOT: Final = np.dtype([("item", "<u4"), ("user", "<u4")])


class RankRows(NamedTuple):
    """The head's sections of one kind's rows, as the kernels see them; by row number."""

    state: NDArray[Any]  # USER_STATE or ITEM_STATE, [n_rows]
    factors: NDArray[np.float32]  # float32[n_rows, k], p of a user, y of an item
    hash: NDArray[np.uint64]  # uint64[n_rows], id_hash of the row's id; not stored


class Hyper(NamedTuple):
    """The head's constants."""

    seed: int
    context: int = 5  # of the user's last items that h is made of
    recency: float = 0.7  # weight of an item of the context against the one after it
    below: float = 0.5  # weight of one that was rated below the mean
    draws: int = 16  # negatives, before those that can't be any are left out
    step: float = 0.2
    floor: float = 0.05  # of Q, in events an item
    proposal_floor: float = 0.01  # of the proposal's probability, likewise
    learns_after: int = 50  # events that only count
    pi_rate: float = 0.0025
    pi_prior: float = 20.0  # events that pi's start counts for
    y_sd: float = 0.1


def state_of(kind: Kind) -> np.dtype[Any]:
    """The head's record in a row of that kind."""
    return USER_STATE if kind == "user" else ITEM_STATE


def section_bytes(kind: Kind, factors: int) -> int:
    """Size in bytes of the head's section of a row."""
    return state_of(kind).itemsize + 4 * factors
