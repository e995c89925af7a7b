"""Honest bands: how far from the prediction a stated share of the ratings lies, in one pass.

A rule has a deviation s of its own for each prediction r_hat. Each stated share a has one width w_a, in
such deviations: of the ratings, a share a is to lie within ``r_hat - w_a s`` and ``r_hat + w_a s``.
Before each rating is learned, with n ratings learned so far::

    miss = |r - r_hat| > w_a s
    w_a *= 1 + c (miss - (1 - a)),   c = floor + 1/(n + 10)

so w_a follows the a-quantile of |r - r_hat|/s: up by a c at a miss, down by (1 - a) c at a hit, which
balance where the share held is a. That asks for no distribution and no stationarity: over a stretch of
ratings the share held is off by the change of log(w_a) over the sum of the steps c. r_hat is within the
range, as it is stated, so the shares are those of the bands as stated.

The stated deviation is the width for the share that a normal distribution has within one deviation.

Sources: Robbins and Monro (1951), Ann. Math. Statist. 22(3), for the step that falls; Gibbs and Candes
(2021), "Adaptive conformal inference under distribution shift", NeurIPS 34, equation 2 and
proposition 4.1, for its floor and the bound. The step is on log(w), so that it has no unit.
"""

from __future__ import annotations

import math
from statistics import NormalDist
from typing import Any, Final

import numba
import numpy as np
from numpy.typing import NDArray

from lfm_online import lanes
from lfm_online.layout import BANDS, SHARED
from lfm_online.numba_flags import STEP

SHARES: Final = tuple(int(percent) / 100 for percent in BANDS)
DEVIATION_SHARE: Final = math.erf(math.sqrt(0.5))
BAND_FLOOR: Final = 0.002
"""Normal errors that change are followed in some 1,500 ratings. Figures: docs/decisions/0011-bands.md."""
DEVIATION_FLOOR: Final = 0.001
"""Slower: a run of easy ratings must not close it, since a likelihood pays for that by the square."""
STEP_PRIOR: Final = 10.0
NARROWEST: Final = 0.01
WIDEST: Final = 100.0
"""Bounds from which a width is back within some thousand ratings; those of decision 0011 are .09 to 2.7."""

# Of the deviation and of each band.
_MISSES: Final = tuple(1.0 - share for share in (DEVIATION_SHARE, *SHARES))
_FLOORS: Final = (DEVIATION_FLOOR, *(len(SHARES) * (BAND_FLOOR,)))


def new_shared() -> NDArray[Any]:
    """What every rule keeps before the first event, ``SHARED[1]``: bands as of a normal distribution."""
    shared = np.zeros(1, SHARED)
    shared["deviation"] = 1.0
    shared["band"] = [NormalDist().inv_cdf((1 + share) / 2) for share in SHARES]
    return shared


@numba.njit(**STEP)
def score_bands(j: int, shared: Any, own_deviation: float, error: float, out: Any) -> None:
    """State deviation and bands of event ``j`` about its prediction, then learn their widths."""
    widths = lanes.of((shared.deviation, shared.band[0], shared.band[1], shared.band[2]))
    stated = widths * own_deviation
    miss = lanes.above(error, stated)
    step = lanes.of(_FLOORS) + 1.0 / (shared.n + STEP_PRIOR)
    widths = widths * (1.0 + step * (miss - lanes.of(_MISSES)))
    widths = lanes.minimum(lanes.maximum(widths, NARROWEST), WIDEST)
    out.deviation[j] = stated[0]
    shared.deviation = widths[0]
    inner = 0.0
    for band in range(len(SHARES)):
        out.bands[j, band] = stated[1 + band]
        inner = max(inner, widths[1 + band])
        shared.band[band] = inner
