"""The results as charts."""

from __future__ import annotations

from statistics import NormalDist
from typing import Final

import numpy as np

from lfm_online.evaluate.cohorts import by_user_ratings
from lfm_online.evaluate.measures import by_stretch
from lfm_online.evaluate.record import Record
from lfm_online.layout import BANDS
from worker.evaluation.run import C_MEASURED, Results
from worker.svg import Chart, Series

_GAUSSIAN_LEVELS: Final = tuple(range(5, 100, 5))  # percent


def charts(results: Results) -> list[Chart]:
    """RMSE over the stream, calibration, error by the user's ratings; factors and top n where measured."""
    record = results.evaluation.record
    drawn = [_over_the_stream(results), _calibration(results), _by_user_ratings(record)]
    if len(results.by_factors) > 1:
        drawn.append(_by_factors(results))
    if results.ranked:
        drawn.append(_by_c(results))
    return drawn


def _over_the_stream(results: Results) -> Chart:
    record = results.evaluation.record
    found = {
        name: by_stretch(record.rating, guess)
        for name, guess in (("model", record.model), ("mean", record.mean), ("bias-only", record.bias))
    }
    if results.compared is not None:
        found |= {f"{row.peer}, {row.how}": row.stretches for row in results.compared.online}
    count = len(found["model"].stop)
    return Chart(
        "RMSE over the stream",
        "ratings learned",
        f"RMSE of each of {count} stretches",
        [Series(name, stretches.stop, stretches.rmse) for name, stretches in found.items()],
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


def _by_c(results: Results) -> Chart:
    """Of the shipped scorer by its weight of the predicted rating, and of the others as levels."""
    order = np.argsort(C_MEASURED)
    by_c = [results.ranked[place] for place in order]
    others = results.ranked[len(C_MEASURED) :]
    places = range(len(by_c))
    return Chart(
        f"The top {results.top} by c",
        "c, the weight of the predicted rating",
        f"hit rate at {results.top}",
        [
            Series("taken next", places, [quality.hit_rate for quality in by_c], marks=True),
            *(Series(other.name, places, [other.hit_rate] * len(by_c), dashed=True) for other in others),
        ],
        [f"{C_MEASURED[place]:g}" for place in order],
    )
