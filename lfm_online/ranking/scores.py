"""Items ranked for a user by all that a model knows: personal, popular, and how it would be rated.

::

    score = h.y_i + log Q_i + c z_ui

z is the rating rule's prediction in units of the ratings' own spread. c = 0 ranks by what is taken
next; 1 weighs as much that it is liked; 2 to 4 give items that are better liked and less often taken.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numba
import numpy as np
from numpy.typing import NDArray

from lfm_online.numba_flags import KERNEL
from lfm_online.ranking.lookup import Taste
from lfm_online.rules.bookkeeping import level

if TYPE_CHECKING:
    from lfm_online.model import Model
    from lfm_online.ranking.head import RankingHead
    from lfm_online.rows import Table

DEFAULT_C: Final = 0.5


class NoRankingError(ValueError):
    """What was asked takes a ranking head, and the model was begun without one."""

    def __init__(self) -> None:
        super().__init__("the model has no ranking head: it was begun with LFM_RANKING=false")


class Scores(NamedTuple):
    """Of the first n items for one user; all parts ``float64[n]``."""

    taste: Taste
    personal: NDArray[np.float64]  # h.y
    popular: NDArray[np.float64]  # log Q
    rating: NDArray[np.float64]  # the rule's score, before the link
    z: NDArray[np.float64]  # that as a rating before the clip, less the running mean, in deviations

    def total(self, c: float) -> NDArray[np.float64]:
        """What items are ranked by."""
        return self.personal + self.popular + c * self.z


@numba.njit(**KERNEL)
def _level(shared: Any, low: float, high: float) -> Any:
    return level(shared[0], low, high)


def head_of(model: Model) -> RankingHead:
    """The model's ranking head.

    Raises:
        NoRankingError: it has none.
    """
    if model.ranking is None:
        raise NoRankingError
    return model.ranking


def next_scores(model: Model, users: Table, u: int, at_ms: int, n_items: int | None = None) -> Scores:
    """The parts of each item's score for a user.

    Args:
        model: It has a ranking head.
        users: Holds the user's row; it need not be the model's own.
        u: Number of the row.
        at_ms: The time to answer for, Unix milliseconds.
        n_items: Of how many items; all where not given.

    Raises:
        NoRankingError: the model has no ranking head.
    """
    head = head_of(model)
    n = len(model.items) if n_items is None else n_items
    ranked = head.score_items(users.rank_rows, u, model.items.rank_rows, n)
    rule = model.rule
    scores = np.empty(n)
    rule.score_items(users.rows, u, model.items.rows, model.globals, rule.hyper, at_ms, scores)
    c0, sd = _level(model.globals.shared, rule.hyper.low, rule.hyper.high)
    z = (rule.before_clip(scores) - c0) / sd
    return Scores(ranked.taste, ranked.personal, ranked.popular, scores, z)
