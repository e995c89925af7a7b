"""What ``lfm-online evaluate`` measures on one stream, and its results."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, get_args

from rich.progress import Progress

from lfm_online.compare.ablation import Ablated
from lfm_online.evaluate.held_out import HeldOut, hold_out
from lfm_online.evaluate.prequential import Evaluation, evaluate
from lfm_online.evaluate.ranking import Scorer, TopQuality, events_to_rank, rank
from lfm_online.evaluate.scorers import ByNext, ByPopularity, ByRating, BySimilar, Next
from lfm_online.evaluate.split import SplitPlan
from lfm_online.evaluate.stream import Stream
from lfm_online.ranking.scores import DEFAULT_C
from lfm_online.rules.rule import Rule
from lfm_online.similar import Near
from worker.evaluation.comparison import Compared, ablate, compare

_LIKED: Final = 0.75
"""How far up the range a rating is liked, where ``--like`` is not given: 4 of 1 to 5."""
C_MEASURED: Final = (DEFAULT_C, 0.0, 1.0, 2.0, 4.0)
"""Weights of the predicted rating that are measured, first the one that is served by default."""
_MORE_PASSES: Final = 2
"""With one pass each, the first number of factors comes out a quarter slower, whichever it is."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to measure beside the prequential errors."""

    factors: tuple[int, ...]
    splits: tuple[SplitPlan, ...] = ()
    top: int | None = None
    like: float | None = None
    peers: tuple[str, ...] = ()
    ablate: bool = False


@dataclass(frozen=True, slots=True)
class FactorsRow:
    """One line of the table of factors."""

    factors: int
    rmse: float
    user_row_bytes: int
    """Without the history behind it."""
    item_row_bytes: int
    events_per_second: float
    """Of several passes the best, where speeds are to be compared."""


@dataclass(frozen=True, slots=True)
class Results:
    """What was measured; all but ``by_factors`` with the last number of factors."""

    rule: Rule
    factors: int
    evaluation: Evaluation
    by_factors: list[FactorsRow]
    splits: dict[SplitPlan, HeldOut] = field(default_factory=dict)
    top: int = 0
    """Length of the lists; 0: top-n quality was not asked for."""
    like: float = 0.0
    ranked: list[TopQuality] = field(default_factory=list)
    """The shipped scorer first, then it by each other c."""
    compared: Compared | None = None
    ablated: list[Ablated] = field(default_factory=list)


def run(stream: Stream, rule: Rule, wanted: Wanted, bar: Progress) -> Results:
    """Measure.

    Args:
        stream: The ratings.
        rule: The learning rule.
        wanted: What to measure.
        bar: Each measure gets a line of it.

    Raises:
        ValueError: no rating was learned, or none can be ranked.
        SplitError: a split leaves a side empty.
        PeerMissingError: a peer is not installed.
    """
    splits = {plan: plan.splits(len(stream), rule.hyper.seed) for plan in wanted.splits}
    like = stream.low + _LIKED * (stream.high - stream.low) if wanted.like is None else wanted.like
    by_factors = []
    for factors in wanted.factors:
        step = _step(bar, f"{factors} factors", len(stream))
        evaluation = evaluate(stream, rule, factors, step)
        speeds = [evaluation.events_per_second]
        if len(wanted.factors) > 1:
            speeds += [evaluate(stream, rule, factors).events_per_second for _ in range(_MORE_PASSES)]
        by_factors.append(
            FactorsRow(
                factors,
                evaluation.model.whole.rmse,
                rule.row_bytes("user", factors),
                rule.row_bytes("item", factors),
                max(speeds),
            )
        )
    top = wanted.top or 0
    compared = compare(stream, rule, factors, wanted.peers, top, like, bar) if wanted.peers else None
    ablated = ablate(stream, factors, rule.hyper.seed, bar) if wanted.ablate else []
    results = Results(
        rule, factors, evaluation, by_factors, top=top, like=like, compared=compared, ablated=ablated
    )
    for plan, parts in splits.items():
        step = _step(bar, f"split {plan}", sum(len(test) for _, test in parts))
        results.splits[plan] = hold_out(stream, parts, rule, factors, step)
    if wanted.top:
        step = _step(bar, f"top {wanted.top}", len(events_to_rank(stream, like)))
        head = Next(stream, rule, factors)
        scorers: list[Scorer] = [
            *(ByNext(head, c) for c in C_MEASURED),
            *(BySimilar(stream, head, by) for by in get_args(Near)),
            ByRating(stream, rule, factors),
            ByPopularity(stream),
        ]
        results.ranked.extend(rank(stream, scorers, wanted.top, like, step))
    return results


def _step(bar: Progress, text: str, total: int) -> Callable[[int], None]:
    """A line of the bar, and what moves it to how much is done."""
    task = bar.add_task(text, total=total)

    def move(done: int) -> None:
        bar.update(task, completed=done)

    return move
