"""Connections that threads borrow to read with."""

from __future__ import annotations

import queue
import time
from collections.abc import Callable, Sequence
from typing import Final, TypeVar

from lfm_online.store.protocol import RowsRead, State, Store, StoreAwayError

LEND_SECONDS: Final = 1.0
"""How long a thread waits for a connection; all are busy for longer only if the store hangs."""

_Answer = TypeVar("_Answer")


class ReadPool:
    """Up to ``size`` connections, made when they are first needed; a thread waits while all are lent."""

    def __init__(self, open_store: Callable[[], Store], size: int) -> None:
        self._open = open_store
        # Last in, first out: under light load one warm connection serves all.
        self._idle: queue.LifoQueue[Store | None] = queue.LifoQueue()
        for _ in range(size):
            self._idle.put(None)

    def read_rows(
        self, users: Sequence[str], items: Sequence[str], histories: Sequence[str] = ()
    ) -> RowsRead:
        """See :meth:`Store.read_rows`."""
        return self._read(lambda store: store.read_rows(users, items, histories))

    def read_state(self) -> State:
        """See :meth:`Store.read_state`."""
        return self._read(lambda store: store.read_state())

    def close(self) -> None:
        """Drop the connections that nobody uses now."""
        for _ in range(self._idle.qsize()):
            store = self._idle.get()
            if store is not None:
                store.close()
            self._idle.put(None)

    def _read(self, read: Callable[[Store], _Answer]) -> _Answer:
        try:
            store = self._idle.get(timeout=LEND_SECONDS)
        except queue.Empty:
            raise StoreAwayError(
                f"no connection to the store became free within {LEND_SECONDS:g} s (LFM_STORE)"
            ) from None
        began = time.monotonic()
        try:
            if store is None:
                store = self._open()
            try:
                return read(store)
            except StoreAwayError:
                # A connection that lay idle while the store was restarted fails once, at once.
                if time.monotonic() - began > LEND_SECONDS:
                    raise
                return read(store)
        finally:
            self._idle.put(store)
