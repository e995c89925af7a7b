"""Events of given ids as a worker has decoded them: of one partition, ratings drawn, a second apart."""

from __future__ import annotations

from typing import Final

import numpy as np

from lfm_online.batch import RATING
from lfm_online.ids import Ids
from lfm_online.store.protocol import Range
from worker.events import Events

BEGAN_MS: Final = 1_600_000_000_000


def made_events(users: Ids, items: Ids, first: int, rng: np.random.Generator, partition: int = 0) -> Events:
    """A rating of each user and item, at the offsets from ``first`` on."""
    n = len(users)
    offset = np.arange(first, first + n, dtype=np.int64)
    return Events(
        np.full(n, RATING, np.uint8),
        users,
        items,
        np.clip(np.rint(2 * rng.normal(3.5, 1, n)) / 2, 0.5, 5.0),
        BEGAN_MS + offset * 1000,
        np.full(n, partition, np.int32),
        offset,
        np.full(n, -1, np.int64),
        [],
        [Range(partition, first, first + n)],
    )
