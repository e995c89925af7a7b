"""Where the ranking head's sections start; an item's from ``(seed, id)`` alone."""

from __future__ import annotations

from typing import Any, Final

import numba
import numpy as np

from lfm_online.numba_flags import KERNEL
from lfm_online.ranking.layout import GLOBALS, RING, SLOT
from lfm_online.rules.initial import gaussian_factors

_OWN_SEED: Final = 0x72616E6B
"""Keeps y from being the rating rule's q on another scale."""


@numba.njit(**KERNEL)
def start_user(users: Any, u: int) -> None:
    """A newcomer: no items, p = 0."""
    state = users.state[u]
    state.a = 0.0
    state.events = 0
    for place in range(len(state.last)):
        state.last[place] = 0
    users.factors[u, :] = 0.0


@numba.njit(**KERNEL)
def start_users(users: Any, numbers: Any) -> None:
    """:func:`start_user` for each of ``numbers: int32[n]``."""
    for u in numbers:
        start_user(users, u)


@numba.njit(**KERNEL)
def start_items(items: Any, numbers: Any, hyper: Any) -> None:
    """New items ``numbers: int32[n]``: y is Gaussian, or h would never leave zero."""
    for i in numbers:
        state = items.state[i]
        state.a = 0.0
        state.recent = 0.0
        state.count = 0
        state.touched = 0
        gaussian_factors(hyper.seed ^ _OWN_SEED, items.hash[i], hyper.y_sd, items.factors[i])


def new_globals() -> Any:
    """The head's globals before the first event: ``GLOBALS[1]``."""
    values = np.zeros(1, GLOBALS)
    values["pi"] = 0.5
    return values


def new_ring() -> Any:
    """An empty ring: ``SLOT[RING]``."""
    return np.zeros(RING, SLOT)
