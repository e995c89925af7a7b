"""The textbook rule on ratings that are all there: epochs, and the loss that they go down.

Each step of the rule is half the gradient of one rating's part of::

    sum (r - x)^2  +  regularisation_bias sum (b_u^2 + b_i^2)  +  regularisation_factors sum (|p|^2 + |q|^2)

all three summed over the ratings, so that a row decays with each of its ratings (Koren, Bell and
Volinsky 2009, equation 5). x is the prediction before it is clipped. mu is not learned: it is the
mean c0 of all the ratings, the same throughout.
"""

from __future__ import annotations

from typing import Any

import numba
import numpy as np

from lfm_online.numba_flags import KERNEL
from lfm_online.rules.bookkeeping import clip, is_sound, level
from lfm_online.rules.sgd import (
    dot_and_squares,
    half_slope,
    largest_squares,
    mean_score,
    predict,
    step_factors,
    step_of_bias,
)


@numba.njit(**KERNEL)
def learn(batch: Any, order: Any, users: Any, items: Any, globals_: Any, hyper: Any) -> int:
    """One epoch: each rating of the batch once, in the order of ``order: int64[n]``.

    Returns:
        How many updates were refused for not being finite.
    """
    refused = 0
    c0, _ = level(globals_.shared[0], hyper.low, hyper.high)
    keep = 1.0 - hyper.step_factors * hyper.regularisation_factors
    for event in order:
        u = batch.user[event]
        i = batch.item[event]
        p = users.factors[u]
        q = items.factors[i]
        dot, p2, q2 = dot_and_squares(p, q)
        b_u = np.float64(users.state[u].b)
        b_i = np.float64(items.state[i].b)
        _, d = half_slope(b_u, b_i, dot, batch.rating[event], c0, hyper)
        b_u = step_of_bias(b_u, d, hyper)
        b_i = step_of_bias(b_i, d, hyper)
        gain = hyper.step_factors * d
        squares = largest_squares(keep, gain, p2, q2)
        if not (is_sound(b_u) and is_sound(b_i) and is_sound(squares)):
            refused += 1
            continue
        users.state[u].b = b_u
        items.state[i].b = b_i
        step_factors(p, q, np.float32(keep), np.float32(gain))
    return refused


@numba.njit(**KERNEL)
def losses(batch: Any, users: Any, items: Any, globals_: Any, hyper: Any) -> Any:
    """Sums over a batch; nothing is learned.

    Returns:
        Squared error, weight decay of biases, weight decay of factors; and the squared error of the
        predictions clipped to the range.
    """
    squared = 0.0
    decay_biases = 0.0
    decay_factors = 0.0
    squared_clipped = 0.0
    c0, _ = level(globals_.shared[0], hyper.low, hyper.high)
    mu = mean_score(c0, hyper)
    for event in range(len(batch.user)):
        u = batch.user[event]
        i = batch.item[event]
        r = batch.rating[event]
        b_u = np.float64(users.state[u].b)
        b_i = np.float64(items.state[i].b)
        dot, p2, q2 = dot_and_squares(users.factors[u], items.factors[i])
        x, _ = predict(mu + b_u + b_i + dot, hyper)
        squared += (r - x) ** 2
        squared_clipped += (r - clip(x, hyper.low, hyper.high)) ** 2
        decay_biases += hyper.regularisation_bias * (b_u * b_u + b_i * b_i)
        decay_factors += hyper.regularisation_factors * (np.float64(p2) + np.float64(q2))
    return squared, decay_biases, decay_factors, squared_clipped
