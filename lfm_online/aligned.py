"""Arrays of rows that begin where a line of the processor's caches begins.

NumPy lays a large array 16 bytes behind such a place: a row of 128 bytes then lies on three lines, not two.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from lfm_online.prefetch import LINE


def zeros(shape: tuple[int, ...], dtype: DTypeLike) -> NDArray[Any]:
    """An array of zeros; the system gives memory to its parts as they are written."""
    wanted = np.dtype(dtype)
    size = math.prod(shape) * wanted.itemsize
    room = np.zeros(size + LINE, np.uint8)
    first = -room.ctypes.data % LINE
    return room[first : first + size].view(wanted).reshape(shape)


def grown(array: NDArray[Any], rows: int) -> NDArray[Any]:
    """A copy with room for so many rows."""
    out = zeros((rows, *array.shape[1:]), array.dtype)
    out[: len(array)] = array
    return out
