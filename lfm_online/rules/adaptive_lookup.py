"""The adaptive rule's lookups: the same steps as ``adaptive.learn``, without a trace in the rows."""

from __future__ import annotations

import math
from typing import Any, Final

import numba

from lfm_online import lanes
from lfm_online.numba_flags import KERNEL
from lfm_online.rules.adaptive import drift, innovation, terms
from lfm_online.rules.adaptive_start import N_WEIGHTS
from lfm_online.rules.bookkeeping import bias_of, level

PARTS: Final = (
    "mean",
    "user_bias",
    "item_bias",
    "fast_user_bias",  # W0 f
    "slope_on_item_bias",  # W1 a_u b_i
    "slope_on_popularity",  # W2 s_u x
    "factors",  # W3 p.q
    "level",  # W4
    "popularity",  # W5 x
    "newness",  # W6 y
    "item_bias_gain",  # W7 b_i
    "user_average",  # W9 g_u
    "item_average",  # W10 g_i
    "interactions",  # W11 b_i x + W12 b_u b_i + W13 b_u x + W14 f x
)


@numba.njit(**KERNEL)
def parts(users: Any, u: int, items: Any, i: int, globals_: Any, hyper: Any, time_ms: int, out: Any) -> Any:
    """Fill ``out: float64[len(PARTS)]``, in rating units; they sum to the score before the link.

    Returns:
        The rule's own deviation ``sd sqrt(S)``, in rating units; ``bands`` says what share it holds.
    """
    shared = globals_.shared[0]
    rule = globals_.rule[0]
    W = lanes.load(rule.W, N_WEIGHTS)
    c0, sd = level(shared, hyper.low, hyper.high)
    g_u = bias_of(users.header[u]) / sd
    g_i = bias_of(items.header[i]) / sd
    C, fast, _, _, _ = drift(users, u, time_ms, W, rule, hyper)
    X, _, p2, q2, _ = terms(users, u, fast, g_u, items, i, g_i, shared.n, W, rule)
    _, S, _, _, _ = innovation(users, u, items, i, W, hyper, C, X, p2, q2)
    out[0] = c0
    out[1] = sd * users.state[u].b
    out[2] = sd * items.state[i].b
    part = W * X * sd
    for j in range(8):
        out[3 + j] = part[j]
    out[11] = part[9]
    out[12] = part[10]
    out[13] = part[11] + part[12] + part[13] + part[14]
    return sd * math.sqrt(S)


@numba.njit(**KERNEL)
def score_items(users: Any, u: int, items: Any, globals_: Any, hyper: Any, time_ms: int, out: Any) -> None:
    """Fill ``out: float64[n]`` with the score, before the link, of the first n items."""
    shared = globals_.shared[0]
    rule = globals_.rule[0]
    W = lanes.load(rule.W, N_WEIGHTS)
    c0, sd = level(shared, hyper.low, hyper.high)
    g_u = bias_of(users.header[u]) / sd
    _, fast, _, _, _ = drift(users, u, time_ms, W, rule, hyper)
    for i in range(len(out)):
        g_i = bias_of(items.header[i]) / sd
        _, z, _, _, _ = terms(users, u, fast, g_u, items, i, g_i, shared.n, W, rule)
        out[i] = c0 + sd * z
