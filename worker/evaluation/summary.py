"""The results as one JSON object, for other programs. Keys stay; new ones come behind."""

from __future__ import annotations

from typing import Any

from lfm_online.evaluate.cohorts import Cohort, by_knowledge, by_month, by_user_ratings
from lfm_online.evaluate.held_out import HeldOut
from lfm_online.evaluate.measures import Uncertainty, errors, within_bands
from lfm_online.evaluate.prequential import Evaluation
from lfm_online.evaluate.record import Record
from lfm_online.evaluate.split import SplitPlan
from lfm_online.layout import BANDS
from worker.evaluation.comparison_summary import ablation_summary, comparison_summary
from worker.evaluation.run import Results


def summary(results: Results) -> dict[str, Any]:
    """The object; README tells what its keys mean."""
    found = _overall(results.evaluation) | {
        "rule": results.rule.name,
        "factors": results.factors,
        "seed": results.rule.hyper.seed,
        "range": [results.rule.hyper.low, results.rule.hyper.high],
    }
    found |= _uncertainty(results.evaluation)
    record = results.evaluation.record
    found["cohorts"] = {
        "known": [_cohort(cohort) for cohort in by_knowledge(record)],
        "user_ratings": [_cohort(cohort) for cohort in by_user_ratings(record)],
        "month": [_cohort(cohort) for cohort in by_month(record)],
    }
    found["by_factors"] = [{name: getattr(row, name) for name in row.__slots__} for row in results.by_factors]
    found["splits"] = [_split(plan, held) for plan, held in results.splits.items()]
    if results.compared is not None:
        found["compare"] = comparison_summary(results.compared, results.evaluation)
    if results.ablated:
        found["ablation"] = ablation_summary(results.evaluation, results.ablated)
    if results.ranked:
        shipped = results.ranked[0]
        found["top"] = {
            "n": results.top,
            "like": results.like,
            "ranked": shipped.ranked,
            "scorers": [quality._asdict() for quality in results.ranked],
        }
        found |= {"hit_rate": shipped.hit_rate, "ndcg": shipped.ndcg}
    return found


def _overall(result: Evaluation) -> dict[str, Any]:
    return {
        "events": result.events,
        "refused": result.refused,
        "rmse": result.model.whole.rmse,
        "mae": result.model.whole.mae,
        "rmse_last_half": result.model.last_half.rmse,
        "rmse_mean": result.mean.whole.rmse,
        "rmse_bias": result.bias.whole.rmse,
        "events_per_second": result.events_per_second,
        "mae_mean": result.mean.whole.mae,
        "mae_bias": result.bias.whole.mae,
        "mae_last_half": result.model.last_half.mae,
        "rmse_mean_last_half": result.mean.last_half.rmse,
        "rmse_bias_last_half": result.bias.last_half.rmse,
    }


def _uncertainty(result: Evaluation) -> dict[str, Any]:
    def of(found: Uncertainty, suffix: str) -> dict[str, Any]:
        return {
            f"log_likelihood{suffix}": found.log_likelihood,
            f"log_likelihood_bias{suffix}": found.log_likelihood_bias,
            f"coverage{suffix}": _by_level(found.coverage),
        }

    return of(result.uncertainty, "") | of(result.uncertainty_last_half, "_last_half")


def _by_level(coverage: tuple[float, ...]) -> dict[str, float]:
    return dict(zip(BANDS, coverage, strict=True))


def _cohort(cohort: Cohort) -> dict[str, Any]:
    return {
        "name": cohort.name,
        "ratings": cohort.ratings,
        "rmse": cohort.model.rmse,
        "mae": cohort.model.mae,
        "rmse_bias": cohort.bias.rmse,
        "mae_bias": cohort.bias.mae,
        "coverage": _by_level(cohort.coverage),
    }


def _split(plan: SplitPlan, held: HeldOut) -> dict[str, Any]:
    return {
        "split": str(plan),
        "train": held.train,
        "test": len(held.frozen),
        "frozen": _held(held.frozen),
        "kept_learning": _held(held.kept_learning),
    }


def _held(record: Record) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for suffix, guess in (("", record.model), ("_mean", record.mean), ("_bias", record.bias)):
        of = errors(record.rating, guess)
        found |= {f"rmse{suffix}": of.rmse, f"mae{suffix}": of.mae}
    return found | {"coverage": _by_level(tuple(within_bands(record).mean(axis=0).tolist()))}
