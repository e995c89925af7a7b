"""River's biased matrix factorisation, rating by rating, as River's own documents show it.

``river.reco.BiasedMF``: a bias and factors for user and item, by stochastic gradient descent.
Montiel et al. (2021), "River: machine learning for streaming data in Python", JMLR 22(110).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from lfm_online.compare.extra import imported
from lfm_online.compare.grid import Constants, Grid, said
from lfm_online.evaluate.stream import Stream

GRID: Final[Grid] = {
    "step_bias": (0.005, 0.01, 0.025, 0.05, 0.1),
    "step_factors": (0.005, 0.025, 0.05, 0.07, 0.1),
    "l2": (0.01, 0.05, 0.1),
}
"""River's steps and weight decay around its defaults (.01, .01, 0)."""

_GRID_SD: Final = 0.05
"""Of the initial factors in every cell: River's own default of .1 starts with more noise."""


@dataclass(frozen=True, slots=True)
class RiverBiasedMF:
    """River at its defaults, or at the constants of a cell of :data:`GRID`."""

    constants: Constants = field(default_factory=dict)
    seed: int = 1
    factors: int = 10  # River's own default

    @property
    def name(self) -> str:
        """As tables show it."""
        return f"River BiasedMF, {said(self.constants)}"

    def prequential(self, stream: Stream) -> NDArray[np.float64]:
        """Guesses before each rating, within the range: River's are cut to it, which only helps them.

        Raises:
            PeerMissingError: River is not installed.
        """
        model = self._model()
        guesses = np.empty(len(stream))
        events = zip(stream.user.tolist(), stream.item.tolist(), stream.rating.tolist(), strict=True)
        for place, (user, item, rating) in enumerate(events):
            guesses[place] = model.predict_one(user, item)
            model.learn_one(user, item, rating)
        # A step too large for the ratings' scale diverges; such guesses count as the middle of the range.
        middle = (stream.low + stream.high) / 2
        return np.clip(np.nan_to_num(guesses, nan=middle), stream.low, stream.high)

    def _model(self) -> Any:
        reco = imported("river.reco", "river")
        if not self.constants:
            return reco.BiasedMF(n_factors=self.factors, seed=self.seed)
        optim = imported("river.optim", "river")
        return reco.BiasedMF(
            n_factors=self.factors,
            bias_optimizer=optim.SGD(self.constants["step_bias"]),
            latent_optimizer=optim.SGD(self.constants["step_factors"]),
            l2_bias=self.constants["l2"],
            l2_latent=self.constants["l2"],
            latent_initializer=optim.initializers.Normal(sigma=_GRID_SD, seed=self.seed),
        )
