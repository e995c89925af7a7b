"""The textbook rule's lookups: the score that ``sgd.learn`` forms, without a trace in the rows."""

from __future__ import annotations

from typing import Any, Final

import numba

from lfm_online.numba_flags import KERNEL
from lfm_online.rules.bookkeeping import level, recent_rmse
from lfm_online.rules.sgd import dot_and_squares, mean_score

PARTS: Final = ("mean", "user_bias", "item_bias", "factors")


@numba.njit(**KERNEL)
def parts(users: Any, u: int, items: Any, i: int, globals_: Any, hyper: Any, _time_ms: int, out: Any) -> Any:
    """Fill ``out: float64[len(PARTS)]``, in units of the score; they sum to it, before the link.

    Returns:
        The rule's own deviation, in rating units. It keeps no variances, so for every pair alike: the
        root of the recent mean squared error of the model; before the first rating, the level's.
    """
    shared = globals_.shared[0]
    c0, sd = level(shared, hyper.low, hyper.high)
    dot, _, _ = dot_and_squares(users.factors[u], items.factors[i])
    out[0] = mean_score(c0, hyper)
    out[1] = users.state[u].b
    out[2] = items.state[i].b
    out[3] = dot
    return recent_rmse(shared, sd)


@numba.njit(**KERNEL)
def score_items(users: Any, u: int, items: Any, globals_: Any, hyper: Any, _time_ms: int, out: Any) -> None:
    """Fill ``out: float64[n]`` with the score, before the link, of the first n items."""
    c0, _ = level(globals_.shared[0], hyper.low, hyper.high)
    mu = mean_score(c0, hyper)
    for i in range(len(out)):
        dot, _, _ = dot_and_squares(users.factors[u], items.factors[i])
        out[i] = mu + users.state[u].b + items.state[i].b + dot
