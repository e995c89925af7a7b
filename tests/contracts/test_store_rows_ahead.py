"""Rows that are asked for while a commit is under way, as every store promises them."""

import pytest

from lfm_online.store.protocol import NO_HEAD, StoreAwayError, StoreBrokenError
from tests.contracts.commits import commit_on, row
from tests.contracts.stores import InRedis, ModelServer, fails, grow
from tests.servers.proxy import Proxy


def test_rows_asked_for_before_a_commit_goes_out_are_those_before_it_or_its_own(
    any_server: ModelServer,
) -> None:
    store = any_server.connect()
    first = grow(store, NO_HEAD, users={"u": row(1), "v": row(2)}, items={"i": row(3)}, new_items=["i"])
    commit = commit_on(first, users={"u": row(4)}, histories={"u": b"slots"})
    store.ask_rows(["u", "v", "w"], ["i", "j"], ["u"])
    store.send_commit(commit)
    read = store.receive_rows()
    assert store.receive_commit().committed
    assert read.head in (first, commit.head)
    done = read.head == commit.head
    assert read.users == [row(4) if done else row(1), row(2), None]
    assert (read.items, read.histories) == ([row(3), None], [b"slots" if done else None])
    assert store.read_rows(["u"], [])[:2] == (commit.head, [row(4)])


def test_rows_may_be_asked_for_while_a_commit_is_in_flight_and_received_after_it(
    any_server: ModelServer,
) -> None:
    store = any_server.connect()
    first = grow(store, NO_HEAD, users={"u": row(1)})
    commit = commit_on(first, users={"u": row(2)})
    store.send_commit(commit)
    store.ask_rows(["u"], [])
    assert store.receive_commit().committed
    assert store.receive_rows()[:2] in ((first, [row(1)]), (commit.head, [row(2)]))
    grow(store, commit.head)


def test_what_was_asked_for_and_not_received_is_dropped_by_the_next(any_server: ModelServer) -> None:
    store = any_server.connect()
    head = grow(store, NO_HEAD, users={"u": row(1), "v": row(2)})
    store.ask_rows(["u"], [])
    assert store.read_rows(["v"], [])[:2] == (head, [row(2)])
    store.ask_rows(["u"], [])
    store.ask_rows(["v", "w"], [])
    assert store.receive_rows().users == [row(2), None]
    store.ask_rows(["u"], [])
    store.close()
    assert store.read_rows(["v"], []).users == [row(2)]


@pytest.mark.parametrize("key", ["u:u", "i:i", "h:u"])
def test_a_foreign_value_that_is_asked_for_is_told(server: InRedis, key: str) -> None:
    store = server.connect()
    head = grow(store, NO_HEAD, new_items=["i"])
    server.client.hset(server.key(key), "foreign", 1)
    store.ask_rows(["u", "v"], ["i"], ["u"])
    store.send_commit(commit_on(head))
    fails(store.receive_rows, StoreBrokenError, "hash")


def test_when_the_connection_for_rows_breaks_a_commit_in_flight_on_the_other_is_given_up(
    server: InRedis, proxy: Proxy
) -> None:
    store = server.connect(f"redis://127.0.0.1:{proxy.port}/0")
    head = grow(store, NO_HEAD, users={"u": row(1)})
    commit = commit_on(head, users={"u": row(2)})
    store.read_rows(["u"], [])
    store.send_commit(commit)
    proxy.cut()
    fails(lambda: store.read_rows(["u"], []), StoreAwayError, "LFM_STORE")
    assert not store.receive_commit().committed, "nothing is in flight on this connection"
    read = store.read_feed(head)
    assert read.head in (head, commit.head)
    grow(store, read.head)
