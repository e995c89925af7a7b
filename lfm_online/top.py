"""The best of many scores, exactly, by one compiled pass."""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

from lfm_online.numba_flags import EXACT


@numba.njit(**EXACT)
def _worse(score: float, number: int, other_score: float, other: int) -> bool:
    """Whether a candidate ranks behind another: a lower score, or the same and a higher number."""
    return score < other_score or (score == other_score and number > other)


@numba.njit(**EXACT)
def _sift_down(scores: Any, heap: Any, at: int, size: int) -> None:
    """Mend ``heap[:size]``, whose root is the worst, below place ``at``."""
    while True:
        worst = at
        for child in range(2 * at + 1, min(2 * at + 3, size)):
            if _worse(scores[heap[child]], heap[child], scores[heap[worst]], heap[worst]):
                worst = child
        if worst == at:
            return
        heap[at], heap[worst] = heap[worst], heap[at]
        at = worst


@numba.njit(**EXACT)
def _select(scores: Any, left_out: Any, heap: Any) -> int:
    """Fill ``heap`` with the best, best first; how many there are."""
    size = 0
    for number in range(len(scores)):
        if left_out[number]:
            continue
        if size < len(heap):
            heap[size] = number
            size += 1
            if size == len(heap):
                for at in range(size // 2 - 1, -1, -1):
                    _sift_down(scores, heap, at, size)
        elif _worse(scores[heap[0]], heap[0], scores[number], number):
            heap[0] = number
            _sift_down(scores, heap, 0, size)
    if size < len(heap):
        for at in range(size // 2 - 1, -1, -1):
            _sift_down(scores, heap, at, size)
    for end in range(size - 1, 0, -1):
        heap[0], heap[end] = heap[end], heap[0]
        _sift_down(scores, heap, 0, end)
    return size


def best(scores: NDArray[np.float64], left_out: NDArray[np.bool_], n: int) -> NDArray[np.int64]:
    """Numbers of the ``n`` highest scores, best first; of equal scores the lower number first.

    Args:
        scores: ``float64[n_rows]``, all finite.
        left_out: ``bool[n_rows]``, which to pass over.
        n: How many; fewer are returned where there are no more.
    """
    heap = np.empty(max(min(n, len(scores)), 0), np.int64)
    if len(heap) == 0:
        return heap
    return heap[: _select(scores, left_out, heap)]
