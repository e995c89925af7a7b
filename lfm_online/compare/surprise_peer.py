"""Surprise's SVD, a batch learner: trained over many epochs, then asked.

``surprise.SVD``: biases and factors by stochastic gradient descent over shuffled epochs.
Hug (2020), "Surprise: a Python library for recommender systems", JOSS 5(52).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from lfm_online.compare.extra import imported
from lfm_online.compare.grid import Constants, Grid, said
from lfm_online.evaluate.stream import Stream

GRID: Final[Grid] = {
    "n_factors": (50,),
    "n_epochs": (40,),
    "lr_all": (0.005, 0.01),
    "reg_all": (0.05, 0.08, 0.1),
}
"""Twice the default of 20 epochs, with steps and weight decay around the defaults (.005, .02) and above."""


@dataclass(frozen=True, slots=True)
class SurpriseSVD:
    """Surprise at its defaults, or at the constants of a cell of :data:`GRID`."""

    constants: Constants = field(default_factory=dict)
    seed: int = 1

    @property
    def name(self) -> str:
        """As tables show it."""
        return f"Surprise SVD, {said(self.constants)}"

    def train_test(self, train: Stream, test: Stream) -> NDArray[np.float64]:
        """Guesses of the test ratings, within the range, as Surprise itself cuts them.

        Raises:
            PeerMissingError: Surprise is not installed.
        """
        surprise = imported("surprise", "surprise")
        reader = surprise.Reader(rating_scale=(train.low, train.high))
        columns = (column.tolist() for column in (train.user, train.item, train.rating, train.time_ms))
        trained = surprise.SVD(random_state=self.seed, **self.constants).fit(
            surprise.Dataset(reader).construct_trainset(list(zip(*columns, strict=True)))
        )
        asked = zip(test.user.tolist(), test.item.tolist(), strict=True)
        return np.array([trained.predict(user, item).est for user, item in asked])
