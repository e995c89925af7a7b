"""How far predictions were off, and how honest their stated uncertainty is."""

from __future__ import annotations

import math
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from lfm_online.evaluate.record import Record
from lfm_online.rules.bookkeeping import MEAN_PRIOR

STRETCHES: Final = 50


class Errors(NamedTuple):
    """Errors of one predictor over some ratings, in rating units."""

    rmse: float
    mae: float


class Uncertainty(NamedTuple):
    """How well a record's stated deviations and bands fit what came."""

    log_likelihood: float
    """Mean over the ratings of the log density of a Gaussian around the prediction, as the rule stated it."""
    log_likelihood_bias: float
    """The same around the bias-only guess, with the running variance of its errors."""
    coverage: tuple[float, ...]
    """Share of ratings within each of the stated bands."""


def errors(rating: NDArray[np.float64], guess: NDArray[np.float64]) -> Errors:
    """RMSE and MAE of the guesses of some ratings."""
    off = rating - guess
    return Errors(float(np.sqrt(np.mean(off**2))), float(np.mean(np.abs(off))))


class Stretches(NamedTuple):
    """RMSE of one predictor over each of some stretches of a stream, one behind the other."""

    stop: list[int]
    """Ratings up to each one's end."""
    rmse: list[float]


def by_stretch(rating: NDArray[np.float64], guess: NDArray[np.float64]) -> Stretches:
    """RMSE over each of :data:`STRETCHES` stretches of one length; fewer of fewer ratings."""
    bounds = np.unique(np.linspace(0, len(rating), STRETCHES + 1).astype(np.intp))
    squares = np.add.reduceat((rating - guess) ** 2, bounds[:-1])
    return Stretches(bounds[1:].tolist(), np.sqrt(squares / np.diff(bounds)).tolist())


def log_densities(off: NDArray[np.float64], deviation: NDArray[np.float64]) -> NDArray[np.float64]:
    """Log density of each error under a Gaussian of mean 0 and that deviation."""
    return -0.5 * (off / deviation) ** 2 - np.log(deviation) - 0.5 * math.log(2 * math.pi)


def running_deviation(off: NDArray[np.float64], low: float, high: float) -> NDArray[np.float64]:
    """The root of the mean squared error before each event, ``float64[n]``; shrunk to a quarter of the range.

    As ``bookkeeping.level`` shrinks the ratings' own spread, and as strong.
    """
    before = np.concatenate([[0.0], np.cumsum(off**2)[:-1]])
    quarter = (high - low) / 4
    return np.sqrt((before + MEAN_PRIOR * quarter**2) / (np.arange(len(off)) + MEAN_PRIOR))


def within_bands(record: Record) -> NDArray[np.bool_]:
    """Whether each rating lay within each band around its prediction: ``bool[n, 3]``."""
    off: NDArray[np.float64] = np.abs(record.rating - record.model)
    return off[:, None] <= record.bands


def uncertainty(record: Record, bias_deviation: NDArray[np.float64], last: slice) -> Uncertainty:
    """Of the ratings ``last`` of a record.

    Args:
        record: All ratings.
        bias_deviation: :func:`running_deviation` of the bias-only guess's errors, for all ratings.
        last: Which to measure.
    """
    own = log_densities(record.rating - record.model, record.deviation)[last]
    bias = log_densities(record.rating - record.bias, bias_deviation)[last]
    return Uncertainty(
        float(own.mean()),
        float(bias.mean()),
        tuple(within_bands(record)[last].mean(axis=0).tolist()),
    )
