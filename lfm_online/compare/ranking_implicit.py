"""The peers of the package ``implicit``: item neighbours, and alternating least squares.

ALS: Hu, Koren and Volinsky (2008), "Collaborative filtering for implicit feedback datasets", ICDM.
Neighbours: Sarwar et al. (2001), "Item-based collaborative filtering", WWW; BM25 and TF-IDF weigh the pairs.
"""

from __future__ import annotations

import warnings
from typing import Any, ClassVar, Final

import numpy as np
from numpy.typing import NDArray

from lfm_online.compare.extra import imported
from lfm_online.compare.grid import Grid
from lfm_online.compare.ranking_refitted import Refitted

KNN_GRID: Final[Grid] = {
    "weights": ("cosine", "tfidf", "bm25"),
    "K": (20, 50, 100, 200, 500),
}
ALS_GRID: Final[Grid] = {
    "factors": (32, 64, 128),
    "regularization": (1.0, 10.0, 30.0),
    "alpha": (1.0, 4.0),
}

_NEIGHBOURS: Final = {"cosine": "CosineRecommender", "tfidf": "TFIDFRecommender", "bm25": "BM25Recommender"}


class ItemNeighbours(Refitted):
    """``implicit.nearest_neighbours``: an item scores the sum of its similarities to the user's items."""

    peer: ClassVar[str] = "knn"

    def _fit(self, pairs: Any) -> None:
        neighbours = imported("implicit.nearest_neighbours", self.peer)
        kind = getattr(neighbours, _NEIGHBOURS[self._constants["weights"]])
        model = kind(K=self._constants["K"], num_threads=1)
        with warnings.catch_warnings():
            # implicit warns that it makes matrices of another kind out of its own
            warnings.simplefilter("ignore", imported("implicit.utils", self.peer).ParameterWarning)
            model.fit(pairs, show_progress=False)
        self._similarity = model.similarity

    def _score(self, items: NDArray[np.int32]) -> NDArray[Any]:
        found: NDArray[Any] = np.asarray(self._similarity[items].sum(axis=0)).ravel()
        return found


class ImplicitALS(Refitted):
    """``implicit.als``: an item scores by the factors that its own solver finds for the user's items."""

    peer: ClassVar[str] = "als"

    def _fit(self, pairs: Any) -> None:
        als = imported("implicit.cpu.als", self.peer)
        self._model = als.AlternatingLeastSquares(random_state=self._seed, num_threads=1, **self._constants)
        self._model.fit(pairs, show_progress=False)
        self._factors: NDArray[np.float32] = self._model.item_factors

    def _score(self, items: NDArray[np.int32]) -> NDArray[Any]:
        sparse = imported("scipy.sparse", self.peer)
        ones = np.ones(len(items), np.float32)
        row = sparse.csr_matrix((ones, items, np.array([0, len(items)])), (1, len(self._factors)))
        found: NDArray[np.float32] = self._factors @ self._model.recalculate_user(0, row)
        return found
