"""What a commit adds to the metrics, beside the same by masks."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from lfm_online.batch import RATING, batch_of, empty_outcome
from lfm_online.commit_sums import count_delays, sum_outcome


@pytest.mark.parametrize("n", [0, 1, 500])
def test_the_sums_of_a_commit_are_those_of_its_parts(n: int) -> None:
    random = np.random.default_rng(n)
    batch = batch_of(
        np.zeros(n), np.zeros(n), random.normal(3, 1, n), np.zeros(n), what=random.integers(0, 3, n)
    )
    outcome = empty_outcome(n)
    for column in (outcome.model, outcome.mean, outcome.bias, outcome.bands):
        column[...] = random.normal(1, 1, column.shape)
    outcome.cold[:] = random.random(n) < 0.3
    outcome.refused[:] = random.random(n) < 0.2
    sums = sum_outcome(batch, outcome)
    rated = batch.what == RATING
    scored = rated & ~outcome.refused
    assert_array_equal(sums.kinds, np.bincount(batch.what, minlength=3))
    assert sums.refused == (rated & outcome.refused).sum()
    for cohort, chosen in enumerate((scored & ~outcome.cold, scored & outcome.cold)):
        assert sums.scored[cohort] == chosen.sum()
        for predictor, column in enumerate((outcome.model, outcome.mean, outcome.bias)):
            errors = (batch.rating - column)[chosen]
            assert_allclose(sums.squared_error[predictor, cohort], (errors**2).sum(), rtol=1e-12)
    held = np.abs(batch.rating - outcome.model)[:, None] <= outcome.bands
    assert_array_equal(sums.in_band, held[scored].sum(axis=0))


def test_delays_are_counted_in_the_buckets_that_a_search_finds() -> None:
    random = np.random.default_rng(0)
    bounds = np.array([0.001, 0.25, 1.0, np.inf])
    now = 10_000_000
    since = np.concatenate([random.integers(now - 3000, now + 50, 400), [now - 1, now - 250, -1, -1]])
    counts = np.array([1, 2, 3, 4])
    total = count_delays(since.astype(np.int64), now, bounds, counts)
    seconds = np.maximum(now - since[since >= 0], 0) / 1000
    expected = np.bincount(np.searchsorted(bounds, seconds), minlength=4)
    assert_array_equal(counts - [1, 2, 3, 4], expected)
    assert_allclose(total, seconds.sum())
