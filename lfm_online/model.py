"""A model in memory: users, items, globals, and the rule that learns them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from lfm_online.batch import Batch, Outcome, empty_outcome
from lfm_online.layout import Globals, globals_from_bytes, globals_to_bytes
from lfm_online.rows import Table
from lfm_online.rules.bands import new_shared
from lfm_online.rules.rule import Rule


class Model:
    """The rows and globals of one model.

    A row number into ``users`` is this process's own; a row number into ``items`` is the item's
    number in the store's list, the same for all processes.
    """

    def __init__(self, rule: Rule, factors: int, *, history: int = 0, capacity: int = 256) -> None:
        """A model that has seen nothing; see :class:`Table` for what the arguments mean."""
        self.rule = rule
        self.n_factors = factors
        self.history = history
        self.users = Table("user", rule, factors, history=history, capacity=capacity)
        self.items = Table("item", rule, factors, capacity=capacity)
        self.load_globals(None)

    def load_globals(self, stored: bytes | None) -> None:
        """Take the globals over as they lie in the store; None is a model without a commit.

        Raises:
            FormatError: bytes of another format, rule or length.
        """
        if stored is None:
            self.globals = Globals(new_shared(), self.rule.new_globals())
        else:
            self.globals = globals_from_bytes(stored, self.rule.code, self.rule.globals_dtype)

    def globals_bytes(self) -> bytes:
        """The globals as they lie in the store."""
        return globals_to_bytes(self.globals, self.rule.code, self.items.priors.version)

    def learn(self, batch: Batch) -> Outcome:
        """Learn a batch whose rows are loaded; each event is predicted before it is learned.

        Args:
            batch: Events in the order in which they are to be learned.

        Returns:
            The predictions, each made before its event was learned.
        """
        outcome = empty_outcome(len(batch.user))
        self.rule.learn(batch, self.users.rows, self.items.rows, self.globals, self.rule.hyper, outcome)
        return outcome

    @property
    def shared(self) -> Any:
        """The globals that every rule has, one record of ``layout.SHARED``."""
        return self.globals.shared[0]


def changed_rows(batch: Batch) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Numbers of the users' and the items' rows that a batch changes, each once, ascending."""
    items = np.unique(batch.item)
    return np.unique(batch.user), items[items >= 0]
