"""Batch recommenders in a stream: refitted now and then, each user's live history folded in.

Fitted on all that came before 70% of the stream, and anew every 5% after. Between two fits a user is
scored by what they have rated up to that moment, so a peer lags only in what it knows of the items.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, ClassVar, Final

import numpy as np
from numpy.typing import NDArray

from lfm_online.compare.extra import imported
from lfm_online.compare.grid import Constants, said
from lfm_online.evaluate.ranking import SHARE_BEFORE
from lfm_online.evaluate.stream import Stream

REFIT_SHARE: Final = 0.05
"""Of the stream, from one fit to the next."""


class Refitted(ABC):
    """A scorer (``lfm_online.evaluate.ranking.Scorer``) over a batch recommender of user-item pairs.

    It is made for one stream. Items that came after the last fit score 0, as those that nothing speaks for.
    """

    peer: ClassVar[str]

    def __init__(self, stream: Stream, like: float, seed: int, constants: Constants) -> None:
        """Nothing fitted yet.

        Args:
            stream: The events.
            like: The least rating of a pair to learn from; of all pairs these peers learn worse lists.
            seed: Of the peer's initial factors.
            constants: A cell of the peer's grid.
        """
        self.name = f"{self.peer}, {said(constants)}"
        self._constants = constants
        self._seed = seed
        self._stream = stream
        self._places = np.flatnonzero(stream.rating >= like)
        order = np.argsort(stream.user[self._places], kind="stable")
        self._by_user = self._places[order]  # each user's pairs, in the order of the stream
        self._user_start = np.searchsorted(stream.user[self._by_user], np.arange(len(stream.user_ids) + 1))
        self._fitted_at = -1

    @abstractmethod
    def _fit(self, pairs: Any) -> None:
        """Learn from ``pairs: csr_matrix[float32, n_users, n_items]``, of ones."""

    @abstractmethod
    def _score(self, items: NDArray[np.int32]) -> NDArray[Any]:
        """A score for each item of the last fit, for a user with these items, ascending, at least one."""

    def learn(self, start: int, stop: int) -> None:  # noqa: B027 (nothing to do is all that it does)
        """Nothing: it is fitted when it is asked, from what lay before its last moment to fit."""

    def score(self, event: int, scores: NDArray[np.float64]) -> None:
        """Fill in the scores for the user of ``event``; see ``Scorer``."""
        place = _fit_before(event, len(self._stream))
        if place != self._fitted_at:
            self._fit(self._pairs(place))
            self._fitted_at = place
        scores[:] = 0.0
        items = self._history(event)
        if len(items):
            found = self._score(items)
            scores[: len(found)] = found

    def _pairs(self, place: int) -> Any:
        sparse = imported("scipy.sparse", self.peer)
        places = self._places[: np.searchsorted(self._places, place)]
        user, item = self._stream.user[places], self._stream.item[places]
        shape = (len(self._stream.user_ids), int(self._stream.item[:place].max(initial=-1)) + 1)
        pairs = sparse.csr_matrix((np.ones(len(places), np.float32), (user, item)), shape)
        pairs.data[:] = 1.0  # an item that was rated twice is one pair
        self._n_items = shape[1]
        return pairs

    def _history(self, event: int) -> NDArray[np.int32]:
        """The user's items before the event that the last fit knew."""
        user = self._stream.user[event]
        own = self._by_user[self._user_start[user] : self._user_start[user + 1]]
        items: NDArray[np.int32] = np.unique(self._stream.item[own[: np.searchsorted(own, event)]])
        return items[items < self._n_items]


def _fit_before(event: int, n: int) -> int:
    """The last moment to fit at or before an event."""
    steps = int((event - SHARE_BEFORE * n) / (REFIT_SHARE * n) + 1e-9)
    return int((SHARE_BEFORE + REFIT_SHARE * max(steps, 0)) * n + 1e-9)
