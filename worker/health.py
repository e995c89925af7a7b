"""What ``/readyz`` of the learner says; ``/livez`` is the watchdog's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

STALLED_SECONDS: Final = 30.0
"""A step takes milliseconds; past this the loop makes no progress, and traffic should go elsewhere."""


class Health:
    """Told by the loop, asked by the health routes."""

    def __init__(self, clock: Callable[[], float]) -> None:
        """By ``clock``, monotonic seconds."""
        self._clock = clock
        self._stepped_at = clock()
        self._trouble = "starting: the kernels compile"

    def waiting_for(self, trouble: str) -> None:
        """Not ready yet, for this reason; alive."""
        self._stepped_at = self._clock()
        self._trouble = trouble

    def stepped(self, trouble: str) -> None:
        """The loop made a step; ``trouble`` is empty when store and broker answer."""
        self._stepped_at = self._clock()
        self._trouble = trouble

    def ready(self) -> list[str]:
        """Why this process is not ready; empty: it is."""
        silent = self._clock() - self._stepped_at
        stalled = [f"the loop made no step for {silent:.0f} s"] if silent > STALLED_SECONDS else []
        return [self._trouble, *stalled] if self._trouble else stalled
