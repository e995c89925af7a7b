"""Surprise, a batch learner, by cross-validation beside the rule's one pass over the same folds."""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from lfm_online.compare import surprise_peer
from lfm_online.compare.extra import imported
from lfm_online.compare.grid import cells, said, said_grid
from lfm_online.compare.jobs import OnStep, run_all
from lfm_online.compare.surprise_peer import SurpriseSVD
from lfm_online.evaluate.held_out import hold_out
from lfm_online.evaluate.measures import Errors, errors
from lfm_online.evaluate.split import Split, SplitPlan
from lfm_online.evaluate.stream import Stream
from lfm_online.rules.rule import Rule

FOLDS: Final = 5


class FoldScores(NamedTuple):
    """How a predictor did on the ratings held out, all folds together."""

    peer: str
    how: str
    constants: str
    errors: Errors


def grid_said() -> str:
    """Surprise's grid, as tables show it."""
    return said_grid(surprise_peer.GRID)


def runs() -> int:
    """How many times :func:`compare_batch` trains Surprise."""
    return FOLDS * (1 + len(cells(surprise_peer.GRID)))


def compare_batch(
    stream: Stream, rule: Rule, factors: int, seed: int, on_step: OnStep | None = None
) -> list[FoldScores]:
    """The rule after one random pass, then Surprise at its defaults and at the best of its grid.

    Each rating is held out once, in one of :data:`FOLDS` folds drawn by ``seed``; nobody learns from it. The
    best cell is chosen by the ratings held out themselves, which favours Surprise.

    Args:
        stream: The ratings.
        rule: The learning rule.
        factors: Of the rule.
        seed: Of the folds, and of Surprise's own draws.
        on_step: Called after each of the :func:`runs`.

    Raises:
        PeerMissingError: Surprise is not installed.
    """
    imported("surprise", "surprise")  # here, before other processes start
    splits = SplitPlan("cv", FOLDS).splits(len(stream), seed)
    candidates = [SurpriseSVD(cell, seed) for cell in ({}, *cells(surprise_peer.GRID))]
    jobs = [(candidate, stream, split) for candidate in candidates for split in splits]
    guesses = run_all(_trained, jobs, on_step)
    held = np.concatenate([stream.rating[split.test] for split in splits])
    by_candidate = [
        errors(held, np.concatenate(guesses[start : start + FOLDS])) for start in range(0, len(jobs), FOLDS)
    ]
    own = hold_out(stream, splits, rule, factors).frozen
    rows = [FoldScores(rule.name, "one pass", "defaults", errors(own.rating, own.model))]
    best = min(range(1, len(candidates)), key=lambda place: by_candidate[place].rmse)
    for place, how in ((0, "defaults"), (best, f"best of {len(candidates) - 1}")):
        rows.append(FoldScores("surprise", how, said(candidates[place].constants), by_candidate[place]))
    return rows


def _trained(candidate: SurpriseSVD, stream: Stream, split: Split) -> NDArray[np.float64]:
    return candidate.train_test(stream.part(split.train), stream.part(split.test))
