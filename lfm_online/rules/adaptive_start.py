"""The adaptive rule's records and constants, and where its rows and globals start."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import numba
import numpy as np

from lfm_online.numba_flags import KERNEL
from lfm_online.rules.initial import gaussian_factors

NAME: Final = "adaptive"
CODE: Final = 1

N_WEIGHTS: Final = 15
# C is symmetric, in the order (b, a, s, f), packed by rows of its upper triangle:
# C00 C01 C02 C03 C11 C12 C13 C22 C23 C33 are C[0] .. C[9].
USER_STATE: Final = np.dtype(
    [
        ("b", "<f4"),  # bias b_u
        ("a", "<f4"),  # slope a_u on the item's bias
        ("s", "<f4"),  # slope s_u on the item's popularity
        ("f", "<f4"),  # fast, forgetting bias
        ("C", "<f4", (10,)),  # covariance of the four
        ("v_p", "<f4"),  # variance of each factor
        ("nu", "<f4"),  # noise level nu_u
    ]
)
ITEM_STATE: Final = np.dtype([("b", "<f4"), ("v_b", "<f4"), ("v_q", "<f4")])
RULE_GLOBALS: Final = np.dtype(
    [
        ("m", "<f8"),  # running mean of log(1 + n_i)
        ("log_gap_sum", "<f8"),  # of positive gaps (ms) within a user
        ("gaps", "<f8"),
        ("W", "<f8", (N_WEIGHTS,)),
        ("R", "<f8", (N_WEIGHTS,)),  # variance of each weight
    ]
)


class Hyper(NamedTuple):
    """The rule's constants; variances in units of the rating variance, per coordinate."""

    low: float
    high: float
    seed: int
    s2: float = 0.55  # noise
    v_bu0: float = 0.06
    v_a0: float = 0.2
    v_s0: float = 0.02
    v_f0: float = 0.05
    v_bi0: float = 0.14
    v_p0: float = 0.35
    v_q0: float = 0.09
    q_bu: float = 5e-4  # drift of a user's bias, per event
    q_bi: float = 1.3e-4
    rho: float = 0.98  # what the fast bias keeps, per event
    gaps_kept: float = 4.0  # and its clock, in geometric mean gaps
    r0: float = 0.03  # prior variance, and cap, of a weight
    w_q: float = 1e-7  # drift of a weight
    huber: float = 4.0  # errors are clipped to this many deviations
    noise_prior: float = 101.0  # events that a noise level of 1 counts for
    q_sd: float = 0.028


@numba.njit(**KERNEL)
def start_user(users: Any, u: int, hyper: Any) -> None:
    """A newcomer's row; its ``C00`` is set by the first event, from W8."""
    state = users.state[u]
    state.b = state.a = state.s = state.f = 0.0
    for j in range(10):
        state.C[j] = 0.0
    state.C[0] = hyper.v_bu0
    state.C[4] = hyper.v_a0
    state.C[7] = hyper.v_s0
    state.C[9] = hyper.v_f0
    state.v_p = hyper.v_p0
    state.nu = 1.0
    users.factors[u, :] = 0.0


@numba.njit(**KERNEL)
def start_item(items: Any, i: int, hyper: Any) -> None:
    """A new item's row: q is Gaussian, or p would never leave zero."""
    state = items.state[i]
    state.b = 0.0
    state.v_b = hyper.v_bi0
    state.v_q = hyper.v_q0
    gaussian_factors(hyper.seed, items.hash[i], hyper.q_sd, items.factors[i])


@numba.njit(**KERNEL)
def start_users(users: Any, numbers: Any, hyper: Any) -> None:
    """:func:`start_user` for each of ``numbers: int32[n]``."""
    for u in numbers:
        start_user(users, u, hyper)


@numba.njit(**KERNEL)
def start_items(items: Any, numbers: Any, hyper: Any) -> None:
    """:func:`start_item` for each of ``numbers: int32[n]``."""
    for i in numbers:
        start_item(items, i, hyper)


def new_globals() -> Any:
    """The rule's part of the globals before the first event: ``RULE_GLOBALS[1]``."""
    rule = np.zeros(1, RULE_GLOBALS)
    rule["W"][0, :4] = 1.0
    rule["R"][:] = Hyper(0.0, 1.0, 0).r0
    return rule
