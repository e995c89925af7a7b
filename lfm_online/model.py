"""A model in memory: users, items, globals, and the rule that learns them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from lfm_online.batch import Batch, Outcome, empty_outcome
from lfm_online.distinct import distinct
from lfm_online.layout import Globals, globals_from_bytes, globals_to_bytes
from lfm_online.ranking.head import RankingHead
from lfm_online.ranking.layout import GLOBALS as RANKING_GLOBALS
from lfm_online.rows import Table
from lfm_online.rules.bands import new_shared
from lfm_online.rules.rule import Rule


class Model:
    """The rows and globals of one model.

    A row number into ``users`` is this process's own; a row number into ``items`` is the item's
    number in the store's list, the same for all processes.
    """

    def __init__(
        self, rule: Rule, factors: int, *, history: int = 0, ranking: bool = False, capacity: int = 256
    ) -> None:
        """A model that has seen nothing; see :class:`Table` for what the arguments mean."""
        self.rule = rule
        self.n_factors = factors
        self.history = history
        self.ranking = RankingHead(rule.hyper.seed) if ranking else None
        self.users = Table("user", rule, factors, history=history, ranking=self.ranking, capacity=capacity)
        self.items = Table("item", rule, factors, ranking=self.ranking, capacity=capacity)
        self.load_globals(None)

    def load_globals(self, stored: bytes | None, ring: bytes | None = None) -> None:
        """Take the globals over as they lie in the store; None is a model without a commit.

        Args:
            stored: The globals.
            ring: The ranking head's; only who learns needs it.

        Raises:
            FormatError: bytes of another format, rule, head or length.
        """
        head = None
        if stored is None:
            self.globals = Globals(new_shared(), self.rule.new_globals())
        else:
            rule, ranked = self.rule, self.ranking is not None
            self.globals, head = globals_from_bytes(
                stored,
                rule.code,
                rule.globals_dtype,
                RankingHead.code if ranked else 0,
                RANKING_GLOBALS.itemsize if ranked else 0,
            )
        if self.ranking is not None:
            self.ranking.load(head, ring)

    def globals_bytes(self) -> bytes:
        """The globals as they lie in the store."""
        ranking = self.ranking
        code, head = (0, b"") if ranking is None else (ranking.code, ranking.globals.tobytes())
        return globals_to_bytes(self.globals, self.rule.code, self.items.priors.version, code, head)

    def touched(self, batch: Batch) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
        """Numbers of the users' and the items' rows that learning a batch may change, each once, ascending.

        Asked before the batch is learned. With a ranking head these are more items than the events'
        own, and to know them takes the users' rows.

        Args:
            batch: The events; its users are loaded.
        """
        users = distinct(batch.user)
        if self.ranking is not None:
            return users, self.ranking.touched(batch, self.users.rank_rows, len(self.items))
        items = distinct(batch.item)
        return users, items[items >= 0]

    def learn(self, batch: Batch) -> Outcome:
        """Learn a batch whose rows, those of :meth:`touched`, are loaded.

        Each event is predicted before it is learned. The ranking head learns after the rating rule, and
        neither reads what the other writes.

        Args:
            batch: Events in the order in which they are to be learned.

        Returns:
            The predictions, each made before its event was learned.
        """
        outcome = empty_outcome(len(batch.user))
        self.rule.learn(batch, self.users.rows, self.items.rows, self.globals, self.rule.hyper, outcome)
        if self.ranking is not None:
            self.ranking.learn(batch, self.users.rank_rows, self.items.rank_rows)
        return outcome

    @property
    def shared(self) -> Any:
        """The globals that every rule has, one record of ``layout.SHARED``."""
        return self.globals.shared[0]
