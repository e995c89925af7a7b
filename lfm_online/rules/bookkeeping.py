"""What every rule does for each event beside learning: baselines, error sums, counts, ledger.

The bias-only guess of an event of user u and item i, all values as they were before it::

    c0    = (n mu + 10 mid)/(n + 10),  mid = (low + high)/2
    b_u   = sum(r - c0 - b_i)/(n_u + 5),  b_i = sum(r - c0 - b_u)/(n_i + 5)
    r_hat = clip(c0 + b_u + b_i, low, high)
"""

from __future__ import annotations

import math
from typing import Any, Final

import numba
import numpy as np

from lfm_online.batch import FORGET
from lfm_online.numba_flags import STEP

MEAN_PRIOR: Final = 10.0
"""Ratings that the middle of the range counts for in the mean."""
BIAS_PRIOR: Final = 5.0
"""Ratings that 'no bias' counts for in the bias-only guess."""
RECENT_KEEP: Final = math.exp2(-1 / 10_000)
"""The recent error sums halve every 10,000 ratings."""
LARGEST: Final = 1e30
"""No row needs more, and sums and products of two such factors still fit a float32."""


@numba.njit(**STEP)
def is_sound(value: float) -> Any:
    """Whether a value is finite, and no larger than a row may hold."""
    return abs(value) <= LARGEST


@numba.njit(**STEP)
def level(shared: Any, low: float, high: float) -> Any:
    """``(c0, sd)``: the shrunk running mean and standard deviation of ratings (Welford, 1962)."""
    n = shared.n + MEAN_PRIOR
    quarter = (high - low) / 4
    c0 = (shared.n * shared.mean + MEAN_PRIOR * (low + high) / 2) / n
    return c0, math.sqrt((shared.m2 + MEAN_PRIOR * quarter * quarter) / n)


@numba.njit(**STEP)
def recent_rmse(shared: Any, before_any: float) -> Any:
    """The model's recent root mean squared error; ``before_any`` where nothing was scored."""
    if shared.recent_weight > 0.0:
        return math.sqrt(shared.recent_squared_error[0] / shared.recent_weight)
    return before_any


@numba.njit(**STEP)
def clip(value: float, low: float, high: float) -> float:
    """``value`` within the range."""
    return min(max(value, low), high)


@numba.njit(**STEP)
def bias_of(header: Any) -> Any:
    """A row's shrunk bias in the bias-only guess."""
    return np.float64(header.bias_sum) / (header.ratings + BIAS_PRIOR)


@numba.njit(**STEP)
def bias_guess(c0: float, bias_user: float, bias_item: float, hyper: Any) -> Any:
    """The bias-only guess."""
    return clip(c0 + bias_user + bias_item, hyper.low, hyper.high)


@numba.njit(**STEP)
def score_event(
    j: int, shared: Any, user: Any, item: Any, rating: float, model: float, mean: float, bias: float, out: Any
) -> None:
    """Fill in what the three predictors said of event ``j``, and add their squared errors to the sums."""
    out.model[j] = model
    out.mean[j] = mean
    out.bias[j] = bias
    cold = user.ratings == 0 or item.ratings == 0
    out.cold[j] = cold
    out.ordinal[j] = user.ratings
    cohort = 1 if cold else 0
    shared.scored[cohort] += 1.0
    shared.recent_weight = shared.recent_weight * RECENT_KEEP + 1.0
    guesses = model, mean, bias
    for predictor in range(3):
        squared = (rating - guesses[predictor]) ** 2
        shared.squared_error[2 * predictor + cohort] += squared
        shared.recent_squared_error[predictor] = (
            shared.recent_squared_error[predictor] * RECENT_KEEP + squared
        )


@numba.njit(**STEP)
def count_event(user: Any, item: Any, digest: Any, shared: Any) -> None:
    """Enter a valid event in the ledgers of its user and item."""
    user.events += np.uint32(1)
    user.digest += digest
    item.events += np.uint32(1)
    item.digest += digest
    shared.events += 1


@numba.njit(**STEP)
def count_rating(
    user: Any,
    item: Any,
    rating: float,
    time_ms: int,
    c0: float,
    bias_user: float,
    bias_item: float,
    shared: Any,
) -> None:
    """Counts, times, baselines and the running mean, after a rating was learned."""
    user.bias_sum += np.float32(rating - c0 - bias_item)
    item.bias_sum += np.float32(rating - c0 - bias_user)
    user.time_ms = max(user.time_ms, time_ms) if user.ratings > 0 else time_ms
    item.time_ms = max(item.time_ms, time_ms) if item.ratings > 0 else time_ms
    user.ratings += np.uint32(1)
    item.ratings += np.uint32(1)
    shared.newest_ms = max(shared.newest_ms, time_ms) if shared.n > 0 else time_ms
    shared.n += 1.0
    deviation = rating - shared.mean
    shared.mean += deviation / shared.n
    shared.m2 += deviation * (rating - shared.mean)


@numba.njit(**STEP)
def count_other(what: int, user: Any, digest: Any, shared: Any) -> None:
    """A retraction counts in its user's ledger; after a tombstone the ledger starts anew."""
    shared.events += 1
    if what == FORGET:
        user.events = np.uint32(0)
        user.digest = np.uint32(0)
        user.ratings = np.uint32(0)
        user.time_ms = 0
        user.bias_sum = np.float32(0)
    else:
        user.events += np.uint32(1)
        user.digest += digest
