"""Where a new row starts: from ``(seed, kind, id)`` alone, never from the order of arrival."""

from __future__ import annotations

import math
from typing import Any

import numba
import numpy as np

from lfm_online.hashing import fmix64
from lfm_online.numba_flags import KERNEL


@numba.njit(**KERNEL)
def gaussian_factors(seed: Any, id_hash: Any, standard_deviation: float, out: Any) -> None:
    """Fill ``out: float32[k]`` with N(0, sd^2), two numbers a hash (Box and Muller, 1958)."""
    key = fmix64(np.uint64(id_hash) ^ fmix64(np.uint64(seed)))
    for f in range(0, len(out), 2):
        bits = fmix64(key + np.uint64(f + 1) * np.uint64(0x9E3779B97F4A7C15))
        u1 = (np.float64(bits >> np.uint64(32)) + 1.0) / 4294967296.0
        u2 = np.float64(bits & np.uint64(0xFFFFFFFF)) / 4294967296.0
        radius = standard_deviation * math.sqrt(-2.0 * math.log(u1))
        out[f] = radius * math.cos(2.0 * math.pi * u2)
        if f + 1 < len(out):
            out[f + 1] = radius * math.sin(2.0 * math.pi * u2)
