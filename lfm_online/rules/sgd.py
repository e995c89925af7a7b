"""The textbook rule: matrix factorisation with biases, by stochastic gradient descent.

For a rating r of user u on item i (all from the values before the event)::

    score = mu + b_u + b_i + p.q
    clip:          r_hat = clip(score, low, high),   d = r - score
    sigmoid_range: x     = (low - m) + (high - low + 2 m) sigmoid(score)
                   r_hat = clip(x, low, high),       d = (r - x) dx/dscore
    b_u += step_bias    (d   - regularisation_bias    b_u);     b_i likewise
    p   += step_factors (d q - regularisation_factors p);       q likewise, with p

m is the margin: how far the sigmoid reaches past the range on both sides. Without it a rating at the
range's end asks for an infinite score. Without biases, b_u = b_i = 0 for good.

mu is the running mean c0 of ``bookkeeping``, on the score's scale: c0 itself for ``clip``, and for
``sigmoid_range`` the score at which x is c0. d is half the downhill slope of the squared error by
the score; for both links of the error before the clip, or a prediction past the end of the range
would never come back.

Sources: Funk (2006), "Netflix update: try this at home"; Koren, Bell and Volinsky (2009), IEEE
Computer 42(8), equation 5 and the updates below it. The link: Salakhutdinov and Mnih (2007).
"""

from __future__ import annotations

import math
from typing import Any, Final, NamedTuple

import numba
import numpy as np

from lfm_online.batch import FORGET, RATING
from lfm_online.numba_flags import KERNEL, STEP
from lfm_online.prefetch import ask_for_rows, places_of
from lfm_online.rules.bands import score_bands
from lfm_online.rules.bookkeeping import (
    bias_guess,
    bias_of,
    clip,
    count_event,
    count_other,
    count_rating,
    is_sound,
    level,
    recent_rmse,
    score_event,
)
from lfm_online.rules.initial import gaussian_factors

NAME: Final = "sgd"
CODE: Final = 2

USER_STATE: Final = np.dtype([("b", "<f4")])
ITEM_STATE: Final = np.dtype([("b", "<f4")])
RULE_GLOBALS: Final = np.dtype([])


class Hyper(NamedTuple):
    """The rule's constants, in rating units."""

    low: float
    high: float
    seed: int
    sigmoid: bool  # the link: sigmoid_range, or else clip
    step_bias: float = 0.01
    step_factors: float = 0.01
    regularisation_bias: float = 0.02
    regularisation_factors: float = 0.02
    factor_sd: float = 0.05  # .1 costs .0014 of ML-100K's RMSE in noise; much less learns slowly later
    margin: float = 0.0  # of sigmoid_range, past both ends of the range
    biases: float = 1.0  # 1, or 0: all biases stay 0


@numba.njit(**KERNEL)
def start_row(rows: Any, number: int, hyper: Any) -> None:
    """A new row: no bias, and Gaussian factors on both sides, since none leaves zero alone."""
    rows.state[number].b = 0.0
    gaussian_factors(hyper.seed, rows.hash[number], hyper.factor_sd, rows.factors[number])


@numba.njit(**KERNEL)
def start_rows(rows: Any, numbers: Any, hyper: Any) -> None:
    """:func:`start_row` for each of ``numbers: int32[n]``, users or items: they start alike."""
    for number in numbers:
        start_row(rows, number, hyper)


@numba.njit(**STEP)
def mean_score(c0: float, hyper: Any) -> float:
    """The running mean on the scale of the score."""
    if hyper.sigmoid:
        return math.log((c0 - hyper.low + hyper.margin) / (hyper.high + hyper.margin - c0))
    return c0


@numba.njit(**STEP)
def dot_and_squares(p: Any, q: Any) -> Any:
    """``p.q, |p|^2, |q|^2``, in float32 as the factors are."""
    dot = np.float32(0)
    p2 = np.float32(0)
    q2 = np.float32(0)
    for f in range(len(p)):
        dot += p[f] * q[f]
        p2 += p[f] * p[f]
        q2 += q[f] * q[f]
    return dot, p2, q2


