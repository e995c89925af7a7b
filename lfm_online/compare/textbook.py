"""The textbook rule as a peer: this project's own ``sgd``, at its defaults and at the best of a grid."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from lfm_online.compare.grid import Constants, Grid, said
from lfm_online.evaluate.prequential import learn, new_model
from lfm_online.evaluate.stream import Stream
from lfm_online.rules.registry import make_rule

GRID: Final[Grid] = {
    "step_bias": (0.005, 0.01, 0.02, 0.05, 0.1),
    "step_factors": (0.005, 0.01, 0.02, 0.05, 0.1),
    "regularisation": (0.01, 0.02, 0.05, 0.1),
}
"""Around the rule's defaults (.01, .01, .02); biases and factors with one regularisation."""


@dataclass(frozen=True, slots=True)
class Textbook:
    """The rule ``sgd`` with as many factors as the model it stands beside."""

    factors: int
    constants: Constants = field(default_factory=dict)
    seed: int = 1

    @property
    def name(self) -> str:
        """As tables show it."""
        return f"sgd, {said(self.constants)}"

    def prequential(self, stream: Stream) -> NDArray[np.float64]:
        """Guesses before each rating, within the range."""
        options = dict(self.constants)
        if "regularisation" in options:
            one = options.pop("regularisation")
            options |= {"regularisation_bias": one, "regularisation_factors": one}
        rule = make_rule("sgd", stream.low, stream.high, self.seed, **options)
        outcome = learn(new_model(rule, self.factors, stream), stream).outcome
        # Refused where a step too large for the ratings' scale left the finite numbers.
        return np.where(outcome.refused, (stream.low + stream.high) / 2, outcome.model)
