"""How a model in Redis or Valkey fails: what was written, what is raised, and how it goes on."""

import re
import socket
import time

import pytest

from lfm_online.store import connection as store_connection
from lfm_online.store import transaction
from lfm_online.store.keys import Keys
from lfm_online.store.protocol import NO_HEAD, Commit, StoreAwayError, StoreBrokenError
from lfm_online.store.redis import RedisStore
from tests.contracts.commits import commit_on, row
from tests.contracts.stores import InRedis, applied, fails, grow
from tests.servers.proxy import Proxy
from worker.demo.embedded import EmbeddedStore
from worker.demo.server import free_port

MANY = {f"row-{number}": row(number) for number in range(500)}


def send(store: RedisStore, commit: Commit) -> None:
    """Send it, and wait for its answer; a cut may be noticed at either."""
    store.send_commit(commit)
    store.receive_commit()


@pytest.mark.parametrize("after", [0, 1, 300, 20_000])
def test_a_commit_cut_on_its_way_to_the_store_writes_nothing(
    server: InRedis, proxy: Proxy, after: int
) -> None:
    store = server.connect(f"redis://127.0.0.1:{proxy.port}/0")
    head = grow(store, NO_HEAD, users={"u": row(1)})
    before = server.dump()
    proxy.cut_requests(after)
    fails(
        lambda: send(store, commit_on(head, users=MANY, runs=[("u", 0, b"slot")])),
        StoreAwayError,
        "LFM_STORE",
    )
    assert store.read_feed(head) == (head, [])
    assert server.dump() == before
    grow(store, head, users=MANY)


def lose_reply(server: InRedis, proxy: Proxy, store: RedisStore, commit: Commit, after: int) -> None:
    """Cut the connection once the commit is in the store, and `after` bytes of its reply have come."""
    proxy.lose_replies(after)
    store.send_commit(commit)
    while server.client.get(server.key("head")) != commit.head.to_bytes():
        time.sleep(0.001)
    proxy.cut()
    fails(store.receive_commit, StoreAwayError, "LFM_STORE")


@pytest.mark.parametrize("after", [0, 1, 30])
def test_a_commit_whose_reply_was_lost_is_found_in_the_feed(
    server: InRedis, proxy: Proxy, after: int
) -> None:
    store = server.connect(f"redis://127.0.0.1:{proxy.port}/0")
    head = grow(store, NO_HEAD)
    commit = commit_on(head, users=MANY)
    lose_reply(server, proxy, store, commit, after)
    now, entries = store.read_feed(head)
    assert now == commit.head
    assert [entry.head for entry in entries or ()] == [commit.head]
    assert not applied(store, commit), "sent again, it would count twice"
    grow(store, now)


def test_a_commit_whose_reply_was_lost_is_found_behind_others(server: InRedis, proxy: Proxy) -> None:
    store = server.connect(f"redis://127.0.0.1:{proxy.port}/0")
    head = grow(store, NO_HEAD)
    commit = commit_on(head)
    lose_reply(server, proxy, store, commit, 0)
    last = grow(server.connect(), commit.head, 2)
    now, entries = store.read_feed(head)
    assert now == last
    assert next(entry.head for entry in entries or ()) == commit.head


def test_a_connection_that_was_lost_between_two_commits_takes_its_watch_along(
    server: InRedis, proxy: Proxy
) -> None:
    store, other = server.connect(f"redis://127.0.0.1:{proxy.port}/0"), server.connect()
    head = grow(store, NO_HEAD)  # and watches the head for the next
    proxy.cut()
    now = grow(other, head, users={"u": row(2)})
    commit = commit_on(head, users={"u": row(1)})
    fails(lambda: send(store, commit), StoreAwayError)
    assert not applied(store, commit)
    assert other.read_rows(["u"], [])[:2] == (now, [row(2)])


def test_a_commit_never_goes_out_on_another_connection_than_its_watch(server: InRedis) -> None:
    for _ in range(20):
        store, other = server.connect(), server.connect()
        head = grow(store, store.read_state().head)  # and watches the head for the next
        now = grow(other, head, users={"u": row(2)})
        store.send_commit(commit_on(head, users={"u": row(1)}))
        store.close()
        assert other.read_rows(["u"], [])[:2] == (now, [row(2)])


def test_a_commit_does_not_make_a_connection_of_its_own(server: InRedis) -> None:
    store, other = server.connect(), server.connect()
    head = grow(store, NO_HEAD)  # and watches the head for the next
    now = grow(other, head, users={"u": row(2)})
    store._connection.disconnect()
    fails(lambda: send(store, commit_on(head, users={"u": row(1)})), StoreAwayError)
    assert other.read_rows(["u"], [])[:2] == (now, [row(2)])


def test_a_store_killed_and_started_again_has_every_commit(fresh_store: EmbeddedStore) -> None:
    server = InRedis(fresh_store.url)
    store = server.connect()
    head = grow(store, NO_HEAD, 20, users=MANY, runs=[("u", 0, b"slot")], dead={0: {1: b"letter"}})
    before = server.dump()
    commit = commit_on(head)
    fresh_store.kill()
    fails(lambda: send(store, commit), StoreAwayError, "LFM_STORE")
    fails(store.read_state, StoreAwayError, "LFM_STORE")
    fresh_store.start()
    assert server.dump() == before
    assert store.read_feed(head) == (head, [])
    assert applied(store, commit)
    server.close()


