"""One connection of one process to a model's server, and what its failures mean."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from lfm_online.store import key_types
from lfm_online.store.keys import Keys
from lfm_online.store.protocol import Head, StoreAwayError, StoreBrokenError

REPLY_SECONDS: Final = 10.0
"""How long a reply may take before the connection is given up."""
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


def type_commands(connection: Any, keys: Iterable[str]) -> list[bytes]:
    """Ask for the type of each key."""
    packed: list[bytes] = connection.pack_commands([("TYPE", key) for key in keys])
    return packed


class Connection:
    """The connection of one model's store."""

    def __init__(self, url: str, model: str, **access: Any) -> None:
        """Connects on first use; ``access`` as in :func:`connect`."""
        self.keys = Keys(model)
        self._client = connect(url, **access)
        self._connection: Any = None
        self._watched: Head | None = None  # the head as it was when WATCH began; None: no WATCH

    def close(self) -> None:
        """Drop the connection; the next call makes a new one."""
        self._watched = None
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
        """Commands in one step (bytes are sent as they are); the list of replies."""
        self._send_transaction(connection, commands)
        return self._receive_transaction(connection)

    def _send_transaction(self, connection: Any, commands: Sequence[tuple[Any, ...] | bytes]) -> None:
        """UNWATCH, MULTI, commands, EXEC.

        A WATCH left by the last commit would make EXEC fail whenever another has committed since.
        """
        self._watched = None
        packed = [
            each if isinstance(each, bytes) else b"".join(connection.pack_command(*each))
            for each in (("UNWATCH",), ("MULTI",), *commands, ("EXEC",))
        ]
        connection.send_packed_command([b"".join(packed)], check_health=False)

    def _receive_transaction(self, connection: Any) -> list[Any]:
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

    def _check_types(self, expected: Mapping[str, str]) -> None:
        """See that no foreign value lies at these keys; without a commit in flight."""
        with self._conversation() as connection:
            connection.send_packed_command(type_commands(connection, expected), check_health=False)
            key_types.check(expected, [connection.read_response() for _ in expected])

    def _name_foreign(self) -> None:
        """Name the key of the model whose value is of another type, if it is one of the fixed ones."""
        with contextlib.suppress(StoreAwayError):
            self._check_types(key_types.all_fixed(self.keys))
