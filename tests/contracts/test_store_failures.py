"""How a model in Redis or Valkey fails: what was written, what is raised, and how it goes on."""

import random
import socket
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from urllib.parse import urlsplit

import pytest

from lfm_online.store import redis as redis_store
from lfm_online.store.protocol import NO_HEAD, Commit, Head, StoreAwayError, StoreBrokenError
from lfm_online.store.redis import RedisStore
from tests.contracts.commits import commit_on, row
from tests.contracts.stores import InRedis, applied, grow
from tests.servers.proxy import Proxy
from worker.demo.embedded import EmbeddedStore
from worker.demo.server import free_port

MANY = {f"row-{number}": row(number) for number in range(500)}


@pytest.fixture
def server(store: str) -> Iterator[InRedis]:
    made = InRedis(store)
    yield made
    made.close()


@pytest.fixture
def proxy(store: str) -> Iterator[Proxy]:
    with Proxy(urlsplit(store).port or 0) as made:
        yield made


def fails(act: Callable[[], object], error: type[Exception], words: str | None = None) -> None:
    with pytest.raises(error, match=words):
        act()


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


def test_a_commit_rests_on_no_script(server: InRedis) -> None:
    store = server.connect()
    head = grow(store, NO_HEAD)
    server.client.script_flush()
    grow(store, head)


def test_nobody_at_the_address_is_a_store_away() -> None:
    store = RedisStore(f"redis://127.0.0.1:{free_port()}/0", "m")
    fails(store.read_meta, StoreAwayError, "LFM_STORE")
    fails(lambda: store.send_commit(commit_on(NO_HEAD)), StoreAwayError, "LFM_STORE")
    assert not store.receive_commit().committed


def test_a_server_that_never_answers_is_a_store_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(redis_store, "REPLY_SECONDS", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        store = RedisStore(f"redis://127.0.0.1:{silent.getsockname()[1]}/0", "m")
        fails(store.read_state, StoreAwayError, "LFM_STORE")


@pytest.mark.parametrize("name", ["items", "watermarks", "feed", "dead:0"])
def test_a_foreign_value_at_a_key_is_told_and_not_waited_for(server: InRedis, name: str) -> None:
    store = server.connect()
    server.client.set(server.key(name), b"foreign")
    commit = commit_on(NO_HEAD, new_items=["i"], dead={0: {1: b"x"}})
    fails(lambda: send(store, commit), StoreBrokenError, "WRONGTYPE")


@pytest.mark.parametrize("name", ["head", "globals"])
def test_a_foreign_value_that_is_read_is_told(server: InRedis, name: str) -> None:
    server.client.rpush(server.key(name), "foreign")
    fails(server.connect().read_state, StoreBrokenError, "WRONGTYPE")


def test_a_head_of_another_length_is_told(server: InRedis) -> None:
    store = server.connect()
    server.client.set(server.key("head"), b"short")
    for act in (store.read_state, lambda: store.send_commit(commit_on(NO_HEAD))):
        fails(act, StoreBrokenError, "5 bytes")


def test_a_reader_further_behind_than_one_read_of_the_feed_reloads(
    server: InRedis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(redis_store, "FEED_READ", 10)
    store = server.connect()
    first = grow(store, NO_HEAD)
    tenth = grow(store, first, 10)
    assert len(store.read_feed(first).entries or ()) == 10
    assert store.read_feed(first).head == tenth
    grow(store, tenth)
    assert store.read_feed(first).entries is None


def test_rows_and_head_are_read_in_one_step(server: InRedis) -> None:
    """A writer sets every row to its head's sequence: no reader may ever see two of them."""
    head = grow(server.connect(), NO_HEAD, users={"a": row(1), "z": row(1)}, items={"i": row(1)})

    def write() -> None:
        store, last = server.connect(), head
        for _ in range(300):
            value = row(last.sequence + 1)
            last = grow(store, last, users={"a": value, "z": value}, items={"i": value})

    writer = threading.Thread(target=write)
    writer.start()
    reader = server.connect()
    seen = set()
    while writer.is_alive():
        read = reader.read_rows(["a", "z"], ["i"])
        assert [*read.users, *read.items] == [row(read.head.sequence)] * 3
        seen.add(read.head.sequence)
    writer.join()
    assert seen


def test_commits_of_many_connections_stand_in_one_order(server: InRedis) -> None:
    """Each adds one to what it read: with a lost or doubled update the sum is not the number of commits."""

    def count(seed: int) -> None:
        store, rng, done = server.connect(), random.Random(seed), 0
        while done < 40:
            read = store.read_rows(["n"], [])
            number = int.from_bytes(read.users[0] or b"", "little")
            if rng.random() < 0.1:
                store.close()
            done += applied(store, commit_on(read.head, users={"n": row(number + 1)}))

    threads = [threading.Thread(target=count, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    read = server.connect().read_rows(["n"], [])
    assert (read.head.sequence, read.users) == (160, [row(160)])
    entries = server.connect().read_feed(NO_HEAD).entries or ()
    assert [entry.head.sequence for entry in entries] == list(range(1, 161))


def test_who_waits_for_the_feed_is_woken_by_a_commit(server: InRedis) -> None:
    store, head = server.connect(), grow(server.connect(), NO_HEAD)
    store.wait_feed(NO_HEAD, 60)  # behind already: returns at once
    writer = threading.Thread(target=lambda: grow(server.connect(), head))
    writer.start()
    while store.read_state().head == head:
        store.wait_feed(head, 5)
    writer.join()
    assert store.read_state().head.sequence == 2


def test_models_whose_names_hold_glob_characters_are_kept_apart(store: str) -> None:
    test = uuid.uuid4().hex  # in front: a pattern that is not quoted would still match the others
    models = [InRedis(store, test + end) for end in ("*", "?", "[ab]", "\\*", "^", "a", "")]
    for number, model in enumerate(models):
        grow(model.connect(), NO_HEAD, users={"u*": row(number)}, items={"i": row(number)})
    for number, model in enumerate(models):
        assert dict(model.connect().scan_rows("user")) == {"u*": row(number)}
        assert dict(model.connect().scan_rows("item")) == {"i": row(number)}
        model.close()


@pytest.mark.parametrize("name", ["", "a{b", "a}", "a b", "a\n"])
def test_a_model_name_that_would_break_its_keys_is_refused(name: str) -> None:
    fails(lambda: RedisStore("redis://127.0.0.1:1/0", name), ValueError, "LFM_MODEL")


def test_a_head_is_24_bytes_and_comes_back_as_it_was() -> None:
    head = Head(bytes(range(16)), 2**63)
    assert len(head.to_bytes()) == 24
    assert Head.from_bytes(head.to_bytes()) == head
