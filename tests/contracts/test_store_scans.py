"""Going through all that a store holds of a model, while others may commit."""

import itertools

from lfm_online.store.protocol import NO_HEAD
from tests.contracts.commits import row
from tests.contracts.stores import ModelServer, grow
from tests.contracts.test_store import ODD_IDS


def test_rows_are_read_with_the_watermarks_that_they_are_as_of(any_server: ModelServer) -> None:
    store = any_server.connect()
    assert store.read_marked_rows("user", ["u"]) == ({}, [None])
    head = grow(store, NO_HEAD, users={"u": row(1)}, items={"u": row(2)}, watermarks={"ratings-0": 3})
    assert store.read_marked_rows("user", ["none", "u"]) == ({"ratings-0": 3}, [None, row(1)])
    grow(store, head, users={"u": row(4)}, watermarks={"ratings-1": 2**53 + 1})
    assert store.read_marked_rows("user", ["u"]) == ({"ratings-0": 3, "ratings-1": 2**53 + 1}, [row(4)])
    assert store.read_marked_rows("item", ["u"])[1] == [row(2)]
    assert store.read_marked_rows("item", [])[1] == []


def test_every_id_and_all_that_is_kept_of_the_feed_can_be_gone_through(any_server: ModelServer) -> None:
    store = any_server.connect()
    assert [*store.scan_ids("user"), *store.scan_feed()] == []
    users = {row_id: row(number) for number, row_id in enumerate(ODD_IDS)}
    head = grow(store, NO_HEAD, users=users, items={"i": row(1)})
    grow(store, head, commits=3)
    assert {row_id for ids in store.scan_ids("user") for row_id in ids} == set(ODD_IDS)
    assert [row_id for ids in store.scan_ids("item") for row_id in ids] == ["i"]
    entries = list(store.scan_feed())
    assert [entry.head.sequence for entry in entries] == [1, 2, 3, 4]
    assert all(later.previous == earlier.head for earlier, later in itertools.pairwise(entries))
