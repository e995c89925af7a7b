"""A server that lost the end of its append-only file amid a commit, and starts more than once after."""

import os
import time

import redis

from lfm_online.store.protocol import Head
from lfm_online.store.redis import RedisStore
from tests.contracts.commits import row
from tests.contracts.stores import grow
from worker.demo.embedded import EmbeddedStore

SHORT = 100


def test_rows_of_a_commit_that_was_torn_away_never_return(fresh_store: EmbeddedStore) -> None:
    """Where the torn transaction's MULTI stays in the file, the second load runs what is left of it."""
    first = committed(fresh_store, None, {"a": row(1), "z": row(1)})
    torn = committed(fresh_store, first, {"a": row(2), "z": row(2)})
    kill_once_written(fresh_store)
    cut_append_only_file(fresh_store)
    fresh_store.start()
    assert state(fresh_store) == (first, [row(1), row(1)])
    last = committed(fresh_store, first, {"z": row(3)})
    assert last != torn
    kill_once_written(fresh_store)
    fresh_store.start()
    assert state(fresh_store) == (last, [row(1), row(3)])


def committed(server: EmbeddedStore, on: Head | None, users: dict[str, bytes]) -> Head:
    store = RedisStore(server.url, "torn")
    try:
        if on is None:
            on = store.read_state().head
        return grow(store, on, users=users)
    finally:
        store.close()


def state(server: EmbeddedStore) -> tuple[Head, list[bytes | None]]:
    store = RedisStore(server.url, "torn")
    try:
        read = store.read_rows(["a", "z"], [])
        return read.head, list(read.users)
    finally:
        store.close()


def kill_once_written(server: EmbeddedStore) -> None:
    """While the disk is busy with what came before, the server answers first and writes up to 2 s later."""
    with redis.Redis.from_url(server.url) as client:
        while client.info("persistence")["aof_buffer_length"]:
            time.sleep(0.01)
    server.kill()


def cut_append_only_file(server: EmbeddedStore) -> None:
    """Take the end of the last transaction away, its rows' command not."""
    (file,) = server.directory.rglob("*.incr.aof")
    os.truncate(file, file.stat().st_size - SHORT)
