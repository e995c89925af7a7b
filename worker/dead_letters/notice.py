"""Says in the log that events become dead letters, now and then: wrong field names refuse a whole stream."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Final

from worker.dead_letters.letter import DeadLetter

log = logging.getLogger(__name__)

TELL_SECONDS: Final = 60.0
"""Between two lines; letters in between are told with the next one after it."""


class LetterNotice:
    """Counts letters by reason since it last said so."""

    def __init__(self, clock: Callable[[], float]) -> None:
        """By ``clock``, monotonic seconds."""
        self._clock = clock
        self._told_at = float("-inf")
        self._untold: Counter[str] = Counter()

    def count(self, letters: Sequence[DeadLetter]) -> None:
        """These were committed."""
        for letter in letters:
            self._untold[letter.reason] += letter.offsets
        if not letters or self._clock() - self._told_at < TELL_SECONDS:
            return
        last = letters[-1]
        log.warning(
            "dead letters: %s; the last one is %s %d:%d: %s (lfm-online dead-letters list counts them all)",
            ", ".join(f"{count:,} {reason}" for reason, count in self._untold.most_common()),
            last.topic,
            last.partition,
            last.offset,
            last.detail,
        )
        self._told_at = self._clock()
        self._untold.clear()
