"""What another recommender offers, to be measured on the same ratings as the model.

Whoever compares one goes by these steps::

    stream = stream_of(read_ratings(path), low, high)
    guesses = peer.prequential(stream)  # float64[len(stream)], to hold against stream.rating
    for train, test in SplitPlan.parse("cv:5").splits(len(stream), seed):
        guesses = peer.train_test(stream.part(train), stream.part(test))

The model's own guesses of both kinds are ``prequential.evaluate(…).record.model`` and
``held_out.hold_out(…)``, without the ratings whose update was refused for not being finite. For top-n
quality another offers a :class:`lfm_online.evaluate.ranking.Scorer`.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from lfm_online.evaluate.stream import Stream


class OnlinePredictor(Protocol):
    """Learns rating by rating."""

    @property
    def name(self) -> str:
        """As tables show it, with the constants that matter."""

    def prequential(self, stream: Stream) -> NDArray[np.float64]:
        """Guesses of all ratings, ``float64[n]`` in rating units, each made before its rating was learned.

        All that came before in the stream was learned by then. It starts as new with each call.
        """


class BatchPredictor(Protocol):
    """Is trained, then asked."""

    @property
    def name(self) -> str:
        """As tables show it, with the constants that matter."""

    def train_test(self, train: Stream, test: Stream) -> NDArray[np.float64]:
        """Guesses of the test ratings, ``float64[len(test)]`` in rating units, learned from ``train`` alone.

        Both are in the order in which they are to be learned, with the numbers of one stream. It starts as
        new with each call.
        """
