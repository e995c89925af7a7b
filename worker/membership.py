"""Whether the group has given this worker anything yet: one that is stuck amid a join never does."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Final

from worker.settings import Settings

log = logging.getLogger(__name__)

SESSIONS: Final = 2
"""Session time-outs after which the wait is told: within one the group forgets members that died."""
TELL_SECONDS: Final = 60.0
"""Between two lines in the log."""


class Membership:
    """Says how long a worker has been waiting for its first assignment."""

    def __init__(self, settings: Settings, clock: Callable[[], float]) -> None:
        """The wait begins now."""
        self._what = f"no partitions of {settings.topic!r} from group {settings.group!r}"
        self._patience = SESSIONS * settings.session_timeout_seconds
        self._clock = clock
        self._since = clock()
        self._told_at = float("-inf")

    def trouble(self, *, joined: bool) -> str:
        """What to say of it; empty once there was an assignment, or as long as the wait is usual."""
        now = self._clock()
        if joined or now - self._since < self._patience:
            return ""
        said = (
            f"{self._what} for {now - self._since:.0f} s: its coordinator waits for other members, or does "
            "not answer. End those that hang, or take a new group (LFM_GROUP); offsets come from the store"
        )
        if now - self._told_at >= TELL_SECONDS:
            self._told_at = now
            log.warning("%s", said)
        return said
