"""EASE: a linear item-item model in closed form.

With G = X'X + l2 I and P its inverse, B = -P/diag(P) off the diagonal and 0 on it; a user's scores are the
sum of B's rows of the user's items. Steck (2019), "Embarrassingly shallow autoencoders for sparse data", WWW.
"""

from __future__ import annotations

from typing import Any, ClassVar, Final

import numpy as np
from numpy.typing import NDArray

from lfm_online.compare.extra import imported
from lfm_online.compare.grid import Grid
from lfm_online.compare.ranking_refitted import Refitted

GRID: Final[Grid] = {"l2": (100.0, 200.0, 400.0, 800.0)}


class Ease(Refitted):
    """EASE over all items that were known when it was fitted."""

    peer: ClassVar[str] = "ease"

    def _fit(self, pairs: Any) -> None:
        lapack = imported("scipy.linalg.lapack", self.peer)
        gram = (pairs.T @ pairs).toarray()
        np.fill_diagonal(gram, gram.diagonal() + self._constants["l2"])
        # By Cholesky: half the work of a general inverse, which is most of what a comparison takes.
        root, failed = lapack.spotrf(gram, lower=1, overwrite_a=1)
        inverse, failed = (root, failed) if failed else lapack.spotri(root, lower=1, overwrite_c=1)
        if failed:
            raise ArithmeticError(
                f"EASE at l2 {self._constants['l2']:g}: X'X + l2 I is not positive definite"
            )
        inverse = np.tril(inverse) + np.tril(inverse, -1).T
        weights = inverse / -inverse.diagonal()
        np.fill_diagonal(weights, 0.0)
        self._weights: NDArray[np.float32] = np.ascontiguousarray(weights)

    def _score(self, items: NDArray[np.int32]) -> NDArray[Any]:
        found: NDArray[Any] = self._weights[items].sum(axis=0)
        return found
