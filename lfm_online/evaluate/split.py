"""Dividing a stream into what is learned first and what is then predicted."""

from __future__ import annotations

from itertools import pairwise
from typing import Final, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

ALLOWED: Final = "time:FRACTION or random:FRACTION with a FRACTION between 0 and 1, or cv:FOLDS of 2 or more"


class SplitError(ValueError):
    """A split that does not exist, or leaves one side without a rating; the message says what is allowed."""


class Split(NamedTuple):
    """Places in a stream, each side in the order in which it is to be learned; no place is on both."""

    train: NDArray[np.intp]
    test: NDArray[np.intp]


class SplitPlan(NamedTuple):
    """How to divide a stream."""

    kind: str
    """``time``: the first part, then the rest; ``random``; ``cv``: each rating is tested once."""
    share: float
    """The fraction to train on; of ``cv`` the number of folds."""

    @classmethod
    def parse(cls, text: str) -> Self:
        """The plan of ``time:0.8``, ``random:0.8`` or ``cv:5``.

        Raises:
            SplitError: anything else.
        """
        kind, _, number = text.partition(":")
        try:
            share = float(number)
        except ValueError:
            share = 0.0
        fits = share >= 2 and share.is_integer() if kind == "cv" else 0 < share < 1
        if kind not in {"time", "random", "cv"} or not fits:
            raise SplitError(f"the split is {text!r} (--split); allowed: {ALLOWED}")
        return cls(kind, share)

    def __str__(self) -> str:
        return f"{self.kind}:{self.share:g}"

    def splits(self, n: int, seed: int) -> list[Split]:
        """The splits of a stream of ``n`` ratings: of ``cv`` one a fold, else one.

        Of ``random`` and ``cv`` both sides are in one order drawn by ``seed``.

        Raises:
            SplitError: a side would be empty.
        """
        order = np.arange(n) if self.kind == "time" else np.random.default_rng(seed).permutation(n)
        if self.kind == "cv":
            bounds = np.linspace(0, n, int(self.share) + 1).astype(np.intp)
        else:
            bounds = np.array([round(self.share * n), n], np.intp)
        parts = [
            Split(np.concatenate([order[:start], order[stop:]]), order[start:stop])
            for start, stop in pairwise(bounds)
        ]
        if any(len(train) == 0 or len(test) == 0 for train, test in parts):
            raise SplitError(f"{n} ratings are too few for the split {self} (--split): a side is empty")
        return parts
