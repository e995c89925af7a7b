"""User rows as they lie in the store, the least recently used dropped first."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable


class UserCache:
    """Up to ``capacity`` rows, found by the hash that the feed calls a user by (``hashing.id_hash``).

    Bytes, not arrays: a row costs about 400 bytes so, and 1,500 as arrays of its own. Its caller locks it.
    """

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._rows: OrderedDict[int, tuple[str, bytes]] = OrderedDict()

    def __len__(self) -> int:
        """How many rows it holds."""
        return len(self._rows)

    def get(self, user_hash: int, user: str) -> bytes | None:
        """The row of that user, if it is here."""
        held = self._rows.get(user_hash)
        if held is None or held[0] != user:  # two ids may share a hash
            return None
        self._rows.move_to_end(user_hash)
        return held[1]

    def put(self, user_hash: int, user: str, row: bytes) -> None:
        """Hold a row."""
        self._rows[user_hash] = (user, row)
        self._rows.move_to_end(user_hash)
        if len(self._rows) > self._capacity:
            self._rows.popitem(last=False)

    def forget(self, user_hashes: Iterable[int]) -> None:
        """Drop the rows of users, where they are here."""
        for user_hash in user_hashes:
            self._rows.pop(user_hash, None)

    def clear(self) -> None:
        """Drop all rows."""
        self._rows.clear()
