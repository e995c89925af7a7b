"""Vectors in registers do what NumPy's arrays do."""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from numpy.typing import NDArray

from lfm_online import lanes
from lfm_online.numba_flags import KERNEL

N = 7
REPEATED = (3, 0, 0, 6)
OPTIONS = {**KERNEL, "cache": False}


def _operate(a: Any, b: Any, number: float, out: Any) -> float:
    v, w = lanes.load(a, N), lanes.load(b, N)
    lanes.store(out[0], 8, v + w * number - 1.0)
    lanes.store(out[1], 8, number - v * w)
    lanes.store(out[2], 8, lanes.minimum(lanes.maximum(v, w), number))
    lanes.store(out[3], 8, lanes.above(number, v))
    lanes.store(out[4], 4, lanes.pick(v, (3, 0, 0, 6)))
    lanes.store(out[5], 8, lanes.replace(v, 2, number))
    lanes.store(out[6], 4, lanes.of((v[5], 1, number)))
    return lanes.total(v)  # type: ignore[no-any-return]


_results: Any = numba.njit(**OPTIONS)(_operate)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_each_operation_is_that_of_arrays_whose_missing_lanes_are_zero(dtype: Any) -> None:
    rng = np.random.default_rng(1)
    a, b = rng.normal(size=(2, N)).astype(dtype)
    out = np.full((7, 8), np.nan, dtype)
    total = _results(a, b, 0.25, out)
    v, w = (np.append(each, dtype(0)) for each in (a, b))
    expected: list[NDArray[Any]] = [
        v + w * 0.25 - 1,
        0.25 - v * w,
        np.minimum(np.maximum(v, w), 0.25),
        (v < 0.25).astype(dtype),
        v[list(REPEATED)],
        np.where(np.arange(8) == 2, 0.25, v),
        np.array([v[5], 1, 0.25, 0]),
    ]
    for row, values in zip(out, expected, strict=True):
        assert_allclose(row[: len(values)], values, rtol=1e-6, atol=1e-6)
        assert np.isnan(row[len(values) :]).all()
    assert_allclose(total, a.sum(dtype=np.float64), rtol=1e-6)


def _copy(a: Any, out: Any) -> None:
    lanes.store(out, N, lanes.load(a, N))


_copied: Any = numba.njit(**OPTIONS)(_copy)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_what_is_loaded_and_stored_changes_no_bit_and_none_of_the_neighbours(dtype: Any) -> None:
    around = np.arange(12, dtype=dtype) / 7
    out = np.full(12, 5, dtype)
    _copied(around[2:9], out[2:9])
    assert_array_equal(out[2:9], around[2:9])
    assert (out[[0, 1, 9, 10, 11]] == 5).all()
