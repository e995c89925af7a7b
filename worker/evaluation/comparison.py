"""``evaluate --compare`` and ``--ablate``: which peers there are, and running them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from rich.progress import Progress

from lfm_online.compare import ablation, batch, online, ranking
from lfm_online.compare.ablation import Ablated
from lfm_online.compare.batch import FoldScores
from lfm_online.compare.online import PeerScores
from lfm_online.compare.ranking import PeerTop
from lfm_online.evaluate.stream import Stream
from lfm_online.rules.rule import Rule

RATING: Final = (*online.ONLINE, "surprise", "mean", "bias")
"""Peers that predict ratings. Mean and bias are measured by every evaluation, and so is popular."""
PEERS: Final = (*RATING, *ranking.RANKING, "popular")


@dataclass(frozen=True, slots=True)
class Compared:
    """The peers' results on one stream."""

    online: list[PeerScores] = field(default_factory=list)
    folds: list[FoldScores] = field(default_factory=list)
    """The rule itself first."""
    top: list[PeerTop] = field(default_factory=list)
    grids: dict[str, str] = field(default_factory=dict)
    """Of each peer that has one, as tables show it."""


def compare(
    stream: Stream,
    rule: Rule,
    factors: int,
    peers: tuple[str, ...],
    top: int,
    like: float,
    bar: Progress,
) -> Compared:
    """Run the peers.

    Args:
        stream: The ratings.
        rule: The learning rule that they stand beside.
        factors: Of the rule.
        peers: Names out of :data:`PEERS`.
        top: Length of the lists, if a peer that ranks is among them.
        like: The least rating of an event to rank.
        bar: Each kind of peer gets a line of it.

    Raises:
        PeerMissingError: a peer is not installed.
        ValueError: there is no event to rank.
    """
    found = Compared()
    seed = rule.hyper.seed
    learners = [peer for peer in online.ONLINE if peer in peers]
    if learners:
        step = _step(bar, ", ".join(learners), online.runs(learners))
        found.online.extend(online.compare_online(stream, learners, factors, seed, step))
        found.grids.update({peer: online.grid_said(peer) for peer in learners})
    if "surprise" in peers:
        step = _step(bar, "surprise", batch.runs())
        found.folds.extend(batch.compare_batch(stream, rule, factors, seed, step))
        found.grids["surprise"] = batch.grid_said()
    rankers = [peer for peer in ranking.RANKING if peer in peers]
    if rankers:
        step = _step(bar, ", ".join(rankers), ranking.runs(rankers))
        found.top.extend(ranking.compare_ranking(stream, rankers, top, like, seed, step))
        found.grids.update({peer: ranking.grid_said(peer) for peer in rankers})
    return found


def ablate(stream: Stream, factors: int, seed: int, bar: Progress) -> list[Ablated]:
    """The adaptive rule without each of its parts."""
    step = _step(bar, "without each part", len(ablation.WITHOUT))
    return ablation.ablate(stream, factors, seed, step)


def _step(bar: Progress, text: str, total: int) -> Callable[[], None]:
    """A line of the bar, and what moves it on by one."""
    task = bar.add_task(text, total=total)
    return lambda: bar.advance(task)
