"""The results as charts."""

from __future__ import annotations

from statistics import NormalDist
from typing import Final

import numpy as np

from lfm_online.evaluate.cohorts import by_user_ratings
from lfm_online.evaluate.record import Record
from lfm_online.layout import BANDS
from worker.evaluation.run import Results
from worker.svg import Chart, Series

_STRETCHES: Final = 50
"""Of the stream, each with its own RMSE."""
_GAUSSIAN_LEVELS: Final = tuple(range(5, 100, 5))  # percent


def charts(results: Results) -> list[Chart]:
    """RMSE over the stream, calibration, error by the user's ratings, and by factors if there are several."""
    record = results.evaluation.record
    drawn = [_over_the_stream(record), _calibration(results), _by_user_ratings(record)]
    if len(results.by_factors) > 1:
        drawn.append(_by_factors(results))
    return drawn


def _over_the_stream(record: Record) -> Chart:
    bounds = np.unique(np.linspace(0, len(record), _STRETCHES + 1).astype(np.intp))
    series = []
    for name, guess in (("model", record.model), ("mean", record.mean), ("bias-only", record.bias)):
        squares = np.add.reduceat((record.rating - guess) ** 2, bounds[:-1])
        series.append(Series(name, bounds[1:].tolist(), np.sqrt(squares / np.diff(bounds)).tolist()))
    return Chart(
        "RMSE over the stream", "ratings learned", f"RMSE of each of {len(bounds) - 1} stretches", series
    )


def _calibration(results: Results) -> Chart:
    record = results.evaluation.record
    off = np.abs(record.rating - record.model) / record.deviation
    widths = [NormalDist().inv_cdf((1 + level / 100) / 2) for level in _GAUSSIAN_LEVELS]
    levels = [float(level) for level in BANDS]
    return Chart(
        "Calibration",
        "stated share, %",
        "share of ratings held, %",
        [
            Series(
                "stated bands",
                levels,
                [100 * share for share in results.evaluation.uncertainty.coverage],
                line=False,
                marks=True,
            ),
            Series(
                "normal, of the stated deviation",
                _GAUSSIAN_LEVELS,
                [100 * float(np.mean(off <= width)) for width in widths],
            ),
            Series("honest", [0, 100], [0, 100], dashed=True),
        ],
    )


def _by_user_ratings(record: Record) -> Chart:
    cohorts = by_user_ratings(record)
    places = range(len(cohorts))
    return Chart(
        "Error by how much the user had rated",
        "the user's ratings before",
        "RMSE",
        [
            Series("model", places, [cohort.model.rmse for cohort in cohorts], marks=True),
            Series("bias-only", places, [cohort.bias.rmse for cohort in cohorts], marks=True),
        ],
        [cohort.name for cohort in cohorts],
    )


def _by_factors(results: Results) -> Chart:
    rows = results.by_factors
    return Chart(
        "Error by factors",
        "factors (bytes of a user's and an item's row)",
        "RMSE",
        [Series(results.rule.name, range(len(rows)), [row.rmse for row in rows], marks=True)],
        [f"{row.factors} ({row.user_row_bytes} + {row.item_row_bytes})" for row in rows],
    )
