"""The thread that keeps a replica true."""

from __future__ import annotations

import logging
import random
import threading
import time
from typing import Final

from lfm_online.layout import FormatError
from lfm_online.meta import MetaMismatchError
from lfm_online.replica import Replica
from lfm_online.replica_reads import ModelMissingError
from lfm_online.store.protocol import StoreAwayError, StoreBrokenError

WAIT_SECONDS: Final = 0.5
"""How long one wait for a change may take: the replica's age at rest, and the longest wait of a stop."""
RETRY_SECONDS: Final = (0.1, 2.0)
"""The first pause after a failure, and the longest; each doubles the one before, and half is by chance."""
STUCK_SECONDS: Final = 120.0
"""A step that takes longer hangs: the store's replies are given up after ten seconds."""

_WAITABLE = (StoreAwayError, StoreBrokenError, ModelMissingError, MetaMismatchError, FormatError)
_log = logging.getLogger(__name__)


class Follower:
    """Follows the feed in a thread until it is stopped; failures that may pass are tried again."""

    def __init__(self, replica: Replica) -> None:
        self._replica = replica
        self._stopping = threading.Event()
        self._stepped = time.monotonic()
        self._thread = threading.Thread(target=self._run, name="follower", daemon=True)

    def start(self) -> None:
        """Begin to follow."""
        self._stepped = time.monotonic()
        self._thread.start()

    def stop(self) -> None:
        """End the thread and drop the replica's connections."""
        self._stopping.set()
        self._thread.join(10 * WAIT_SECONDS)
        self._replica.close()

    def problems(self) -> list[str]:
        """Why only a restart of the process would help; empty while all is well."""
        if not self._thread.is_alive() and not self._stopping.is_set():
            return ["the thread that follows the feed has ended"]
        silent = time.monotonic() - self._stepped
        return (
            [f"the thread that follows the feed hangs for {silent:.0f} s"] if silent > STUCK_SECONDS else []
        )

    def _run(self) -> None:
        failures = 0
        while not self._stopping.is_set():
            self._stepped = time.monotonic()
            try:
                self._replica.follow(WAIT_SECONDS)
                failures = 0
            except _WAITABLE as error:
                if failures == 0:
                    _log.warning("lookups wait: %s", error)
                pause = min(RETRY_SECONDS[0] * 2**failures, RETRY_SECONDS[1])
                failures = min(failures + 1, 10)
                self._stopping.wait(pause * random.uniform(0.5, 1))
            except Exception:
                _log.exception("the thread that follows the feed ended")
                raise
