"""The adaptive rule: a Kalman filter on a bilinear model, in units of the ratings' own spread.

SGD whose step for each row follows from the variance that the row still has, plus fifteen global
weights W that fit the rule to the stream. For a rating r of user u on item i at time t (the
numbers are those of ``docs/model.md``)::

    z     = b_u + b_i + sum_{j!=8} W_j X_j
    X     = [f, a_u b_i, s_u x, p.q, 1, x, y, b_i, dz/dW8, g_u, g_i, b_i x, b_u b_i, b_u x, f x]
            x popularity of i, y newness of u, g shrunk averages
    r_hat = clip(c0 + sd z),  S = var(r)/sd^2,  e = (r - c0)/sd - z
    (b_u, a_u, s_u, f) += g e/S;   C -= g g'/S,  g = C h
    b_i += v_bi s_a e/S;   p += v_p W3 (e/S) q;   q += v_q W3 (e/S) p

Sources: Kalman (1960) for the user's four terms; Salakhutdinov and Mnih (2007), PMF, for the
bilinear part; Welford (1962) for the scale. Strictly one pass: evidence seen twice counts twice.
"""

from __future__ import annotations

import math
from typing import Any, Final

import numba
import numpy as np

from lfm_online import lanes
from lfm_online.batch import FORGET, RATING
from lfm_online.numba_flags import KERNEL, STEP
from lfm_online.prefetch import ask_for_rows, places_of
from lfm_online.rules.adaptive_start import N_WEIGHTS, start_user
from lfm_online.rules.bands import score_bands
from lfm_online.rules.bookkeeping import (
    LARGEST,
    bias_guess,
    bias_of,
    clip,
    count_event,
    count_other,
    count_rating,
    is_sound,
    level,
    score_event,
)

# C's packed upper triangle: its four columns, and the row and the column of each of its numbers.
_COLUMN_B: Final = (0, 1, 2, 3)
_COLUMN_A: Final = (1, 4, 5, 6)
_COLUMN_S: Final = (2, 5, 7, 8)
_COLUMN_F: Final = (3, 6, 8, 9)
_ROWS: Final = (0, 0, 0, 0, 1, 1, 1, 2, 2, 3, *(6 * (3,)))
_COLUMNS: Final = (0, 1, 2, 3, 1, 2, 3, 2, 3, 3, *(6 * (3,)))

_LOWEST: Final = (*(4 * (0.0,)), *(3 * (-math.inf,)), -0.5, -2.0, *(6 * (-1.0,)))
"""Of W0 to W14."""
_HIGHEST: Final = (*(4 * (2.0,)), *(3 * (math.inf,)), 1.0, 2.0, *(6 * (1.0,)))

_LOGS: Final = np.log1p(np.arange(4096))
"""log(1 + n): looked up, an event takes 4 ns less (96 of MovieLens, so 92)."""
_FORGOTTEN: Final = 50.0
"""exp(-50) is nothing beside 1 in float64; the slow way of exp past -708 took 3 ns an event (85, so 82)."""


@numba.njit(**STEP)
def drift(users: Any, u: int, time_ms: int, W: Any, rule: Any, hyper: Any) -> Any:
    """Steps 2 and 3: the user's state as it stands at ``time_ms``.

    Returns:
        C, the fast bias, v_bu0, and the two sums of the clock with this gap included.
    """
    C = lanes.load(users.state[u].C, 10)
    fast = np.float64(users.state[u].f)
    v_bu0 = hyper.v_bu0 * math.exp(W[8])
    log_gap_sum = rule.log_gap_sum
    gaps = rule.gaps
    if users.header[u].ratings == 0:
        return lanes.replace(C, 0, v_bu0), fast, v_bu0, log_gap_sum, gaps
    v_bu = C[0]
    if v_bu < v_bu0:
        v_bu = min(v_bu + hyper.q_bu, v_bu0)
    rho = hyper.rho
    gap = time_ms - users.header[u].time_ms
    if gap > 0:
        log_gap_sum += math.log(gap)
        gaps += 1.0
        mean_gap = math.exp(log_gap_sum / gaps)
        rho *= math.exp(max(-gap / (hyper.gaps_kept * mean_gap), -_FORGOTTEN))
    rho2 = rho * rho
    C = lanes.replace(C, 0, v_bu) * lanes.of((1, 1, 1, rho, 1, 1, rho, 1, rho, rho2))
    C = lanes.replace(C, 9, C[9] + (1.0 - rho2) * hyper.v_f0)
    return C, rho * fast, v_bu0, log_gap_sum, gaps


