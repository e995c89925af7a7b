"""The interface behind which the learning rules stand: layout, constants and kernels of one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from lfm_online.batch import Batch, Outcome
from lfm_online.layout import Globals, Kind, Rows, row_bytes

Link = Literal["clip", "sigmoid_range"]


class Epochs(NamedTuple):
    """The kernels of a rule that may go through the same ratings more than once."""

    learn: Callable[[Batch, NDArray[np.int64], Rows, Rows, Globals, Any], int]
    """One epoch in the given order; how many updates were refused."""
    losses: Callable[[Batch, Rows, Rows, Globals, Any], tuple[float, float, float, float]]
    """Of a batch, the parts of the loss, and the squared error of what would be predicted; all are sums."""


@dataclass(frozen=True)
class Rule:
    """One learning rule with its constants.

    The kernels take row numbers into :class:`Rows`; ``hyper`` is the named tuple that each takes.
    """

    name: str
    code: int
    user_state: np.dtype[Any]
    item_state: np.dtype[Any]
    globals_dtype: np.dtype[Any]
    hyper: Any
    link: Link
    part_names: tuple[str, ...]
    new_globals: Callable[[], NDArray[Any]]
    start_users: Callable[[Rows, NDArray[np.int32], Any], None]
    start_items: Callable[[Rows, NDArray[np.int32], Any], None]
    learn: Callable[[Batch, Rows, Rows, Globals, Any, Outcome], None]
    parts: Callable[[Rows, int, Rows, int, Globals, Any, int, NDArray[np.float64]], float]
    score_items: Callable[[Rows, int, Rows, Globals, Any, int, NDArray[np.float64]], None]
    epochs: Epochs | None = None
    """None: strictly one pass, since it counts each event as evidence."""

    def state_of(self, kind: Kind) -> np.dtype[Any]:
        """The state record of a user's or an item's row."""
        return self.user_state if kind == "user" else self.item_state

    def row_bytes(self, kind: Kind, factors: int) -> int:
        """Size in bytes of a stored row."""
        return row_bytes(self.state_of(kind), factors)

    def start(self, kind: Kind, rows: Rows, numbers: NDArray[np.int32]) -> None:
        """Set state and factors of ``numbers: int32[n]`` to where a new row starts."""
        (self.start_users if kind == "user" else self.start_items)(rows, numbers, self.hyper)

    def before_clip(self, score: Any) -> Any:
        """The link without its clip, of a score or an array of them: ratings that may lie past the range."""
        if self.link == "clip":
            return score
        low, high, margin = self.hyper.low, self.hyper.high, self.hyper.margin
        return low - margin + (high - low + 2 * margin) / (1.0 + np.exp(-score))

    def rating_of(self, score: float) -> float:
        """The link: a score as a rating within the range."""
        return float(min(max(self.before_clip(score), self.hyper.low), self.hyper.high))
