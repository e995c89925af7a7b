"""A store whose commits nothing guards: what exactly once is measured beside."""

from __future__ import annotations

from typing import Any, Final

from lfm_online.store.protocol import Commit, Receipt
from lfm_online.store.redis import RedisStore
from tests.naive_bytes import resp

TIME: Final = resp(b"TIME")
MULTI: Final = resp(b"MULTI")
EXEC: Final = resp(b"EXEC")


class UnfencedStore(RedisStore):
    """Writes what a commit writes, by the same commands, pipelined: no WATCH, no MULTI, the head not read."""

    def send_commit(self, commit: Commit) -> None:
        """Begin it, on the thread that lays commits out."""
        with self._conversation() as connection:
            self._sending = self._sender.submit(self._send, connection, commit)

    def _send(self, connection: Any, commit: Commit) -> int:
        laid_out = self._laid_out(commit)
        first, *rows, last = laid_out.payload
        begin, end = bytes(first), bytes(last)
        assert begin == TIME + MULTI
        assert end.endswith(EXEC + TIME)
        payload = [TIME, *rows, end.removesuffix(EXEC + TIME) + TIME]
        connection.send_packed_command(payload, check_health=False)
        return laid_out.queued

    def receive_commit(self) -> Receipt:
        """Wait for all that was sent."""
        assert self._sending is not None
        with self._conversation() as connection:
            commands = self._sending.result()
            self._sending = None
            before, *_, after = (connection.read_response() for _ in range(commands + 2))
        return Receipt(
            committed=True, seconds=int(after[0]) - int(before[0]) + (int(after[1]) - int(before[1])) / 1e6
        )