@numba.njit(**STEP)
def predict(score: float, hyper: Any) -> Any:
    """``(x, slope)``: the link without its clip, in rating units, and ``dx/dscore``."""
    if hyper.sigmoid:
        span = hyper.high - hyper.low + 2 * hyper.margin
        share = 1.0 / (1.0 + math.exp(-score))
        return hyper.low - hyper.margin + span * share, span * share * (1.0 - share)
    return score, 1.0


@numba.njit(**STEP)
def half_slope(b_u: float, b_i: float, dot: float, r: float, c0: float, hyper: Any) -> Any:
    """``(r_hat, d)``: the prediction, and half the downhill slope of the squared error."""
    x, slope = predict(mean_score(c0, hyper) + b_u + b_i + dot, hyper)
    return clip(x, hyper.low, hyper.high), (r - x) * slope


@numba.njit(**STEP)
def step_of_bias(b: Any, d: Any, hyper: Any) -> Any:
    """A bias after its step; without biases it stays 0."""
    return b + hyper.biases * hyper.step_bias * (d - hyper.regularisation_bias * b)


@numba.njit(**STEP)
def largest_squares(keep: float, gain: float, p2: Any, q2: Any) -> Any:
    """What ``|p|^2 + |q|^2`` becomes at most; while it is sound, so is each factor and the next p.q."""
    return (abs(keep) + abs(gain)) ** 2 * (p2 + q2)


@numba.njit(**STEP)
def step_factors(p: Any, q: Any, keep: Any, gain: Any) -> None:
    """``p = keep p + gain q; q = keep q + gain p``, both from the old values."""
    for f in range(len(p)):
        old_p = p[f]
        old_q = q[f]
        p[f] = keep * old_p + gain * old_q
        q[f] = keep * old_q + gain * old_p


@numba.njit(**KERNEL)
def learn(batch: Any, users: Any, items: Any, globals_: Any, hyper: Any, out: Any) -> None:
    """Learn a batch, event by event, each predicted before it is learned."""
    shared = globals_.shared[0]
    keep = 1.0 - hyper.step_factors * hyper.regularisation_factors
    places = places_of(users), places_of(items)
    for position in range(len(batch.user)):
        event = np.uint64(position)  # unsigned, as are u and i: no number counts from an array's end
        u = np.uint32(batch.user[event])
        user = users.header[u]
        if batch.what[event] != RATING:
            count_other(batch.what[event], user, batch.digest[event], shared)
            if batch.what[event] == FORGET:
                start_row(users, u, hyper)
            continue
        i = np.uint32(batch.item[event])
        item = items.header[i]
        count_event(user, item, batch.digest[event], shared)
        r = batch.rating[event]
        bias_user = bias_of(user)
        bias_item = bias_of(item)
        c0, sd = level(shared, hyper.low, hyper.high)
        p = users.factors[u]
        q = items.factors[i]
        dot, p2, q2 = dot_and_squares(p, q)
        ask_for_rows(batch, position, places[0], places[1])  # here, where most is waited for
        b_u = np.float64(users.state[u].b)
        b_i = np.float64(items.state[i].b)
        r_hat, d = half_slope(b_u, b_i, dot, r, c0, hyper)
        b_u = step_of_bias(b_u, d, hyper)
        b_i = step_of_bias(b_i, d, hyper)
        gain = hyper.step_factors * d
        squares = largest_squares(keep, gain, p2, q2)
        if not (is_sound(b_u) and is_sound(b_i) and is_sound(squares)):
            shared.refused += 1
            out.refused[event] = True
            continue
        score_bands(event, shared, recent_rmse(shared, sd), abs(r - r_hat), out)
        score_event(event, shared, user, item, r, r_hat, c0, bias_guess(c0, bias_user, bias_item, hyper), out)
        users.state[u].b = b_u
        items.state[i].b = b_i
        step_factors(p, q, np.float32(keep), np.float32(gain))
        count_rating(user, item, r, batch.time_ms[event], c0, bias_user, bias_item, shared)


def new_globals() -> Any:
    """The rule has no globals of its own: ``RULE_GLOBALS[1]``, of 0 bytes."""
    return np.zeros(1, RULE_GLOBALS)
