"""Top-n quality without sampled negatives: where the item that was taken ranks among all the others."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray


class Scorer(Protocol):
    """Ranks items for a user, and learns the stream as it goes.

    It is made for one stream, whose events it is told by their places.
    """

    @property
    def name(self) -> str:
        """As tables show it."""

    def learn(self, start: int, stop: int) -> None:
        """Learn the events from ``start`` to before ``stop``, in order; they follow on what it learned."""

    def score(self, event: int, scores: NDArray[np.float64]) -> None:
        """Fill in a score for each known item, the higher the better; all finite.

        Args:
            event: Place of the event whose user asks, at its time; all before it were learned, it was not.
            scores: ``float64[n_known]``, for the items 0 to ``n_known - 1``: those of the events before.
        """
