"""Honest bands: how far from the prediction a stated share of the ratings lies, in one pass.

A rule states its own deviation s of each prediction r_hat. Every level a has one width w_a, in these
deviations, and the band ``[r_hat - w_a s, r_hat + w_a s]``. Before each rating is learned::

    miss = |r - r_hat| > w_a s
    w_a *= 1 + c (miss - (1 - a)),   c = STEP_FLOOR + 1/(n + STEP_PRIOR)

so w_a follows the a-quantile of |r - r_hat|/s: up by a c at a miss, down by (1 - a) c at a hit, which
balance when the band holds a share a. That needs no distribution and no stationarity: over any stretch
the share held differs from a by the change of log(w_a) over c times the stretch's length. r_hat is
as stated, within the range, so the coverage is that of the band as stated.

Sources: Robbins and Monro (1951), Ann. Math. Statist. 22(3), for the falling step; Gibbs and Candes
(2021), "Adaptive conformal inference under distribution shift", NeurIPS 34, equation 2 and
proposition 4.1, for the floor and the bound; the step is on log(w), so that it has no unit.
"""

from __future__ import annotations

from statistics import NormalDist
from typing import Any, Final

import numba
import numpy as np
from numpy.typing import NDArray

from lfm_online.layout import BANDS, DEVIATION, LEVELS, SHARED
from lfm_online.numba_flags import STEP
from lfm_online.rules.bookkeeping import clip

STEP_FLOOR: Final = 0.001
STEP_PRIOR: Final = 10.0
NARROWEST: Final = 1e-3
WIDEST: Final = 1e3

_SHARES: Final = np.array(LEVELS)
_STATED: Final = np.array(list(BANDS.values()))


def new_shared() -> NDArray[Any]:
    """What every rule keeps before the first event, ``SHARED[1]``: bands as of a normal distribution."""
    shared = np.zeros(1, SHARED)
    shared["band"] = [NormalDist().inv_cdf((1 + level) / 2) for level in LEVELS]
    return shared


@numba.njit(**STEP)
def score_bands(j: int, shared: Any, own_deviation: float, rating: float, out: Any) -> None:
    """State deviation and bands of event ``j`` beside ``out.model[j]``, then learn their widths."""
    width = shared.band
    out.deviation[j] = own_deviation * width[DEVIATION]
    for band in range(len(_STATED)):
        out.bands[j, band] = own_deviation * width[_STATED[band]]
    error = abs(rating - out.model[j])
    step = STEP_FLOOR + 1.0 / (shared.n + STEP_PRIOR)
    narrower = NARROWEST
    for level in range(len(_SHARES)):
        miss = 1.0 if error > own_deviation * width[level] else 0.0
        moved = width[level] * (1.0 + step * (miss - 1.0 + _SHARES[level]))
        width[level] = clip(moved, narrower, WIDEST)
        narrower = width[level]
