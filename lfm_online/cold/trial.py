"""A model that is tried out: rows started for a whole file, and put back after what a trial taught them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from lfm_online.batch import Batch, Outcome
from lfm_online.fit.train import started
from lfm_online.hashing import id_hash
from lfm_online.model import Model
from lfm_online.ratings_file import RatingsTable
from lfm_online.rules.bookkeeping import BIAS_PRIOR, MEAN_PRIOR
from lfm_online.rules.rule import Rule

FOLDS = 5
"""Users are dealt into so many by their ids' hashes; each fold is held out once."""

Places = NDArray[np.intp]


class Trial(NamedTuple):
    """A new model and the ratings that it is to be tried on, in the order of time."""

    model: Model
    batch: Batch

    def learn(self, places: Places, time_ms: int | None = None) -> Outcome:
        """Learn the ratings at these places, in their order; all at ``time_ms`` if it is given."""
        batch = Batch._make(column[places] for column in self.batch)
        if time_ms is not None:
            batch = batch._replace(time_ms=np.full(len(places), time_ms, np.int64))
        return self.model.learn(batch)

    @contextmanager
    def undone(self, places: Places) -> Iterator[None]:
        """Rows that these ratings touch, and the globals, are put back at the end of the block."""
        model = self.model
        users, items = model.touched(Batch._make(column[places] for column in self.batch))
        arrays = [(a, users) for a in model.users.rows[:3]] + [(a, items) for a in model.items.rows[:3]]
        arrays += [(a, np.zeros(1, np.int32)) for a in model.globals]
        saved = [array[numbers] for array, numbers in arrays]
        try:
            yield
        finally:
            for (array, numbers), values in zip(arrays, saved, strict=True):
                array[numbers] = values

    def guesses(self, places: Places) -> NDArray[np.float64]:
        """Predictions as the model stands, each for its own time.

        Returns:
            ``float64[2, n]`` of the model and the bias-only guess.
        """
        model, batch = self.model, self.batch
        rule, users, items = model.rule, model.users.rows, model.items.rows
        out = np.empty((2, len(places)))
        parts = np.empty(len(rule.part_names))
        for column, j in enumerate(places.tolist()):
            u, i, time_ms = int(batch.user[j]), int(batch.item[j]), int(batch.time_ms[j])
            rule.parts(users, u, items, i, model.globals, rule.hyper, time_ms, parts)
            out[0, column] = rule.rating_of(float(parts.sum()))
        low, high, shared = rule.hyper.low, rule.hyper.high, model.shared
        n = shared["n"] + MEAN_PRIOR
        c0 = (shared["n"] * shared["mean"] + MEAN_PRIOR * (low + high) / 2) / n
        b_u, b_i = (
            header["bias_sum"].astype(np.float64) / (header["ratings"] + BIAS_PRIOR)
            for header in (users.header[batch.user[places]], items.header[batch.item[places]])
        )
        out[1] = np.clip(c0 + b_u + b_i, low, high)
        return out


def new_trial(ratings: RatingsTable, rule: Rule, factors: int) -> Trial:
    """All rows of a file started, nothing learned; ratings outside the rule's range are left out.

    Raises:
        NoRatingsError: no rating lies within the range.
    """
    return Trial(*started(ratings, rule, factors))


def folds_of(trial: Trial) -> NDArray[np.int64]:
    """The fold of each rating, which is that of its user: ``int64[n]``.

    Raises:
        ValueError: all users fall into one.
    """
    users = trial.model.users
    fold = np.array([id_hash("user", user.encode()) % FOLDS for user in users.ids], np.int64)
    if np.all(fold == fold[0]):
        n = len(fold)
        raise ValueError(
            f"{n} user{'s are' if n > 1 else ' is'} too few: all fall into one of {FOLDS} folds, and with it "
            f"held out nobody is left to learn from; it takes ratings by {max(FOLDS, n + 1)} users or more"
        )
    return fold[trial.batch.user]


def rmse(errors: list[NDArray[np.float64]]) -> float:
    """The root of the mean square of all errors together; NaN of none."""
    joined = np.concatenate([*errors, np.zeros(0)])
    return float(np.sqrt(np.mean(joined**2))) if len(joined) else float("nan")
