"""The results as tables for people."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from rich.table import Table

from lfm_online.evaluate.cohorts import Cohort, by_knowledge, by_month, by_user_ratings, by_year
from lfm_online.evaluate.measures import errors
from lfm_online.layout import BANDS
from worker.evaluation.comparison_tables import ablation_table, comparison_tables
from worker.evaluation.run import Results

_MONTHS: Final = 24
"""Of a longer stream years are shown."""


def tables(results: Results) -> Iterator[Table]:
    """What was measured, the errors first."""
    yield _errors(results)
    yield _uncertainty(results)
    record = results.evaluation.record
    yield _cohorts("known before", by_knowledge(record))
    yield _cohorts("user's ratings", by_user_ratings(record))
    months = by_month(record)
    yield _cohorts("month", months) if len(months) <= _MONTHS else _cohorts("year", by_year(record))
    if len(results.by_factors) > 1:
        yield _factors(results)
    if results.splits:
        yield _splits(results)
    if results.ranked:
        yield _ranked(results)
    if results.compared is not None:
        yield from comparison_tables(results.compared, results.evaluation, results.rule.name)
    if results.ablated:
        yield ablation_table(results.evaluation, results.ablated)


def _table(first: str, headings: list[str], title: str | None = None, caption: str | None = None) -> Table:
    table = Table(title=title, caption=caption)
    table.add_column(first)
    for heading in headings:
        table.add_column(heading, justify="right")
    return table


def _errors(results: Results) -> Table:
    result = results.evaluation
    table = _table(
        "predictor",
        ["RMSE", "MAE", "RMSE, last half", "MAE, last half"],
        title=f"{result.events:,} ratings learned, {result.refused:,} refused",
        caption=f"{result.events_per_second:,.0f} events/s in the kernel",
    )
    rows = {
        f"{results.rule.name}, {results.factors} factors": result.model,
        "running mean": result.mean,
        "bias-only guess": result.bias,
    }
    for name, scores in rows.items():
        table.add_row(name, *(f"{value:.4f}" for part in scores for value in part))
    return table


def _uncertainty(results: Results) -> Table:
    table = _table(
        "bands hold",
        [*(f"{level}%" for level in BANDS), "log-likelihood", "bias-only guess's"],
    )
    result = results.evaluation
    for name, found in (("all", result.uncertainty), ("last half", result.uncertainty_last_half)):
        table.add_row(
            name,
            *(f"{share:.1%}" for share in found.coverage),
            f"{found.log_likelihood:.4f}",
            f"{found.log_likelihood_bias:.4f}",
        )
    return table


def _cohorts(first: str, cohorts: list[Cohort]) -> Table:
    widest = list(BANDS)[-1]
    table = _table(first, ["ratings", "RMSE", "MAE", "bias-only RMSE", f"{widest}% holds"])
    for cohort in cohorts:
        table.add_row(
            cohort.name,
            f"{cohort.ratings:,}",
            f"{cohort.model.rmse:.4f}",
            f"{cohort.model.mae:.4f}",
            f"{cohort.bias.rmse:.4f}",
            f"{cohort.coverage[-1]:.1%}",
        )
    return table


def _factors(results: Results) -> Table:
    table = _table("factors", ["RMSE", "bytes a user", "bytes an item", "events/s"])
    for row in results.by_factors:
        table.add_row(
            str(row.factors),
            f"{row.rmse:.4f}",
            str(row.user_row_bytes),
            str(row.item_row_bytes),
            f"{row.events_per_second:,.0f}",
        )
    return table


def _splits(results: Results) -> Table:
    table = _table("split", ["trained", "tested", "", "RMSE", "MAE", "bias-only RMSE"])
    for plan, held in results.splits.items():
        rows = {"frozen": held.frozen, "learning on": held.kept_learning}
        for at, (way, record) in enumerate(rows.items()):
            own, bias = errors(record.rating, record.model), errors(record.rating, record.bias)
            cells = [str(plan), f"{held.train:,}", f"{len(record):,}"] if at == 0 else [""] * 3
            table.add_row(*cells, way, f"{own.rmse:.4f}", f"{own.mae:.4f}", f"{bias.rmse:.4f}")
    return table


def _ranked(results: Results) -> Table:
    n, ranked = results.top, results.ranked[0].ranked
    table = _table(
        "ranked by",
        ["hit rate", "NDCG", "shown", "more popular", "hits rated"],
        title=f"Top {n}: {ranked:,} ratings of at least {results.like:g} among all items not yet rated",
        caption="shown: of all items; more popular: share of the items with more ratings than a shown one; "
        "hits rated: mean rating of what was found",
    )
    for quality in results.ranked:
        table.add_row(
            quality.name,
            f"{quality.hit_rate:.4f}",
            f"{quality.ndcg:.4f}",
            f"{quality.coverage:.1%}",
            f"{quality.popularity_rank:.1%}",
            "" if quality.hit_rating is None else f"{quality.hit_rating:.3f}",
        )
    return table