@numba.njit(**STEP)
def log_count(ratings: Any) -> Any:
    """``log(1 + ratings)``."""
    return _LOGS[ratings] if ratings < len(_LOGS) else math.log(1.0 + ratings)


@numba.njit(**STEP)
def terms(
    users: Any,
    u: int,
    fast: float,
    g_u: float,
    items: Any,
    i: int,
    g_i: float,
    n: float,
    W: Any,
    rule: Any,
) -> Any:
    """Steps 4 and 5.

    Returns:
        X, in which X8, no term of z, is 0; z, |p|^2, |q|^2, and m with this item included.
    """
    p = users.factors[u]
    q = items.factors[i]
    dot = np.float32(0)
    p2 = np.float32(0)
    q2 = np.float32(0)
    for f in range(len(p)):
        dot += p[f] * q[f]
        p2 += p[f] * p[f]
        q2 += q[f] * q[f]
    log_n = log_count(items.header[i].ratings)
    m = rule.m + (log_n - rule.m) / (n + 1.0)
    x = (log_n - m) / 2
    y = 1.0 / (1.0 + users.header[u].ratings)
    b_u = np.float64(users.state[u].b)
    b_i = np.float64(items.state[i].b)
    a = users.state[u].a
    s = users.state[u].s
    X = lanes.of(
        (fast, a * b_i, s * x, dot, 1, x, y, b_i, 0, g_u, g_i, b_i * x, b_u * b_i, b_u * x, fast * x)
    )
    z = b_u + b_i + lanes.total(W * X)
    return X, z, np.float64(p2), np.float64(q2), m


@numba.njit(**STEP)
def innovation(
    users: Any,
    u: int,
    items: Any,
    i: int,
    W: Any,
    hyper: Any,
    C: Any,
    X: Any,
    p2: float,
    q2: float,
) -> Any:
    """Step 6.

    Returns:
        g = C h, S, s_a, v_bi after its drift, and the noise part of S.
    """
    h = lanes.of((1, W[1] * X[7], W[2] * X[5], W[0]))
    of_b_and_a = lanes.pick(C, _COLUMN_B) + lanes.pick(C, _COLUMN_A) * h[1]
    g = of_b_and_a + lanes.pick(C, _COLUMN_S) * h[2] + lanes.pick(C, _COLUMN_F) * h[3]
    s_a = 1.0 + W[7] + W[1] * users.state[u].a
    v_bi = min(items.state[i].v_b + hyper.q_bi, hyper.v_bi0)
    noise = hyper.s2 * users.state[u].nu
    bilinear = users.state[u].v_p * q2 + items.state[i].v_q * p2
    S = noise + lanes.total(h * g) + v_bi * s_a * s_a + W[3] * W[3] * bilinear
    return g, S, s_a, v_bi, noise


@numba.njit(**STEP)
def learn_weights(W: Any, R: Any, X: Any, S: float, e: float, hyper: Any) -> Any:
    """Step 8: W and R after a scalar filter for each weight; they share one innovation."""
    RX = R * X
    gain = RX * (1.0 / (S + lanes.total(RX * X)))
    W = lanes.minimum(lanes.maximum(W + gain * e, lanes.of(_LOWEST)), lanes.of(_HIGHEST))
    return W, lanes.minimum(R + hyper.w_q - gain * RX, hyper.r0)


@numba.njit(**STEP)
def learn_noise(state: Any, noise: float, e: float, step: float, per_S: float, weight: float) -> None:
    """Step 9: ``nu *= 1 + w (e^2/S - 1)/weight``."""
    state.nu *= 1.0 + noise * per_S * (e * step - 1.0) / weight


@numba.njit(**STEP)
def learn_user(state: Any, fast: float, C: Any, g: Any, step: float, per_S: float) -> None:
    """Step 10: ``(b, a, s, f) += g e/S; C -= g g'/S``."""
    state.b += g[0] * step
    state.a += g[1] * step
    state.s += g[2] * step
    state.f = fast + g[3] * step
    lanes.store(state.C, 10, C - lanes.pick(g, _ROWS) * lanes.pick(g, _COLUMNS) * per_S)


@numba.njit(**STEP)
def learn_item(state: Any, v_bi: float, s_a: float, step: float, per_S: float) -> None:
    """Step 11: ``b_i += v_bi s_a e/S; v_bi -= (v_bi s_a)^2/S``."""
    state.b += v_bi * s_a * step
    state.v_b = v_bi - (v_bi * s_a) ** 2 * per_S


