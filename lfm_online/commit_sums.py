"""What one commit adds to the learner's metrics, in one pass over its events."""

from __future__ import annotations

from typing import Any, NamedTuple

import numba
import numpy as np
from numpy.typing import NDArray

from lfm_online.batch import RATING, Batch, Outcome
from lfm_online.layout import BANDS, COHORTS, PREDICTORS
from lfm_online.numba_flags import BORROWING, KERNEL


class OutcomeSums(NamedTuple):
    """Events by what became of them, and the errors of what was predicted for those that were learned."""

    kinds: NDArray[np.int64]  # int64[3], by ``Batch.what``
    refused: int  # ratings whose update was not finite
    scored: NDArray[np.int64]  # int64[len(COHORTS)]
    squared_error: NDArray[np.float64]  # float64[len(PREDICTORS), len(COHORTS)]
    in_band: NDArray[np.int64]  # int64[len(BANDS)]


def sum_outcome(batch: Batch, outcome: Outcome) -> OutcomeSums:
    """Sums over a batch that was learned; a refused rating counts as such, and in no error."""
    kinds, scored = np.zeros(3, np.int64), np.zeros(len(COHORTS), np.int64)
    squared_error = np.zeros((len(PREDICTORS), len(COHORTS)))
    in_band = np.zeros(len(BANDS), np.int64)
    o = outcome
    refused = _sum(
        batch.what,
        batch.rating,
        (o.model, o.mean, o.bias),
        (o.cold, o.refused),
        o.bands,
        (kinds, scored, in_band),
        squared_error,
    )
    return OutcomeSums(kinds, int(refused), scored, squared_error, in_band)


def count_delays(
    since_ms: NDArray[np.int64], now_ms: float, bounds: NDArray[np.float64], counts: NDArray[np.int64]
) -> float:
    """Count each delay in the first bucket whose bound is not below it.

    Args:
        since_ms: Unix times, milliseconds; a negative one is none.
        now_ms: Unix time, milliseconds. A later one is no delay.
        bounds: float64[n], ascending, seconds; the last is infinite.
        counts: int64[n], added to.

    Returns:
        Sum of the delays, seconds.
    """
    return float(_count(since_ms, now_ms, bounds, counts))


@numba.njit(**KERNEL)
def _sum(what: Any, rating: Any, predicted: Any, flags: Any, bands: Any, counts: Any, squared: Any) -> int:
    cold, refused = flags
    kinds, scored, in_band = counts
    n_refused = 0
    for j in range(len(what)):
        kinds[what[j]] += 1
        if what[j] != RATING:
            continue
        if refused[j]:
            n_refused += 1
            continue
        cohort = 1 if cold[j] else 0
        scored[cohort] += 1
        for predictor in range(len(predicted)):
            error = rating[j] - predicted[predictor][j]
            squared[predictor, cohort] += error * error
        error = abs(rating[j] - predicted[0][j])
        for band in range(bands.shape[1]):
            if error <= bands[j, band]:
                in_band[band] += 1
    return n_refused


@numba.njit(**BORROWING)
def _count(since_ms: Any, now_ms: float, bounds: Any, counts: Any) -> float:
    total = 0.0
    bucket = 0  # that of the event before is near
    for j in range(len(since_ms)):
        if since_ms[j] < 0:
            continue
        seconds = max(now_ms - since_ms[j], 0.0) / 1000.0
        while seconds > bounds[bucket]:
            bucket += 1
        while bucket > 0 and seconds <= bounds[bucket - 1]:
            bucket -= 1
        counts[bucket] += 1
        total += seconds
    return total
