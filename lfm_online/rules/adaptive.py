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
from typing import Any

import numba
import numpy as np

from lfm_online.batch import FORGET, RATING
from lfm_online.numba_flags import KERNEL, STEP
from lfm_online.prefetch import ask_for_rows, places_of
from lfm_online.rules.adaptive_start import N_WEIGHTS, start_user
from lfm_online.rules.bands import score_bands
from lfm_online.rules.bookkeeping import (
    LARGEST,
    bias_of,
    clip,
    count_event,
    count_other,
    count_rating,
    is_sound,
    level,
    score_event,
)


@numba.njit(**STEP)
def drift(users: Any, u: int, time_ms: int, rule: Any, hyper: Any, C: Any) -> Any:
    """Steps 2 and 3: the user's state as it stands at ``time_ms``; fills ``C: float64[10]``.

    Returns:
        The fast bias, v_bu0, and the two sums of the clock with this gap included.
    """
    state = users.state[u]
    for j in range(10):
        C[j] = state.C[j]
    fast = np.float64(state.f)
    v_bu0 = hyper.v_bu0 * math.exp(rule.W[8])
    log_gap_sum = rule.log_gap_sum
    gaps = rule.gaps
    if users.header[u].ratings == 0:
        C[0] = v_bu0
        return fast, v_bu0, log_gap_sum, gaps
    if C[0] < v_bu0:
        C[0] = min(C[0] + hyper.q_bu, v_bu0)
    rho = hyper.rho
    gap = time_ms - users.header[u].time_ms
    if gap > 0:
        log_gap_sum += math.log(gap)
        gaps += 1.0
        rho *= math.exp(-gap / (hyper.gaps_kept * math.exp(log_gap_sum / gaps)))
    fast *= rho
    C[3] *= rho
    C[6] *= rho
    C[8] *= rho
    C[9] = rho * rho * C[9] + (1.0 - rho * rho) * hyper.v_f0
    return fast, v_bu0, log_gap_sum, gaps


@numba.njit(**STEP)
def terms(users: Any, u: int, fast: float, items: Any, i: int, n: float, sd: float, rule: Any, X: Any) -> Any:
    """Steps 4 and 5: fills ``X`` but for ``X[8]``, which is no term of z.

    Returns:
        z, |p|^2, |q|^2, and m with this item included.
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
    log_count = math.log1p(items.header[i].ratings)
    m = rule.m + (log_count - rule.m) / (n + 1.0)
    x = (log_count - m) / 2
    b_u = np.float64(users.state[u].b)
    b_i = np.float64(items.state[i].b)
    X[0] = fast
    X[1] = users.state[u].a * b_i
    X[2] = users.state[u].s * x
    X[3] = dot
    X[4] = 1.0
    X[5] = x
    X[6] = 1.0 / (1.0 + users.header[u].ratings)
    X[7] = b_i
    X[9] = bias_of(users.header[u]) / sd
    X[10] = bias_of(items.header[i]) / sd
    X[11] = b_i * x
    X[12] = b_u * b_i
    X[13] = b_u * x
    X[14] = fast * x
    z = b_u + b_i
    for j in range(8):
        z += rule.W[j] * X[j]
    for j in range(9, N_WEIGHTS):
        z += rule.W[j] * X[j]
    return z, np.float64(p2), np.float64(q2), m


@numba.njit(**STEP)
def innovation(
    users: Any,
    u: int,
    items: Any,
    i: int,
    rule: Any,
    hyper: Any,
    C: Any,
    X: Any,
    p2: float,
    q2: float,
    g: Any,
) -> Any:
    """Step 6: fills ``g = C h: float64[4]``.

    Returns:
        S, s_a, v_bi after its drift, and the noise part of S.
    """
    W = rule.W
    h1 = W[1] * X[7]
    h2 = W[2] * X[5]
    h3 = W[0]
    g[0] = C[0] + C[1] * h1 + C[2] * h2 + C[3] * h3
    g[1] = C[1] + C[4] * h1 + C[5] * h2 + C[6] * h3
    g[2] = C[2] + C[5] * h1 + C[7] * h2 + C[8] * h3
    g[3] = C[3] + C[6] * h1 + C[8] * h2 + C[9] * h3
    s_a = 1.0 + W[7] + W[1] * users.state[u].a
    v_bi = min(items.state[i].v_b + hyper.q_bi, hyper.v_bi0)
    noise = hyper.s2 * users.state[u].nu
    bilinear = users.state[u].v_p * q2 + items.state[i].v_q * p2
    S = noise + g[0] + g[1] * h1 + g[2] * h2 + g[3] * h3 + v_bi * s_a * s_a + W[3] * W[3] * bilinear
    return S, s_a, v_bi, noise


@numba.njit(**STEP)
def learn_weights(rule: Any, X: Any, S: float, e: float, hyper: Any) -> None:
    """Step 8: a scalar filter for each weight; they share one innovation."""
    D = S
    for j in range(N_WEIGHTS):
        D += rule.R[j] * X[j] * X[j]
    for j in range(N_WEIGHTS):
        gain = rule.R[j] * X[j] / D
        rule.W[j] += gain * e
        rule.R[j] = min(rule.R[j] + hyper.w_q - gain * rule.R[j] * X[j], hyper.r0)
    for j in range(4):
        rule.W[j] = clip(rule.W[j], 0.0, 2.0)
    rule.W[7] = clip(rule.W[7], -0.5, 1.0)
    rule.W[8] = clip(rule.W[8], -2.0, 2.0)
    for j in range(9, N_WEIGHTS):
        rule.W[j] = clip(rule.W[j], -1.0, 1.0)


@numba.njit(**STEP)
def learn_user(state: Any, fast: float, C: Any, g: Any, step: float, S: float) -> None:
    """Step 10: ``(b, a, s, f) += g e/S; C -= g g'/S``."""
    state.b += g[0] * step
    state.a += g[1] * step
    state.s += g[2] * step
    state.f = fast + g[3] * step
    place = 0
    for row in range(4):
        for column in range(row, 4):
            state.C[place] = C[place] - g[row] * g[column] / S
            place += 1


