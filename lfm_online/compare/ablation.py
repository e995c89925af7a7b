"""What each part of the adaptive rule buys: the rule without it, on the same stream.

No switch is built into the rule for this. A part is taken away by the constants that give it its variance
or its step: what starts with no variance never moves. The covariance of a user's terms, and some of the
weights without the others, have no such constant; they are set back to zero between events, which the rule
then learns one at a time.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from lfm_online.batch import Batch
from lfm_online.compare.jobs import OnStep
from lfm_online.evaluate.measures import errors, log_densities
from lfm_online.evaluate.prequential import Scores, learn, new_model
from lfm_online.evaluate.stream import Stream
from lfm_online.model import Model
from lfm_online.rules import adaptive_start
from lfm_online.rules.registry import make_rule

_NEVER: Final = 1e30
"""A time, or a weight of evidence, that no stream comes near; finite, since kernels assume it."""

COVARIANCE: Final = "covariance of the user's terms"
WEIGHTS: Final = "learned weights"
AVERAGES: Final = "averages"
INTERACTIONS: Final = "interactions"

WITHOUT: Final[dict[str, dict[str, float]]] = {
    "factors": {"v_p0": 0.0, "v_q0": 0.0},
    "fast bias": {"v_f0": 0.0},
    "its clock": {"gaps_kept": _NEVER},
    "slope on the item's bias": {"v_a0": 0.0},
    "slope on popularity": {"v_s0": 0.0},
    WEIGHTS: {"r0": 0.0, "w_q": 0.0},
    AVERAGES: {},
    INTERACTIONS: {},
    COVARIANCE: {},
    "user drift": {"q_bu": 0.0},
    "noise level": {"noise_prior": _NEVER},
}
"""The parts of ``docs/model.md``, and the constants that take each away."""

_OFF_DIAGONAL: Final = [1, 2, 3, 5, 6, 8]
"""Places in the packed upper triangle C00 C01 C02 C03 C11 C12 C13 C22 C23 C33."""
_SOME_WEIGHTS: Final = {AVERAGES: slice(9, 11), INTERACTIONS: slice(11, 15)}


@dataclass(frozen=True, slots=True)
class Ablated:
    """The rule without one part."""

    part: str
    scores: Scores
    log_likelihood: float
    """Mean log density of the ratings under the stated Gaussian."""


def ablate(stream: Stream, factors: int, seed: int, on_step: OnStep | None = None) -> list[Ablated]:
    """The adaptive rule without each of its parts, in the order of :data:`WITHOUT`.

    Args:
        stream: The ratings.
        factors: Latent factors of a row.
        seed: Of the new rows' factors.
        on_step: Called after each part.
    """
    rows = []
    for part, constants in WITHOUT.items():
        rule = make_rule("adaptive", stream.low, stream.high, seed, **constants)
        if part == WEIGHTS:
            rule = replace(rule, new_globals=_weights_for_good)
        model = new_model(rule, factors, stream)
        if not constants:
            guess, deviation = _learn_without(part, model, stream)
        else:
            outcome = learn(model, stream).outcome
            guess, deviation = outcome.model, outcome.deviation
        off, half = stream.rating - guess, len(stream) // 2
        scores = Scores(errors(stream.rating, guess), errors(stream.rating[half:], guess[half:]))
        rows.append(Ablated(part, scores, float(log_densities(off, deviation).mean())))
        if on_step is not None:
            on_step()
    return rows


def _weights_for_good() -> NDArray[Any]:
    """The rule's globals with weights that are taken for certain: none moves."""
    started: NDArray[Any] = adaptive_start.new_globals()
    started["R"] = 0.0
    return started


def _learn_without(
    part: str, model: Model, stream: Stream
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Guesses and deviations, ``float64[n]`` each, of the rule whose part is set back before each event."""
    events = stream.batch()
    guess, deviation = np.empty(len(stream)), np.empty(len(stream))
    covariance, shared = model.users.rows.state["C"], model.globals.rule[0]
    for place, user in enumerate(stream.user.tolist()):
        if part == COVARIANCE:
            covariance[user, _OFF_DIAGONAL] = 0.0
        else:
            shared["W"][_SOME_WEIGHTS[part]] = shared["R"][_SOME_WEIGHTS[part]] = 0.0
        outcome = model.learn(Batch._make(column[place : place + 1] for column in events))
        guess[place], deviation[place] = outcome.model[0], outcome.deviation[0]
    return guess, deviation
