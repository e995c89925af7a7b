"""Log-likelihood, coverage and cohorts, against plain arithmetic."""

from __future__ import annotations

import math

import numpy as np
import pytest

from lfm_online.evaluate.cohorts import COUNTS, Cohort, by_knowledge, by_month, by_user_ratings, by_year
from lfm_online.evaluate.measures import log_densities, running_deviation, uncertainty
from lfm_online.evaluate.record import Record, join


def made_record(n: int = 400) -> Record:
    random = np.random.default_rng(4)
    rating = random.integers(1, 6, n).astype(np.float64)
    return Record(
        rating,
        random.integers(1_400_000_000_000, 1_500_000_000_000, n),
        random.integers(0, 80, n) * random.integers(0, 2, n),
        random.integers(0, 3, n),
        random.uniform(1, 5, n),
        np.full(n, 3.0),
        random.uniform(1, 5, n),
        random.uniform(0.5, 2, n),
        np.sort(random.uniform(0, 3, (n, 3)), axis=1),
    )


RECORD = made_record()


@pytest.mark.parametrize("cohorts", [by_knowledge, by_user_ratings, by_month, by_year])
def test_cohorts_add_up_to_the_whole(cohorts: object) -> None:
    assert callable(cohorts)
    found: list[Cohort] = cohorts(RECORD)
    ratings = np.array([cohort.ratings for cohort in found])
    assert ratings.sum() == len(RECORD)
    assert len({cohort.name for cohort in found}) == len(found)
    squares = ratings @ np.array([cohort.model.rmse**2 for cohort in found])
    np.testing.assert_allclose(squares, ((RECORD.rating - RECORD.model) ** 2).sum())
    absolute = ratings @ np.array([cohort.bias.mae for cohort in found])
    np.testing.assert_allclose(absolute, np.abs(RECORD.rating - RECORD.bias).sum())
    held = ratings @ np.array([cohort.coverage for cohort in found])
    within = np.abs(RECORD.rating - RECORD.model)[:, None] <= RECORD.bands
    np.testing.assert_allclose(held, within.sum(axis=0))


def test_each_rating_is_in_the_cohort_of_what_was_known() -> None:
    new = {(False, False): "both known", (True, False): "new user", (False, True): "new item"}
    expected: dict[str, int] = {}
    for user, item in zip(RECORD.user_ratings, RECORD.item_ratings, strict=True):
        name = new.get((user == 0, item == 0), "both new")
        expected[name] = expected.get(name, 0) + 1
    assert {cohort.name: cohort.ratings for cohort in by_knowledge(RECORD)} == expected


def test_groups_by_count_begin_where_they_say() -> None:
    names = [cohort.name for cohort in by_user_ratings(RECORD)]
    assert names == ["0", "1", "2", "3-4", "5-9", "10-19", "20-49", "50+"]
    found = {cohort.name: cohort.ratings for cohort in by_user_ratings(RECORD)}
    assert found["50+"] == int((RECORD.user_ratings >= 50).sum())
    assert found["3-4"] == int(((RECORD.user_ratings == 3) | (RECORD.user_ratings == 4)).sum())
    assert len(COUNTS) == len(names)


def test_months_are_those_of_the_calendar_in_utc_in_order() -> None:
    names = [cohort.name for cohort in by_month(RECORD)]
    assert names == sorted(names)
    assert names[0] == "2014-05"
    assert names[-1] == "2017-07"


def test_log_likelihood_is_that_of_a_gaussian_around_the_prediction() -> None:
    off, deviation = RECORD.rating - RECORD.model, RECORD.deviation
    plain = [
        math.log(math.exp(-(e**2) / (2 * s**2)) / (s * math.sqrt(2 * math.pi)))
        for e, s in zip(off.tolist(), deviation.tolist(), strict=True)
    ]
    np.testing.assert_allclose(log_densities(off, deviation), plain)
    found = uncertainty(RECORD, np.ones(len(RECORD)), slice(None))
    np.testing.assert_allclose(found.log_likelihood, np.mean(plain))


def test_the_running_deviation_knows_only_the_errors_before() -> None:
    off = np.array([2.0, -1.0, 0.5])
    found = running_deviation(off, 1, 5)
    prior = 10 * 1.0**2
    np.testing.assert_allclose(found**2, [prior / 10, (prior + 4) / 11, (prior + 5) / 12])


def test_the_last_half_is_measured_on_its_ratings_alone() -> None:
    half = slice(len(RECORD) // 2, None)
    deviation = running_deviation(RECORD.rating - RECORD.bias, 1, 5)
    found = uncertainty(RECORD, deviation, half)
    expected = log_densities((RECORD.rating - RECORD.bias)[half], deviation[half]).mean()
    np.testing.assert_allclose(found.log_likelihood_bias, expected)
    inside = np.abs(RECORD.rating - RECORD.model)[half] <= RECORD.bands[half, 2]
    np.testing.assert_allclose(found.coverage[2], inside.mean())


def test_joined_records_are_one_behind_the_other() -> None:
    both = join([RECORD.part(slice(0, 100)), RECORD.part(slice(100, None))])
    assert len(both) == len(RECORD)
    np.testing.assert_array_equal(both.bands, RECORD.bands)
