"""The peers' results as tables for people."""

from __future__ import annotations

from collections.abc import Iterator

from rich.table import Table

from lfm_online.compare.ablation import Ablated
from lfm_online.compare.batch import FOLDS
from lfm_online.evaluate.prequential import Evaluation, Scores
from worker.evaluation.comparison import Compared


def margin(own: float, peer: float) -> float:
    """By how much of the peer's error the own one is lower, in percent."""
    return 100 * (peer - own) / peer


def comparison_tables(compared: Compared, evaluation: Evaluation, name: str) -> Iterator[Table]:
    """One for each kind of comparison that was made.

    Args:
        compared: The peers.
        evaluation: Of the rule, on the same stream.
        name: Of the rule, as the tables call it.
    """
    if compared.online:
        yield _online(compared, evaluation, name)
    if compared.folds:
        yield _folds(compared)
    if compared.top:
        yield _top(compared)


def ablation_table(evaluation: Evaluation, ablated: list[Ablated]) -> Table:
    """What is lost without each part of the rule."""
    table = Table("without", caption="RMSE and mean log-likelihood lost without each part of the rule")
    for heading in ("RMSE", "RMSE, last half", "log-likelihood"):
        table.add_column(heading, justify="right")
    own, likelihood = evaluation.model, evaluation.uncertainty.log_likelihood
    for row in ablated:
        table.add_row(
            row.part,
            f"{row.scores.whole.rmse - own.whole.rmse:.4f}",
            f"{row.scores.last_half.rmse - own.last_half.rmse:.4f}",
            f"{likelihood - row.log_likelihood:.4f}",
        )
    return table


def _online(compared: Compared, evaluation: Evaluation, name: str) -> Table:
    own = evaluation.model
    table = Table("in the stream", "", "constants", caption=_grids(compared, "river", "sgd"))
    for heading in ("RMSE", "last half", f"{name} better by", "events/s"):
        table.add_column(heading, justify="right")

    def add(peer: str, how: str, constants: str, scores: Scores, rate: str) -> None:
        whole, last = scores.whole.rmse, scores.last_half.rmse
        better = "" if scores is own else f"{margin(own.whole.rmse, whole):.2f}%"
        table.add_row(peer, how, constants, f"{whole:.4f}", f"{last:.4f}", better, rate)

    add(name, "defaults", "", own, f"{evaluation.events_per_second:,.0f}")
    for row in compared.online:
        add(row.peer, row.how, row.constants, row.scores, f"{row.events_per_second:,.0f}")
    add("running mean", "", "", evaluation.mean, "")
    add("bias-only guess", "", "", evaluation.bias, "")
    return table


def _folds(compared: Compared) -> Table:
    table = Table(f"{FOLDS} folds, frozen", "", "constants", caption=_grids(compared, "surprise"))
    for heading in ("RMSE", "MAE"):
        table.add_column(heading, justify="right")
    for row in compared.folds:
        table.add_row(row.peer, row.how, row.constants, f"{row.errors.rmse:.4f}", f"{row.errors.mae:.4f}")
    return table


def _top(compared: Compared) -> Table:
    table = Table("refitted peers", "", "constants", caption=_grids(compared, "als", "knn", "ease"))
    for heading in ("hit rate", "NDCG", "shown", "more popular", "hits rated"):
        table.add_column(heading, justify="right")
    for row in compared.top:
        top = row.top
        rated = "" if top.hit_rating is None else f"{top.hit_rating:.3f}"
        shares = (f"{top.coverage:.1%}", f"{top.popularity_rank:.1%}", rated)
        table.add_row(row.peer, row.how, row.constants, f"{top.hit_rate:.4f}", f"{top.ndcg:.4f}", *shares)
    return table


def _grids(compared: Compared, *peers: str) -> str:
    return "\n".join(f"grid of {peer}: {compared.grids[peer]}" for peer in peers if peer in compared.grids)
