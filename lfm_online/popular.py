"""The items that are taken most, by the ranking head's popularity."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from lfm_online.predict import Basis, basis_of
from lfm_online.ranking.scores import head_of
from lfm_online.replica import Replica
from lfm_online.top import best


class Popular(NamedTuple):
    """An item, and how much it is taken."""

    item: str
    share: float  # Q: of all events, now; a floor is in it, so that those of all items sum to about 1.05
    ratings: int  # that its row was learned from


def popular(replica: Replica, n: int) -> tuple[Basis, list[Popular]]:
    """The ``n`` items with the highest Q, exactly; of equal ones the one learned first goes first.

    Raises:
        NoRankingError: the model has no ranking head.
        NotReadyError: the replica is not up to date.
    """
    with replica.reading() as loaded:
        model = loaded.model
        logs = head_of(model).popularity(model.items.rank_rows, len(model.items))
        numbers = best(logs, np.zeros(len(logs), np.bool_), n)
        counts = model.items.rows.header["ratings"]
        return basis_of(model.globals, None), [
            Popular(model.items.ids[i], math.exp(logs[i]), int(counts[i])) for i in numbers
        ]
