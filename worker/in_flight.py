"""A commit on its way, and what became of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from lfm_online.batch import Batch, Outcome
from lfm_online.live_hits import Hits
from lfm_online.store.protocol import Commit, Receipt
from worker.events import Events


@dataclass(frozen=True)
class InFlight:
    """A commit that was sent and not yet answered, or will be, and what it rests on."""

    events: Events
    batch: Batch
    outcome: Outcome
    commit: Commit
    users: NDArray[np.int32]  # rows touched, as numbers
    items: NDArray[np.int32]
    n_items: int  # in the store's list once it is committed
    hits: Hits


class Begun(NamedTuple):
    """What :meth:`Checkpoint.learn` did."""

    learned: bool  # False: nothing of the events was left to learn
    gaps: list[int]  # partitions to be fetched again from their watermarks


class Settled(NamedTuple):
    """What became of the commit in flight."""

    done: InFlight
    receipt: Receipt
