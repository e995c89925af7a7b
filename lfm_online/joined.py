"""Rows of a table one behind the other, as a commit takes them."""

from __future__ import annotations

from typing import Any

import numba
import numpy as np

from lfm_online.copying import copy_bytes
from lfm_online.numba_flags import BORROWING
from lfm_online.prefetch import AHEAD, ask_for, place_of


@numba.njit(**BORROWING)
def join_rows(sections: Any, tails: Any, numbers: Any, tail_lengths: Any, out: Any) -> None:
    """Copy rows one behind the other to ``out: uint8[sum of their lengths]``.

    Args:
        sections: What rows consist of, in order, each ``uint8[n_rows, width]``.
        tails: What lies behind them, ``uint8[n_rows, most]``.
        numbers: The rows to copy, ``int32[n]``.
        tail_lengths: How much of their tails, ``int64[n]``, bytes.
        out: Filled.
    """
    at = place_of(out)[0]
    of_tails = place_of(tails)
    for j in range(len(numbers)):
        if j + AHEAD < len(numbers):
            for section in sections:
                ask_for(place_of(section), numbers[j + AHEAD])
        row = np.int64(numbers[j])
        for section in sections:
            first, width = place_of(section)
            copy_bytes(at, first + row * width, width)
            at += width
        copy_bytes(at, of_tails[0] + row * of_tails[1], tail_lengths[j])
        at += tail_lengths[j]
