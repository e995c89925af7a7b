"""Ratings within the range: what is left of a table, and what is said where nothing is."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lfm_online.rating_range import NoRatingsError, span, within
from lfm_online.ratings_file import RatingsTable


def table(*ratings: float) -> RatingsTable:
    """One user and one item a rating, the last one first in time."""
    numbers = range(len(ratings))
    return RatingsTable(
        [f"u{n}" for n in numbers],
        [f"i{n}" for n in numbers],
        np.array(ratings, np.float64),
        np.array([1000 - n for n in numbers], np.int64),
    )


@given(st.lists(st.integers(0, 9), min_size=1))
def test_ratings_within_the_range_stay_whole_and_in_their_order(ratings: list[int]) -> None:
    given_table = table(1, *ratings)
    found = within(given_table, 1, 5)
    rows = zip(
        given_table.users,
        given_table.items,
        given_table.ratings.tolist(),
        given_table.times_ms.tolist(),
        strict=True,
    )
    expected = [row for row in rows if 1 <= row[2] <= 5]
    columns = (found.users, found.items, found.ratings.tolist(), found.times_ms.tolist())
    assert list(zip(*columns, strict=True)) == expected


def test_where_no_rating_lies_in_the_range_the_error_says_where_they_lie() -> None:
    with pytest.raises(NoRatingsError) as told:
        within(table(*[10, 50] * 600), 0.5, 5, "x10.csv")
    assert str(told.value) == "none of the 1,200 ratings of x10.csv (10 to 50) lies in 0.5,5 (--range)"


def test_the_error_says_the_range_with_all_its_digits() -> None:
    with pytest.raises(NoRatingsError, match=r"lies in 0\.1,1000001 \(--range\)$"):
        within(table(2_000_000), 0.1, 1_000_001)


def test_where_there_are_no_ratings_the_range_is_not_blamed() -> None:
    with pytest.raises(NoRatingsError, match=r"^x\.csv holds no ratings$"):
        within(table(), 0.5, 5, "x.csv")


def test_a_rating_just_outside_the_range_does_not_look_as_if_it_lay_within() -> None:
    assert span(table(1, 5.0000001)) == "1 to 5.0000001"
