"""How long to wait before something is tried again."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Final

FIRST_SECONDS: Final = 0.05
LONGEST_SECONDS: Final = 2.0
MOST_TRIES: Final = 10
"""Counted no further: long past the longest wait, and far from where 2 to that power is no float."""


class Backoff:
    """Exponential, with jitter, so that workers don't come back all at once."""

    def __init__(self, clock: Callable[[], float], rng: random.Random) -> None:
        """By ``clock``, in seconds."""
        self._clock = clock
        self._rng = rng
        self._tries = 0
        self._until = 0.0

    @property
    def waiting(self) -> bool:
        """Whether it is too early."""
        return self._clock() < self._until

    def failed(self) -> None:
        """Wait, for longer than after the last failure."""
        longest = min(LONGEST_SECONDS, FIRST_SECONDS * 2**self._tries)
        self._tries = min(self._tries + 1, MOST_TRIES)
        self._until = self._clock() + longest * (0.5 + 0.5 * self._rng.random())

    def succeeded(self) -> None:
        """The next failure is the first again."""
        self._tries = 0
