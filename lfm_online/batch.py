"""A batch of events as the kernels take it, and what they measured before learning it."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from lfm_online.layout import BANDS

RATING: Final = 0
RETRACTION: Final = 1
"""``"rating": null``: counts in the user's ledger, teaches nothing."""
FORGET: Final = 2
"""A tombstone: the user's row goes back to a newcomer's."""


class Batch(NamedTuple):
    """Events in the order in which they are to be learned; all arrays have one length."""

    what: NDArray[np.uint8]  # RATING, RETRACTION or FORGET
    user: NDArray[np.int32]  # row number
    item: NDArray[np.int32]  # row number; -1 where there is none (retraction, forget)
    rating: NDArray[np.float64]  # within the range; anything for other events
    time_ms: NDArray[np.int64]  # Unix time, milliseconds
    digest: NDArray[np.uint32]  # ledger.event_digests


class Outcome(NamedTuple):
    """What was predicted for each event before it was learned; only ratings are filled in."""

    model: NDArray[np.float64]  # the rule's prediction, within the range
    mean: NDArray[np.float64]  # the running mean
    bias: NDArray[np.float64]  # the bias-only guess
    cold: NDArray[np.bool_]  # the user or the item had no rating yet
    refused: NDArray[np.bool_]  # the update was not finite; the rows kept their values
    ordinal: NDArray[np.uint32]  # the user's ratings before this one: its place in the history
    deviation: NDArray[np.float64]  # the stated standard deviation, rating units
    bands: NDArray[np.float64]  # float64[n, len(BANDS)], half-widths, rating units, before the range's ends


def empty_outcome(n: int) -> Outcome:
    """An outcome for ``n`` events, all refused flags down."""
    return Outcome(
        np.empty(n),
        np.empty(n),
        np.empty(n),
        np.zeros(n, np.bool_),
        np.zeros(n, np.bool_),
        np.zeros(n, np.uint32),
        np.empty(n),
        np.empty((n, len(BANDS))),
    )


def batch_of(
    user: Any, item: Any, rating: Any, time_ms: Any, *, what: Any = None, digest: Any = None
) -> Batch:
    """A batch from sequences; without ``what`` all events are ratings, without ``digest`` zeros."""
    n = len(user)
    return Batch(
        np.zeros(n, np.uint8) if what is None else np.asarray(what, np.uint8),
        np.ascontiguousarray(user, np.int32),
        np.ascontiguousarray(item, np.int32),
        np.ascontiguousarray(rating, np.float64),
        np.ascontiguousarray(time_ms, np.int64),
        np.zeros(n, np.uint32) if digest is None else np.ascontiguousarray(digest, np.uint32),
    )
