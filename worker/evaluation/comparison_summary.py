"""The peers' results as keys of the JSON object."""

from __future__ import annotations

from typing import Any

from lfm_online.compare.ablation import Ablated
from lfm_online.compare.batch import FOLDS
from lfm_online.evaluate.prequential import Evaluation
from worker.evaluation.comparison import Compared
from worker.evaluation.comparison_tables import margin


def comparison_summary(compared: Compared, evaluation: Evaluation) -> dict[str, Any]:
    """The value of ``compare``: the peers in the stream, those by folds, those that rank, and their grids."""
    own = evaluation.model.whole.rmse
    return {
        "grids": compared.grids,
        "online": [
            {
                "peer": row.peer,
                "how": row.how,
                "constants": row.constants,
                "rmse": row.scores.whole.rmse,
                "mae": row.scores.whole.mae,
                "rmse_last_half": row.scores.last_half.rmse,
                "better_by_percent": margin(own, row.scores.whole.rmse),
                "events_per_second": row.events_per_second,
            }
            for row in compared.online
        ],
        "folds": FOLDS,
        "batch": [
            {
                "peer": row.peer,
                "how": row.how,
                "constants": row.constants,
                "rmse": row.errors.rmse,
                "mae": row.errors.mae,
            }
            for row in compared.folds
        ],
        "top": [
            {"peer": row.peer, "how": row.how, "constants": row.constants}
            | {key: value for key, value in row.top._asdict().items() if key != "name"}
            for row in compared.top
        ],
    }


def ablation_summary(evaluation: Evaluation, ablated: list[Ablated]) -> list[dict[str, Any]]:
    """The value of ``ablation``: what is lost without each part."""
    own, likelihood = evaluation.model, evaluation.uncertainty.log_likelihood
    return [
        {
            "without": row.part,
            "rmse_lost": row.scores.whole.rmse - own.whole.rmse,
            "rmse_last_half_lost": row.scores.last_half.rmse - own.last_half.rmse,
            "log_likelihood_lost": likelihood - row.log_likelihood,
        }
        for row in ablated
    ]
