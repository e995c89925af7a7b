"""What lookups ask of the ranking head: how it ranks all items for a user, in parts.

The score of item i for user u is ``h.y_i + log Q_i + c z_ui``: what is personal, what is popular, and
c times the rating rule's prediction in units of the ratings' own spread. For a user without a row of
their own, such as a basket, p is 0 and h the context alone.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numba
import numpy as np
from numpy.typing import NDArray

from lfm_online.numba_flags import KERNEL
from lfm_online.ranking.layout import LAST, USER_STATE, Hyper, RankRows
from lfm_online.ranking.learn import context, decayed


class Taste(NamedTuple):
    """What h of a user is made of."""

    h: NDArray[np.float32]  # float32[k]
    items: NDArray[np.int32]  # int32[n], the context: row numbers of items, newest first
    shares: NDArray[np.float32]  # float32[n], of each in h; they sum to 1


@numba.njit(**KERNEL)
def _taste(users: Any, u: int, items: Any, n_items: int, hyper: Any, h: Any, near: Any, share: Any) -> Any:
    return context(users, u, items, n_items, hyper, h, near, share)


@numba.njit(**KERNEL)
def personal(h: Any, items: Any, out: Any) -> None:
    """Fill ``out: float64[n]`` with h.y of the first n items."""
    for i in range(len(out)):
        dot = np.float32(0)
        for f in range(len(h)):
            dot += h[f] * items.factors[i, f]
        out[i] = dot


@numba.njit(**KERNEL)
def popular(items: Any, globals_: Any, hyper: Any, out: Any) -> None:
    """Fill ``out: float64[n]`` with log Q of the first n items."""
    state = globals_[0]
    n = state.events
    for i in range(len(out)):
        q = hyper.floor / max(state.items, 1)
        if n > 0:
            q += state.pi * decayed(items.state[i], n) / state.recent
            q += (1.0 - state.pi) * items.state[i].count / n
        out[i] = math.log(q)


def taste(users: RankRows, u: int, items: RankRows, n_items: int, hyper: Hyper) -> Taste:
    """What the user likes now.

    Args:
        users: The users' sections.
        u: Row number of the user.
        items: The items' sections.
        n_items: How many of them there are; newer ones in the user's row are passed over.
        hyper: The head's constants.
    """
    h = np.empty(items.factors.shape[1], np.float32)
    near, share = np.empty(LAST, np.int32), np.empty(LAST, np.float32)
    size = _taste(users, u, items, n_items, hyper, h, near, share)
    return Taste(h, near[:size], share[:size])


def pulls(of: Taste, items: RankRows, i: int) -> NDArray[np.float64]:
    """``float64[n]``: what each item of the context adds to h.y of item ``i``; the rest is p.y."""
    near: NDArray[np.float64] = of.shares * (items.factors[of.items] @ items.factors[i]).astype(np.float64)
    return near


def basket(items: Sequence[int], high: Sequence[bool], factors: int) -> RankRows:
    """The section of a user without a row, who took these items, oldest first.

    Args:
        items: Row numbers.
        high: Whether each was rated at or above the mean.
        factors: How many a row has.
    """
    state = np.zeros(1, USER_STATE)
    state["events"] = len(items)
    for n, (item, liked) in enumerate(zip(items, high, strict=True)):
        state["last"][0, n % LAST] = item + 1 if liked else -item - 1
    return RankRows(state, np.zeros((1, factors), np.float32), np.zeros(1, np.uint64))