@numba.njit(**STEP)
def learn_factors(p: Any, q: Any, step_p: float, step_q: float) -> None:
    """Step 12: ``p += step_p q; q += step_q p``, both from the old values, in float32 as they are."""
    of_q = np.float32(step_p)
    of_p = np.float32(step_q)
    for f in range(len(p)):
        old_p = p[f]
        old_q = q[f]
        p[f] = old_p + of_q * old_q
        q[f] = old_q + of_p * old_p


@numba.njit(**STEP)
def moved(
    g: Any, v_bi: float, s_a: float, gain_p: float, gain_q: float, p2: float, q2: float, step: float
) -> Any:
    """How far steps 10 to 12 move z."""
    linear = step * (lanes.total(g) + v_bi * s_a)
    return linear + step * step * (gain_p * gain_p * q2 + gain_q * gain_q * p2)


@numba.njit(**KERNEL)
def learn(batch: Any, users: Any, items: Any, globals_: Any, hyper: Any, out: Any) -> None:
    """Learn a batch, event by event, each predicted before it is learned."""
    shared = globals_.shared[0]
    rule = globals_.rule[0]
    W, R = lanes.load(rule.W, N_WEIGHTS), lanes.load(rule.R, N_WEIGHTS)
    per_k = 1.0 / max(users.factors.shape[1], 1)
    places = places_of(users), places_of(items)
    for position in range(len(batch.user)):
        event = np.uint64(position)  # unsigned, as are u and i: no number counts from an array's end
        u = np.uint32(batch.user[event])
        user = users.header[u]
        if batch.what[event] != RATING:
            count_other(batch.what[event], user, batch.digest[event], shared)
            if batch.what[event] == FORGET:
                start_user(users, u, hyper)
            continue
        i = np.uint32(batch.item[event])
        item = items.header[i]
        count_event(user, item, batch.digest[event], shared)
        r = batch.rating[event]
        bias_u, bias_i = bias_of(user), bias_of(item)
        c0, sd = level(shared, hyper.low, hyper.high)  # 1
        C, fast, v_bu0, log_gap_sum, gaps = drift(users, u, batch.time_ms[event], W, rule, hyper)  # 2, 3
        X, z, p2, q2, m = terms(users, u, fast, bias_u / sd, items, i, bias_i / sd, shared.n, W, rule)  # 4, 5
        X = lanes.replace(X, 8, users.state[u].b * min(C[0] / v_bu0, 1.0))
        g, S, s_a, v_bi, noise = innovation(users, u, items, i, W, hyper, C, X, p2, q2)  # 6
        ask_for_rows(batch, position, places[0], places[1])  # here, where most is waited for
        bound = hyper.huber * math.sqrt(S)
        e = clip((r - c0) / sd - z, -bound, bound)  # 7
        per_S = 1.0 / S
        step = e * per_S
        gain_p = users.state[u].v_p * W[3]
        gain_q = items.state[i].v_q * W[3]
        move = moved(g, v_bi, s_a, gain_p, gain_q, p2, q2, step)
        if not (S > 1.0 / LARGEST and is_sound(S) and is_sound(z + move)):
            shared.refused += 1
            out.refused[event] = True
            continue
        r_hat = clip(c0 + sd * z, hyper.low, hyper.high)
        score_bands(event, shared, sd * math.sqrt(S), abs(r - r_hat), out)
        score_event(event, shared, user, item, r, r_hat, c0, bias_guess(c0, bias_u, bias_i, hyper), out)
        W, R = learn_weights(W, R, X, S, e, hyper)  # 8
        learn_noise(users.state[u], noise, e, step, per_S, hyper.noise_prior + user.ratings)  # 9
        learn_user(users.state[u], fast, C, g, step, per_S)  # 10
        learn_item(items.state[i], v_bi, s_a, step, per_S)  # 11
        learn_factors(users.factors[u], items.factors[i], gain_p * step, gain_q * step)  # 12
        users.state[u].v_p -= gain_p * gain_p * q2 * per_S * per_k
        items.state[i].v_q -= gain_q * gain_q * p2 * per_S * per_k
        rule.m, rule.log_gap_sum, rule.gaps = m, log_gap_sum, gaps  # 13
        count_rating(user, item, r, batch.time_ms[event], c0, bias_u, bias_i, shared)
    lanes.store(rule.W, N_WEIGHTS, W)
    lanes.store(rule.R, N_WEIGHTS, R)
