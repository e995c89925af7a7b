"""Errors by what was known of user and item, by how much the user had rated, and by month."""

from __future__ import annotations

from itertools import pairwise
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from lfm_online.evaluate.measures import Errors, errors, within_bands
from lfm_online.evaluate.record import Record

KNOWLEDGE: Final = ("both known", "new user", "new item", "both new")
COUNTS: Final = (0, 1, 2, 3, 5, 10, 20, 50)
"""Where the groups by a user's count of ratings begin; the last one has no end."""


class Cohort(NamedTuple):
    """Some of the ratings of a record."""

    name: str
    ratings: int
    model: Errors
    bias: Errors
    coverage: tuple[float, ...]
    """Share of ratings within each of the stated bands."""


def by_knowledge(record: Record) -> list[Cohort]:
    """By whether user and item had a rating before."""
    group = (record.user_ratings == 0) + 2 * (record.item_ratings == 0)
    return _cohorts(record, group, KNOWLEDGE)


def by_user_ratings(record: Record) -> list[Cohort]:
    """By how many ratings the user's row had been learned from."""
    names = [str(start) if stop == start + 1 else f"{start}-{stop - 1}" for start, stop in pairwise(COUNTS)]
    group = np.searchsorted(COUNTS, record.user_ratings, side="right") - 1
    return _cohorts(record, group, (*names, f"{COUNTS[-1]}+"))


def by_month(record: Record) -> list[Cohort]:
    """By the month of the rating's time, in UTC, as ``2015-03``."""
    return _by_date(record, "M")


def by_year(record: Record) -> list[Cohort]:
    """By the year of the rating's time, in UTC."""
    return _by_date(record, "Y")


def _by_date(record: Record, unit: str) -> list[Cohort]:
    dates = record.time_ms.astype("datetime64[ms]").astype(f"datetime64[{unit}]")
    found, group = np.unique(dates, return_inverse=True)
    return _cohorts(record, group, found.astype(str).tolist())


def _cohorts(record: Record, group: NDArray[np.intp], names: tuple[str, ...] | list[str]) -> list[Cohort]:
    """One for each group that has ratings, in the order of the names."""
    within = within_bands(record)
    order = np.argsort(group, kind="stable")
    bounds = np.searchsorted(group[order], np.arange(len(names) + 1))
    cohorts = []
    for name, start, stop in zip(names, bounds, bounds[1:], strict=False):
        if start == stop:
            continue
        chosen = order[start:stop]
        rating = record.rating[chosen]
        cohorts.append(
            Cohort(
                name,
                len(chosen),
                errors(rating, record.model[chosen]),
                errors(rating, record.bias[chosen]),
                tuple(within[chosen].mean(axis=0).tolist()),
            )
        )
    return cohorts
