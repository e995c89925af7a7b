"""Ratings within the range: no rule learns any other."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lfm_online.plain_number import plain
from lfm_online.ratings_file import RatingsTable


class NoRatingsError(ValueError):
    """There is nothing to learn: no rating at all, or none within the range."""


def within(ratings: RatingsTable, low: float, high: float, name: str = "") -> RatingsTable:
    """The ratings at :func:`places_within`."""
    inside = places_within(ratings, low, high, name)
    return ratings if len(inside) == len(ratings) else ratings.take(inside)


def places_within(ratings: RatingsTable, low: float, high: float, name: str = "") -> NDArray[np.intp]:
    """Where the ratings from ``low`` to ``high`` stand in the table, both included.

    Args:
        ratings: All of them.
        low: The lowest that is learned.
        high: The highest.
        name: What holds the ratings, for the error's words.

    Raises:
        NoRatingsError: there are none.
    """
    if not len(ratings):
        raise NoRatingsError(f"{name or 'the table'} holds no ratings")
    inside = np.flatnonzero((ratings.ratings >= low) & (ratings.ratings <= high))
    if not len(inside):
        raise NoRatingsError(
            f"none of the {len(ratings):,} ratings{f' of {name}' if name else ''} ({span(ratings)}) "
            f"lies in {plain(low)},{plain(high)} (--range)"
        )
    return inside


def span(ratings: RatingsTable) -> str:
    """The lowest and the highest rating, in words; there must be one."""
    lowest, highest = float(ratings.ratings.min()), float(ratings.ratings.max())
    # With six digits, what lies just outside the range would look as if it lay within.
    return f"{lowest:.15g} to {highest:.15g}"
