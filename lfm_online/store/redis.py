"""A model in Redis or Valkey: one connection of one process.

Commits go by WATCH and MULTI (docs/decisions has the benchmark); the WATCH for the next travels behind
the EXEC of the last, so that a commit costs one round trip.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import Any, Final

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from lfm_online.layout import Kind
from lfm_online.store import feed, fitness, key_types, resp, scans, transaction
from lfm_online.store.keys import Keys
from lfm_online.store.protocol import (
    Commit,
    FeedEntry,
    FeedRead,
    Head,
    MarkedRows,
    Receipt,
    RowsRead,
    State,
    StoreAwayError,
    StoreBrokenError,
)

REPLY_SECONDS: Final = 10.0
"""How long a reply may take before the connection is given up."""
READ_KEYS: Final = 5000
"""Keys of one MGET, so that the server is not blocked for long."""

_AWAY = (redis.ConnectionError, redis.TimeoutError, OSError)
# Replies that pass: loading, failed over, out of memory, a write that too few replicas took.
_PASSING = ("LOADING", "READONLY", "OOM", "MASTERDOWN", "NOREPLICAS", "MISCONF", "CLUSTERDOWN", "TRYAGAIN")


def connect(url: str, **access: Any) -> redis.Redis:
    """A client that never sends a command again by itself: a write may then count twice.

    ``access`` is what ``redis.Redis.from_url`` takes: a user, a password, certificates.
    """
    return redis.Redis.from_url(
        url,
        socket_timeout=REPLY_SECONDS,
        socket_connect_timeout=REPLY_SECONDS,
        retry=Retry(NoBackoff(), 0),
        retry_on_error=[],
        protocol=2,
        **access,
    )


def _type_commands(connection: Any, keys: Iterable[str]) -> list[bytes]:
    packed: list[bytes] = connection.pack_commands([("TYPE", key) for key in keys])
    return packed


class RedisStore:
    """The model ``model`` in the server at ``url``."""

    def __init__(self, url: str, model: str, **access: Any) -> None:
        """Connects on first use; ``access`` as in :func:`connect`."""
        self.keys = Keys(model)
        self._client = connect(url, **access)
        self._connection: Any = None
        self._watched: Head | None = None  # the head as it was when WATCH began; None: no WATCH
        self._whole = False  # whether the append-only file of the server behind this connection is
        # A commit is laid out and sent by a thread of its own, mostly in compiled loops and system
        # calls: in the learner's thread that takes 1.7 us an event, a fifth of what it can do.
        self._sender = ThreadPoolExecutor(1, thread_name_prefix="commit")
        self._sending: Future[int] | None = None

    def close(self) -> None:
        """Drop the connection; the next call makes a new one."""
        self._watched = None
        self._whole = False
        sending, self._sending = self._sending, None
        if sending is not None:
            # Before the connection goes: redis-py would make a new one to send on, without the WATCH.
            sending.exception()
        if self._connection is not None:
            self._connection.disconnect()
            self._client.connection_pool.release(self._connection)
            self._connection = None

    @contextlib.contextmanager
    def _conversation(self) -> Iterator[Any]:
        """The connection; any failure on it drops it, since replies would then be out of step."""
        try:
            if self._connection is None:
                self._connection = self._client.connection_pool.get_connection()
            yield self._connection
        except (redis.AuthenticationError, redis.exceptions.AuthorizationError) as error:
            self.close()
            raise StoreBrokenError(
                f"the store refuses the login: {error} (LFM_STORE, LFM_STORE_USER, LFM_STORE_PASSWORD)"
            ) from error
        except _AWAY as error:
            self.close()
            raise StoreAwayError(f"the store does not answer: {error} (LFM_STORE)") from error
        except redis.ResponseError as error:
            self.close()
            if "WRONGTYPE" in str(error):
                self._name_foreign()
            # redis-py takes the code off the errors that it has a class for.
            if (error.status_code or str(error).split(" ", 1)[0]) in _PASSING:
                raise StoreAwayError(f"the store takes no writes now: {error}") from error
            raise StoreBrokenError(
                f"the store refused a command: {error} (LFM_STORE; a user's rights are in deploy/redis.acl)"
            ) from error
        except BaseException:
            self.close()
            raise

    def _transact(self, connection: Any, commands: Sequence[tuple[Any, ...] | bytes]) -> list[Any]:
        """UNWATCH, MULTI, commands (bytes are sent as they are), EXEC; the list of replies.

        A WATCH left by the last commit would make EXEC fail whenever another has committed since.
        """
        self._watched = None
        packed = [
            each if isinstance(each, bytes) else b"".join(connection.pack_command(*each))
            for each in (("UNWATCH",), ("MULTI",), *commands, ("EXEC",))
        ]
        connection.send_packed_command([b"".join(packed)], check_health=False)
        connection.read_response()  # UNWATCH
        connection.read_response()  # MULTI
        # Bytes may hold several commands: each is QUEUED, then comes the list of replies.
        while isinstance(reply := connection.read_response(), bytes):
            pass
        for each in reply:
            if isinstance(each, redis.ResponseError):
                raise each
        replies: list[Any] = reply
        return replies

    def _call(self, *command: Any) -> Any:
        try:
            with self._conversation() as connection:
                return self._ask(connection, *command)
        except StoreBrokenError as error:
            if "WRONGTYPE" in str(error):  # of no key that there is once: of an outbox
                self._check_types({command[1]: "hash"})
            raise

    def _ask(self, connection: Any, *command: Any) -> Any:
        connection.send_packed_command(connection.pack_command(*command), check_health=False)
        return connection.read_response()

    def check(self) -> None:
        """See that the server never drops a row by itself (``maxmemory-policy noeviction``)."""
        fitness.check_policy(self._call)

    def read_meta(self) -> bytes | None:
        """The model's settings as JSON; None if there is no such model."""
        meta: bytes | None = self._call("GET", self.keys.meta)
        return meta

    def create(self, meta: bytes) -> bool:
        """Set the meta of a new model; False if another process was first."""
        return self._call("SET", self.keys.meta, meta, "NX") is not None

    def read_state(self) -> State:
        """Head, globals, watermarks, count of items, and ring."""
        with self._conversation() as connection:
            head, values, watermarks, n_items, ring = self._transact(
                connection,
                [
                    ("GET", self.keys.head),
                    ("GET", self.keys.globals),
                    ("HGETALL", self.keys.watermarks),
                    ("LLEN", self.keys.items),
                    ("GET", self.keys.ring),
                ],
            )
            return State(Head.from_bytes(head), values, scans.marks(watermarks), n_items, ring)

    def read_items(self, start: int) -> list[str]:
        """Item ids from that number on."""
        ids: list[str] = []
        while True:
            first = start + len(ids)
            part = self._call("LRANGE", self.keys.items, first, first + READ_KEYS - 1)
            ids += [row_id.decode() for row_id in part]
            if len(part) < READ_KEYS:
                return ids

    def read_priors(self) -> bytes | None:
        """The item priors that were set last; None if there are none."""
        stored: bytes | None = self._call("GET", self.keys.priors)
        return stored

    def read_rows(
        self, users: Sequence[str], items: Sequence[str], histories: Sequence[str] = ()
    ) -> RowsRead:
        """Rows and histories with the head that they rest on."""
        groups = [
            (self.keys.user_prefix, users),
            (self.keys.item_prefix, items),
            (self.keys.history_prefix, histories),
        ]
        commands: list[tuple[Any, ...] | bytes] = [("GET", self.keys.head), ("GET", self.keys.globals)]
        owners = []
        for owner, (prefix, ids) in enumerate(groups):
            for start in range(0, len(ids), READ_KEYS):
                commands.append(resp.mget(prefix, ids[start : start + READ_KEYS]))
                owners.append(owner)
        with self._conversation() as connection:
            head, values, *replies = self._transact(connection, commands)
        found: list[list[bytes | None]] = [[], [], []]
        for owner, part, existing in zip(owners, replies[::2], replies[1::2], strict=True):
            prefix, ids = groups[owner]
            start = len(found[owner])
            if existing != len(part) - part.count(None):
                self._check_types({prefix + row_id: "string" for row_id in ids[start : start + len(part)]})
            found[owner] += part
        return RowsRead(Head.from_bytes(head), found[0], found[1], found[2], values)

    def _check_types(self, expected: Mapping[str, str]) -> None:
        """See that no foreign value lies at these keys; without a commit in flight."""
        with self._conversation() as connection:
            connection.send_packed_command(_type_commands(connection, expected), check_health=False)
            key_types.check(expected, [connection.read_response() for _ in expected])

    def _name_foreign(self) -> None:
        """Name the key of the model whose value is of another type, if it is one of the fixed ones."""
        with contextlib.suppress(StoreAwayError):
            self._check_types(key_types.all_fixed(self.keys))

    def _watch(self, connection: Any) -> None:
        connection.send_packed_command([self._watch_command(connection)], check_health=False)
        self._read_watched(connection)

    def _watch_command(self, connection: Any) -> bytes:
        """WATCH what a commit rests on or appends to, and look at it: the head, and the others' types."""
        keys = key_types.appended(self.keys)
        first = connection.pack_commands([("WATCH", self.keys.head, *keys), ("GET", self.keys.head)])
        return b"".join([*first, *_type_commands(connection, keys)])

    def _read_watched(self, connection: Any) -> None:
        connection.read_response()
        head = Head.from_bytes(connection.read_response())
        keys = key_types.appended(self.keys)
        key_types.check(keys, [connection.read_response() for _ in keys])
        self._watched = head

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
        laid_out = transaction.lay_out(self.keys, commit)
        if connection._sock is None:  # redis-py would connect anew by itself, without the WATCH
            raise redis.ConnectionError("the connection was lost before the commit was sent")
        self._check_written_into(connection, commit)
        connection.send_packed_command(
            [laid_out.payload, self._watch_command(connection)], check_health=False
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
        connection.send_packed_command([*watch, *_type_commands(connection, expected)], check_health=False)
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
        return Receipt(replies is not None, seconds)

    def read_feed(self, since: Head) -> FeedRead:
        """What was committed after ``since``."""
        with self._conversation() as connection:
            stored, found = self._transact(
                connection,
                [
                    ("GET", self.keys.head),
                    ("XRANGE", self.keys.feed, f"{since.sequence + 1}-0", "+", "COUNT", scans.FEED_READ),
                ],
            )
        head = Head.from_bytes(stored)
        entries = [feed.from_fields(dict(zip(fields[::2], fields[1::2], strict=True))) for _, fields in found]
        return FeedRead(head, feed.linked(since, entries, head))

    def wait_feed(self, since: Head, seconds: float) -> None:
        """Return once the head may differ from ``since``, or after that time."""
        milliseconds = max(1, int(seconds * 1000))
        self._call(
            "XREAD", "COUNT", 1, "BLOCK", milliseconds, "STREAMS", self.keys.feed, f"{since.sequence}-0"
        )

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

    def scan_rows(self, kind: Kind) -> Iterator[tuple[str, bytes]]:
        """Every row of a kind, in no order; a row may come twice."""
        return scans.rows(self._call, self._prefix(kind))

    def scan_ids(self, kind: Kind) -> Iterator[list[str]]:
        """The ids of every row of a kind, some at a time, in no order; an id may come twice."""
        return scans.ids(self._call, self._prefix(kind))

    def read_marked_rows(self, kind: Kind, ids: Sequence[str]) -> MarkedRows:
        """Rows with the watermarks that they are as of."""
        starts = range(0, len(ids), READ_KEYS)
        parts = [resp.mget(self._prefix(kind), ids[start : start + READ_KEYS]) for start in starts]
        with self._conversation() as connection:
            marks, *values = self._transact(connection, [("HGETALL", self.keys.watermarks), *parts])
        return MarkedRows(scans.marks(marks), [value for part in values for value in part])

    def scan_feed(self) -> Iterator[FeedEntry]:
        """All that is kept of the feed, oldest first."""
        return scans.feed_entries(self._call, self.keys.feed)

    def _prefix(self, kind: Kind) -> str:
        return self.keys.user_prefix if kind == "user" else self.keys.item_prefix
