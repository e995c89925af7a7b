"""Ends a process whose loop is stuck, and says where.

Two things are told apart from work that only takes long:

- the loop makes no step: some call doesn't return;
- it makes steps, there is something to learn, nothing is told to be in the way, and still no watermark moves:
  a client that is wedged, say.

A restart mends both, and loses nothing. The time that counts is that in which the watchdog itself ran, so a
process that was stopped (SIGSTOP, a suspended machine) is not blamed when it goes on.

A call that never lets go of the interpreter would keep this thread from running, too: ``faulthandler``'s own
timer, which needs no interpreter, then does the same with exit code 1.
"""

from __future__ import annotations

import faulthandler
import logging
import os
import sys
import threading
import time
from collections.abc import Callable
from typing import Final, NamedTuple

log = logging.getLogger(__name__)

EXIT_CODE: Final = 70
"""Of a process that its watchdog ended (EX_SOFTWARE of sysexits.h)."""
LOOK_SECONDS: Final = 0.5
GRACE_SECONDS: Final = 30.0
"""How much later faulthandler's timer ends the process, if this thread can't."""


class Progress(NamedTuple):
    """What a loop did so far, compared with what it did at the last look."""

    steps: int
    learned: int  # sum of the watermarks
    waiting: bool  # there is something to learn, and nothing is told to be in the way


class Watchdog:
    """Judges progress; its thread ends the process."""

    def __init__(self, seconds: float) -> None:
        """For a loop that may stand still for so long."""
        self._limit = seconds
        self._now = Progress(0, 0, waiting=False)
        self._seen = self._now
        self._no_step = self._no_progress = 0.0  # seconds

    def report(self, *, learned: int, waiting: bool) -> None:
        """The loop made a step."""
        self._now = Progress(self._now.steps + 1, learned, waiting)

    def look(self, passed: float) -> None:
        """Compare with the last look, ``passed`` seconds ago."""
        now, seen = self._now, self._seen
        self._seen = now
        self._no_step = self._no_step + passed if now.steps == seen.steps else 0.0
        moved = now.learned != seen.learned or not now.waiting
        self._no_progress = 0.0 if moved else self._no_progress + passed

    def problems(self) -> list[str]:
        """Why the process should end; empty: it shouldn't."""
        setting = f"allowed: {self._limit:g} s (LFM_WATCHDOG_SECONDS)"
        if self._no_step > self._limit:
            return [f"the loop made no step for {self._no_step:.0f} s; {setting}"]
        if self._no_progress > self._limit:
            return [f"there is lag, and nothing was learned for {self._no_progress:.0f} s; {setting}"]
        return []

    def start(self) -> None:
        """Watch from now on, in a thread that ends with the process."""
        threading.Thread(target=self._watch, args=(_end,), name="watchdog", daemon=True).start()

    def _watch(self, end: Callable[[str], None]) -> None:
        while True:
            faulthandler.dump_traceback_later(self._limit + GRACE_SECONDS, exit=True)
            began = time.monotonic()
            time.sleep(LOOK_SECONDS)
            # Longer than twice the time asked for: it was stopped, as the loop was.
            self.look(min(time.monotonic() - began, 2 * LOOK_SECONDS))
            if problems := self.problems():
                end(problems[0])


def _end(problem: str) -> None:
    log.critical("%s: the process ends; where each of its threads was:", problem)
    sys.stderr.flush()
    faulthandler.dump_traceback(all_threads=True)
    os._exit(EXIT_CODE)
