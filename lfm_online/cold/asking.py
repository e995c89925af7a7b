"""The questionnaire measured against asking for popular items, and for random ones.

Five folds of users as for the cold curve. Half of a held-out user's ratings, by chance, are what the user
can answer with; of the other half twenty are predicted. Each way of asking is a list of all items; the user
answers for those of the first half, and the model learns the answers, all at the time of the first rating
to be predicted. Measured after a number of answers, and after a number of questions, most of which the user
can't answer.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from lfm_online.cold.curve import OnProgress, held_out
from lfm_online.cold.questionnaire import choose_questions
from lfm_online.cold.trial import FOLDS, Places, Trial, folds_of, new_trial, rmse
from lfm_online.ratings_file import RatingsTable
from lfm_online.rules.rule import Rule

ANSWERS: Final = (0, 1, 2, 5, 10)
QUESTIONS: Final = (10, 20, 50, 100)
WAYS: Final = ("questionnaire", "popular", "random")
LISTED: Final = 200
"""Questions that are chosen; behind them the list goes on by popularity."""
PREDICTED: Final = 20
"""Ratings of each user, at most: one who rated a thousand films should not count as fifty."""
_SEED: Final = 1

Ranks = NDArray[np.int64]


class Asked(msgspec.Struct, frozen=True):
    """One way of asking: RMSE in rating units, in the order of ``ANSWERS`` and ``QUESTIONS``."""

    way: str
    rmse_by_answers: list[float]
    questions_by_answers: list[float]  # the median user's, until so many were answered
    rmse_by_questions: list[float]
    answers_by_questions: list[float]  # the mean


class Asking(msgspec.Struct, frozen=True):
    """All ways, asked of the same users and measured on the same ratings."""

    users: int
    ratings: int
    answers: list[int]
    questions: list[int]
    ways: list[Asked]


class _Sums(NamedTuple):
    errors: dict[tuple[str, str, int], list[NDArray[np.float64]]]
    counts: dict[tuple[str, str, int], list[int]]

    def add(self, way: str, by: str, n: int, errors: NDArray[np.float64], count: int) -> None:
        self.errors.setdefault((way, by, n), []).append(errors)
        self.counts.setdefault((way, by, n), []).append(count)


def measure_asking(ratings: RatingsTable, rule: Rule, factors: int, on_progress: OnProgress) -> Asking:
    """Ask on a file. Users are those who can give ten answers and have as many ratings beside.

    Raises:
        ValueError: no rating lies within the range, all users fall into one fold, or there is no such user.
        NoQuestionsError: the rule has no questionnaire.
    """
    sums = _Sums({}, {})
    users = predicted = 0
    for fold in range(FOLDS):
        on_progress("questionnaire, folds", fold, FOLDS)
        trial = new_trial(ratings, rule, factors)
        folds = folds_of(trial)
        trial.learn(np.flatnonzero(folds != fold))
        ranks = _ranks(trial, len(np.unique(trial.batch.user[folds != fold])))
        random = np.random.default_rng([_SEED, fold])
        for places in held_out(trial, fold, folds):
            mixed = random.permutation(places)
            own, rest = np.array_split(mixed, 2)
            rest = np.sort(rest[:PREDICTED])
            if len(own) < ANSWERS[-1]:
                continue
            users += 1
            predicted += len(rest)
            for way in WAYS:
                _ask(trial, own, rest, ranks[way], way, sums)
    on_progress("questionnaire, folds", FOLDS, FOLDS)
    if not users:
        raise ValueError(f"no user has {2 * ANSWERS[-1]} ratings: the file is too small to ask")
    return Asking(users, predicted, [*ANSWERS], [*QUESTIONS], [_told(way, sums) for way in WAYS])


def _ranks(trial: Trial, users: int) -> dict[str, Ranks]:
    """By way: when each item is asked for, 0 first."""
    table = trial.model.items
    counts = table.rows.header["ratings"][: len(table)].astype(np.int64)
    popular = np.argsort(-counts, kind="stable")
    chosen = np.array([q.number for q in choose_questions(trial.model, LISTED, users)], np.int64)
    random = np.random.default_rng(_SEED).permutation(np.flatnonzero(counts))
    lists = {
        "questionnaire": [chosen, popular[~np.isin(popular, chosen)]],
        "popular": [popular],
        "random": [random, np.flatnonzero(counts == 0)],
    }
    return {way: np.argsort(np.concatenate(parts)) for way, parts in lists.items()}


def _ask(trial: Trial, own: Places, rest: Places, ranks: Ranks, way: str, sums: _Sums) -> None:
    """Ask one user one way, and enter what came of it."""
    rank = ranks[trial.batch.item[own]]
    order = np.argsort(rank, kind="stable")
    own, rank = own[order], rank[order]
    now = int(trial.batch.time_ms[rest].min())
    answered = {("questions", n): int(np.searchsorted(rank, n)) for n in QUESTIONS}
    stops = sorted({*ANSWERS, *answered.values()})
    errors = {}
    with trial.undone(np.concatenate([own, rest])):
        done = 0
        for stop in stops:
            trial.learn(own[done:stop], now)
            done = stop
            errors[stop] = trial.batch.rating[rest] - trial.guesses(rest)[0]
    for n in ANSWERS:
        sums.add(way, "answers", n, errors[n], int(rank[n - 1]) + 1 if n else 0)
    for (by, n), count in answered.items():
        sums.add(way, by, n, errors[count], count)


def _told(way: str, sums: _Sums) -> Asked:
    def each(by: str, stops: tuple[int, ...], of: Callable[[tuple[str, str, int]], float]) -> list[float]:
        return [of((way, by, n)) for n in stops]

    return Asked(
        way,
        each("answers", ANSWERS, lambda key: rmse(sums.errors[key])),
        each("answers", ANSWERS, lambda key: float(np.median(sums.counts[key]))),
        each("questions", QUESTIONS, lambda key: rmse(sums.errors[key])),
        each("questions", QUESTIONS, lambda key: float(np.mean(sums.counts[key]))),
    )