def test_a_store_without_memory_writes_nothing_and_goes_on_once_it_has_some(
    fresh_store: EmbeddedStore,
) -> None:
    server = InRedis(fresh_store.url)
    store = server.connect()
    head = grow(store, NO_HEAD, users={"u": row(1)})
    before = server.dump()
    commit = commit_on(head, users=MANY, runs=[("u", 0, b"slot")], forgotten=["u"])
    server.client.config_set("maxmemory", "1mb")
    fails(lambda: send(store, commit), StoreAwayError, "takes no writes now")
    assert server.dump() == before
    server.client.config_set("maxmemory", "0")
    assert store.read_feed(head) == (head, [])
    assert applied(store, commit)
    server.close()


def test_a_store_that_became_a_replica_writes_nothing(fresh_store: EmbeddedStore) -> None:
    server = InRedis(fresh_store.url)
    store = server.connect()
    head = grow(store, NO_HEAD)
    before = server.dump()
    server.client.replicaof("127.0.0.1", str(free_port()))
    fails(lambda: send(store, commit_on(head, users=MANY)), StoreAwayError, "takes no writes now")
    assert server.dump() == before
    server.client.replicaof("NO", "ONE")
    grow(store, head)
    server.close()


def test_a_store_that_would_drop_rows_is_refused(fresh_store: EmbeddedStore) -> None:
    server = InRedis(fresh_store.url)
    store = server.connect()
    store.check()
    server.client.config_set("maxmemory-policy", "allkeys-lru")
    fails(store.check, StoreBrokenError, "allkeys-lru.*noeviction")
    server.close()


def test_nobody_at_the_address_is_a_store_away() -> None:
    store = RedisStore(f"redis://127.0.0.1:{free_port()}/0", "m")
    fails(store.read_meta, StoreAwayError, "LFM_STORE")
    fails(lambda: store.send_commit(commit_on(NO_HEAD)), StoreAwayError, "LFM_STORE")
    assert not store.receive_commit().committed


def test_a_server_that_never_answers_is_a_store_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store_connection, "REPLY_SECONDS", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        store = RedisStore(f"redis://127.0.0.1:{silent.getsockname()[1]}/0", "m")
        fails(store.read_state, StoreAwayError, "LFM_STORE")


@pytest.mark.parametrize("name", ["items", "watermarks", "feed", "dead:0", "h:u"])
@pytest.mark.parametrize("when", ["before the first commit", "between two commits", "while one is sent"])
def test_a_foreign_value_at_a_key_is_told_and_nothing_is_written(
    server: InRedis, name: str, when: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = server.connect()
    head = NO_HEAD if when == "before the first commit" else grow(store, NO_HEAD, users={"u": row(1)})
    commit = commit_on(
        head, users=MANY, new_items=["i"], dead={0: {1: b"x"}}, runs=[("v", 0, b"slot"), ("u", 0, b"slot")]
    )

    def put() -> None:
        server.client.delete(server.key(name))
        server.client.sadd(server.key(name), b"foreign")

    if when == "while one is sent":
        lay_out = transaction.lay_out

        def late(keys: Keys, sent: Commit) -> transaction.LaidOut:
            put()
            return lay_out(keys, sent)

        monkeypatch.setattr(transaction, "lay_out", late)
        # Of a key that is watched, the look was before: EXEC fails, and the look behind it tells why.
        fails(lambda: send(store, commit), StoreBrokenError, re.escape(server.key(name)))
    else:
        put()
        fails(lambda: send(store, commit), StoreBrokenError, "type set.*LFM_MODEL")
    assert server.client.get(server.key("head")) == (head.to_bytes() if head != NO_HEAD else None)
    assert server.client.get(server.key("u:row-1")) is None
    # Once it is gone, the model goes on.
    server.client.delete(server.key(name))
    monkeypatch.undo()
    grow(store, head, users=MANY, runs=[("u", 0, b"slot")])


@pytest.mark.parametrize(("kind", "key"), [("user", "u:b"), ("item", "i:b"), ("history", "h:b")])
def test_a_row_of_a_foreign_type_is_told_and_not_taken_for_a_new_one(
    server: InRedis, kind: str, key: str
) -> None:
    store = server.connect()
    ids = ["a", "b", "c"]
    asked = {each: ids if each == kind else [] for each in ("user", "item", "history")}
    server.client.hset(server.key(key), "foreign", 1)
    with pytest.raises(StoreBrokenError, match=f"{re.escape(server.key(key))}.* type hash"):
        store.read_rows(asked["user"], asked["item"], asked["history"])


@pytest.mark.parametrize("name", ["head", "globals"])
def test_a_foreign_value_that_is_read_is_told(server: InRedis, name: str) -> None:
    server.client.rpush(server.key(name), "foreign")
    fails(server.connect().read_state, StoreBrokenError, f"{re.escape(server.key(name))}.* type list")


def test_a_head_of_another_length_is_told(server: InRedis) -> None:
    store = server.connect()
    server.client.set(server.key("head"), b"short")
    for act in (store.read_state, lambda: store.send_commit(commit_on(NO_HEAD))):
        fails(act, StoreBrokenError, "5 bytes")
