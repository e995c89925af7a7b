"""The cold curve: how well users are predicted who gave 0, 1, 2, 5, 10, 20 ratings.

Users are dealt into five folds. For each fold a model learns all ratings of the other users in the order of
time; then each user held out gives their first k ratings to that model, and their ratings after the first 20
are predicted, the same ones for every k. What one user taught is undone before the next.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import msgspec
import numpy as np

from lfm_online.cold.trial import FOLDS, Places, Trial, folds_of, new_trial, rmse
from lfm_online.ratings_file import RatingsTable
from lfm_online.rules.rule import Rule

GIVEN: Final = (0, 1, 2, 5, 10, 20)

OnProgress = Callable[[str, int, int], None]
"""Called with what is counted, how many are done, and of how many."""


class CurvePoint(msgspec.Struct, frozen=True):
    """Errors after a number of ratings, in rating units."""

    given: int
    rmse: float  # of the model
    rmse_bias: float  # of the bias-only guess, which was given the same


class ColdCurve(msgspec.Struct, frozen=True):
    """The curve, and what it rests on."""

    users: int  # held out, with more than 20 ratings
    ratings: int  # predicted
    points: list[CurvePoint]


def held_out(trial: Trial, fold: int, folds: np.ndarray[tuple[int], np.dtype[np.int64]]) -> list[Places]:
    """The places of each held-out user's ratings, in the order of time."""
    places = np.flatnonzero(folds == fold)
    order = places[np.argsort(trial.batch.user[places], kind="stable")]
    starts = np.flatnonzero(np.diff(trial.batch.user[order])) + 1
    return np.split(order, starts)


def cold_curve(ratings: RatingsTable, rule: Rule, factors: int, on_progress: OnProgress) -> ColdCurve:
    """Measure the curve on a file.

    Raises:
        ValueError: no rating lies within the range, all users fall into one fold, or none has more than 20.
    """
    errors: list[list[list[np.ndarray[tuple[int], np.dtype[np.float64]]]]] = [[[], []] for _ in GIVEN]
    users = 0
    for fold in range(FOLDS):
        on_progress("cold curve, folds", fold, FOLDS)
        trial = new_trial(ratings, rule, factors)
        folds = folds_of(trial)
        trial.learn(np.flatnonzero(folds != fold))
        for places in held_out(trial, fold, folds):
            first, rest = places[: GIVEN[-1]], places[GIVEN[-1] :]
            if not len(rest):
                continue
            users += 1
            with trial.undone(places):
                done = 0
                for given, of_point in zip(GIVEN, errors, strict=True):
                    trial.learn(first[done:given])
                    done = given
                    for of_predictor, guesses in zip(of_point, trial.guesses(rest), strict=True):
                        of_predictor.append(trial.batch.rating[rest] - guesses)
    on_progress("cold curve, folds", FOLDS, FOLDS)
    if not users:
        raise ValueError(f"no user has more than {GIVEN[-1]} ratings: the file is too small for a cold curve")
    points = [
        CurvePoint(given, rmse(model), rmse(bias)) for given, (model, bias) in zip(GIVEN, errors, strict=True)
    ]
    return ColdCurve(users, sum(len(part) for part in errors[0][0]), points)
