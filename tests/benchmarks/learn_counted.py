"""``python -m tests.benchmarks.learn_counted RATINGS.npy``: what :mod:`tests.benchmarks.instructions` counts.

Each kernel learns n, n and 2n events, each by a new model and between two calls of :data:`MARK`; the first
time it is loaded, too.
"""

from __future__ import annotations

import os
import sys
from typing import Final

import numpy as np

from lfm_online.batch import batch_of
from lfm_online.model import Model
from lfm_online.rules.registry import make_rule

KERNELS: Final = {"sgd": ("sgd", False), "adaptive": ("adaptive", False), "with_ranking": ("adaptive", True)}
"""Rule, and whether with the ranking head."""
FACTORS: Final = 32
LOW, HIGH = 0.5, 5.0
MARK: Final = "getppid"
"""A function of the system's library that nothing else calls."""


def _learn(path: str) -> None:
    """Learn the ratings of a file, ``float64[4, 2n]``: user, item, rating, time."""
    user, item, rating, time_ms = np.load(path)
    n = len(user) // 2
    for rule, ranking in KERNELS.values():
        for events in (n, n, 2 * n):
            part = slice(0, events)
            batch = batch_of(user[part], item[part], rating[part], time_ms[part].astype(np.int64))
            model = Model(make_rule(rule, LOW, HIGH, 1), FACTORS, ranking=ranking)
            for table, numbers in ((model.users, batch.user), (model.items, batch.item)):
                table.start(table.numbers([str(each) for each in range(int(numbers.max()) + 1)]))
            os.getppid()
            model.learn(batch)
            os.getppid()


if __name__ == "__main__":
    _learn(sys.argv[1])