@numba.njit(**STEP)
def learn_factors(p: Any, q: Any, gain_p: Any, gain_q: Any) -> None:
    """Step 12: ``p += gain_p q; q += gain_q p``, both from the old values."""
    for f in range(len(p)):
        old_p = p[f]
        old_q = q[f]
        p[f] = old_p + gain_p * old_q
        q[f] = old_q + gain_q * old_p


@numba.njit(**KERNEL)
def learn(batch: Any, users: Any, items: Any, globals_: Any, hyper: Any, out: Any) -> None:
    """Learn a batch, event by event, each predicted before it is learned."""
    shared = globals_.shared[0]
    rule = globals_.rule[0]
    C = np.empty(10)
    X = np.empty(N_WEIGHTS)
    g = np.empty(4)
    k = max(users.factors.shape[1], 1)
    places = places_of(users), places_of(items)
    for event in range(len(batch.user)):
        ask_for_rows(batch, event, places[0], places[1])
        u = batch.user[event]
        user = users.header[u]
        if batch.what[event] != RATING:
            count_other(batch.what[event], user, batch.digest[event], shared)
            if batch.what[event] == FORGET:
                start_user(users, u, hyper)
            continue
        i = batch.item[event]
        item = items.header[i]
        count_event(user, item, batch.digest[event], shared)
        r = batch.rating[event]
        c0, sd = level(shared, hyper.low, hyper.high)  # 1
        fast, v_bu0, log_gap_sum, gaps = drift(users, u, batch.time_ms[event], rule, hyper, C)  # 2, 3
        z, p2, q2, m = terms(users, u, fast, items, i, shared.n, sd, rule, X)  # 4, 5
        X[8] = users.state[u].b * min(C[0] / v_bu0, 1.0)
        S, s_a, v_bi, noise = innovation(users, u, items, i, rule, hyper, C, X, p2, q2, g)  # 6
        bound = hyper.huber * math.sqrt(S)
        e = clip((r - c0) / sd - z, -bound, bound)  # 7
        step = e / S
        gain_p = users.state[u].v_p * rule.W[3]
        gain_q = items.state[i].v_q * rule.W[3]
        moved = step * (g[0] + g[1] + g[2] + g[3] + v_bi * s_a)
        moved += step * step * (gain_p * gain_p * q2 + gain_q * gain_q * p2)
        if not (S > 1.0 / LARGEST and is_sound(S) and is_sound(z + moved)):
            shared.refused += 1
            out.refused[event] = True
            continue
        out.model[event] = clip(c0 + sd * z, hyper.low, hyper.high)
        score_bands(event, shared, sd * math.sqrt(S), r, out)
        score_event(event, shared, user, item, r, c0, hyper.low, hyper.high, out)
        learn_weights(rule, X, S, e, hyper)  # 8
        share = noise / S
        users.state[u].nu *= 1.0 + share * (e * e / S - 1.0) / (hyper.noise_prior + user.ratings)  # 9
        learn_user(users.state[u], fast, C, g, step, S)  # 10
        items.state[i].b += v_bi * s_a * step  # 11
        items.state[i].v_b = v_bi - (v_bi * s_a) ** 2 / S
        learn_factors(
            users.factors[u], items.factors[i], np.float32(gain_p * step), np.float32(gain_q * step)
        )  # 12
        users.state[u].v_p -= gain_p * gain_p * q2 / (k * S)
        items.state[i].v_q -= gain_q * gain_q * p2 / (k * S)
        rule.m, rule.log_gap_sum, rule.gaps = m, log_gap_sum, gaps  # 13
        count_rating(user, item, r, batch.time_ms[event], c0, shared)
