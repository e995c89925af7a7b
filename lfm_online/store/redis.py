"""A model in Redis or Valkey: two connections of one process, of which one reads rows.

Commits go by WATCH and MULTI (docs/decisions has the benchmark). The WATCH for the next commit
travels behind the EXEC of the last, so that a commit costs one round trip.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import Any

import redis

from lfm_online.store import fitness, key_types, transaction
from lfm_online.store.connection import type_commands
from lfm_online.store.protocol import Claim, Commit, Head, Receipt, RowsRead, StoreBrokenError
from lfm_online.store.reading import Reading


class RedisStore(Reading):
    """The model ``model`` in the server at ``url``; see ``protocol.Store``."""

    def __init__(self, url: str, model: str, **access: Any) -> None:
        """Connects on first use; ``access`` as in ``connection.connect``."""
        super().__init__(url, model, **access)
        # Rows are read on a connection of their own: behind a commit in flight they would wait for it.
        self._rows = Reading(url, model, **access)
        self._whole = False  # whether the append-only file of the server behind this connection is
        # A commit is laid out and sent by a thread of its own, mostly in compiled loops and system
        # calls, while the learner's thread has the next events fetched and decoded.
        self._sender = ThreadPoolExecutor(1, thread_name_prefix="commit")
        self._sending: Future[int] | None = None
        self._ahead: tuple[Commit, Future[transaction.LaidOut]] | None = None

    def close(self) -> None:
        """Drop both connections; the next call makes a new one."""
        self._rows.close()
        self._whole = False
        sending, self._sending = self._sending, None
        if sending is not None:
            # Before the connection goes: redis-py would make a new one to send on, without the WATCH.
            sending.exception()
        super().close()

    def check(self) -> None:
        """See that the server never drops a row by itself (``maxmemory-policy noeviction``)."""
        fitness.check_policy(self._call)

    def create(self, meta: bytes) -> bool:
        """Set the meta of a new model; False if another process was first."""
        return self._call("SET", self.keys.meta, meta, "NX") is not None

    def ask_rows(self, users: Sequence[str], items: Sequence[str], histories: Sequence[str] = ()) -> None:
        """Ask on the connection that no commit holds up."""
        with self._both():
            self._rows.ask_rows(users, items, histories)

    def receive_rows(self) -> RowsRead:
        """Wait for what was asked last."""
        with self._both():
            return self._rows.receive_rows()

    @contextlib.contextmanager
    def _both(self) -> Iterator[None]:
        """If one connection fails, so has the other: nobody may go on with a commit in flight on it."""
        try:
            yield
        except BaseException:
            self.close()
            raise

    def _watch(self, connection: Any) -> None:
        connection.send_packed_command([self._watch_command(connection)], check_health=False)
        self._read_watched(connection)

    def _watch_command(self, connection: Any) -> bytes:
        """WATCH what a commit rests on or appends to, and look at it: the head, and the others' types."""
        keys = key_types.appended(self.keys)
        first = connection.pack_commands([("WATCH", self.keys.head, *keys), ("GET", self.keys.head)])
        return b"".join([*first, *type_commands(connection, keys)])

    def _read_watched(self, connection: Any) -> None:
        connection.read_response()
        head = Head.from_bytes(connection.read_response())
        keys = key_types.appended(self.keys)
        key_types.check(keys, [connection.read_response() for _ in keys])
        self._watched = head

    def lay_out(self, commit: Commit) -> None:
        """Make a commit ready while the server works on the one in flight."""
        self._ahead = commit, self._sender.submit(transaction.lay_out, self.keys, commit)

    def _laid_out(self, commit: Commit) -> transaction.LaidOut:
        """The commit's bytes, on the sender's thread."""
        ahead, self._ahead = self._ahead, None
        if ahead is not None and ahead[0] is commit:
            return ahead[1].result()
        return transaction.lay_out(self.keys, commit)

    def send_commit(self, commit: Commit) -> None:
        """Begin a commit; the server works on it while the caller goes on."""
        with self._conversation() as connection:
            if not self._whole:
                fitness.make_append_only_file_whole(partial(self._ask, connection), self.keys.run)
                self._whole = True
            if self._watched is None:
                self._watch(connection)
            if self._watched == commit.expected:
                self._sending = self._sender.submit(self._send, connection, commit)

    def _send(self, connection: Any, commit: Commit) -> int:
        """Lay a commit out and send it; how many replies lie before that of EXEC."""
        laid_out = self._laid_out(commit)
        if connection._sock is None:  # redis-py would connect anew by itself, without the WATCH
            raise redis.ConnectionError("the connection was lost before the commit was sent")
        self._check_written_into(connection, commit)
        connection.send_packed_command(
            [*laid_out.payload, self._watch_command(connection)], check_health=False
        )
        return laid_out.queued

    def _check_written_into(self, connection: Any, commit: Commit) -> None:
        """See that the outboxes and histories that a commit writes into are of their types.

        It costs a round trip where there are some: a dead letter, a chunk of 32 ratings that is full.
        Outboxes are not watched, since the forwarder takes letters out meanwhile.
        """
        outboxes = {self.keys.dead(p): "hash" for p in commit.dead}
        histories = dict.fromkeys(transaction.history_keys(self.keys, commit), "string")
        if not outboxes and not histories:
            return
        expected = outboxes | histories
        watch = connection.pack_commands([("WATCH", *histories)] if histories else [])
        connection.send_packed_command([*watch, *type_commands(connection, expected)], check_health=False)
        if histories:
            connection.read_response()
        key_types.check(expected, [connection.read_response() for _ in expected])

    def receive_commit(self) -> Receipt:
        """Wait for the commit in flight."""
        if self._sending is None:
            return Receipt(committed=False, seconds=0.0)
        with self._conversation() as connection:
            reads = self._sending.result()
            before = connection.read_response()
            connection.read_response()  # MULTI
            # A command that can't be queued makes EXEC fail, and nothing is written.
            for _ in range(reads):
                connection.read_response()
            replies = connection.read_response()
            after = connection.read_response()
            self._sending = None
            for reply in replies or ():
                if isinstance(reply, redis.ResponseError):
                    raise StoreBrokenError(f"a commit was written in part, the store said {reply}")
            self._read_watched(connection)
        seconds = int(after[0]) - int(before[0]) + (int(after[1]) - int(before[1])) / 1e6
        return Receipt(replies is not None, seconds, (replies[-1] if replies else None) or b"")

    def claim_turn(self, who: bytes, seconds: float) -> Claim:
        """Ask for the turn to commit, in one round trip; a WATCH of the head stays."""
        with self._conversation() as connection:
            asked = ("SET", self.keys.turn, who, "NX", "PX", max(1, int(seconds * 1000)))
            packed = connection.pack_commands([asked, ("GET", self.keys.turn), ("GET", self.keys.head)])
            connection.send_packed_command(packed, check_health=False)
            _, holder, head = (connection.read_response() for _ in range(3))
        return Claim(holder == who, Head.from_bytes(head))

    def end_turn(self) -> None:
        """Whoever asks next has the turn."""
        self._call("DEL", self.keys.turn)

    def read_dead(self, partition: int, limit: int) -> dict[int, bytes]:
        """Up to about ``limit`` dead letters of a partition's outbox, by offset."""
        letters: dict[int, bytes] = {}
        cursor: Any = b"0"
        while True:
            cursor, found = self._call("HSCAN", self.keys.dead(partition), cursor, "COUNT", 100)
            letters |= {int(k): v for k, v in zip(found[::2], found[1::2], strict=True)}
            if int(cursor) == 0 or len(letters) >= limit:
                return dict(sorted(letters.items()))

    def drop_dead(self, partition: int, offsets: Sequence[int]) -> None:
        """Take forwarded letters out of the outbox."""
        if offsets:
            self._call("HDEL", self.keys.dead(partition), *offsets)

    def count_dead(self, partition: int) -> int:
        """How many letters lie in a partition's outbox."""
        return int(self._call("HLEN", self.keys.dead(partition)))
