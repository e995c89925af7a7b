"""What every store promises (lfm_online/store/protocol.py); how Redis fails is in test_store_failures.py."""

from collections.abc import Iterator
from typing import get_args

import numpy as np
import pytest

from lfm_online.layout import Kind
from lfm_online.store.protocol import NO_HEAD, Head, RowsRead, State
from tests.contracts.commits import commit_on, row
from tests.contracts.stores import InMemory, InRedis, ModelServer, applied, grow

ODD_IDS = ["a b", "{x}", "*?[a]\\^", "h:a", "$3\r\nabc", "é😀", "0", "/", "'\"", "ü" * 128, "a" * 256]


@pytest.fixture(params=["memory", "redis"])
def server(request: pytest.FixtureRequest) -> Iterator[ModelServer]:
    made: ModelServer = InMemory() if request.param == "memory" else InRedis(request.getfixturevalue("store"))
    yield made
    made.close()


def test_a_model_that_nobody_made_is_empty(server: ModelServer) -> None:
    store = server.connect()
    assert store.read_meta() is None
    assert store.read_state() == State(NO_HEAD, None, {}, 0)
    assert store.read_items(0) == []
    assert store.read_rows(["u"], ["i"], ["u"], ["u"]) == RowsRead(
        NO_HEAD, [None], [None], [None], globals=None, recent=[None]
    )
    assert store.read_feed(NO_HEAD) == (NO_HEAD, [])
    assert list(store.scan_rows("user")) == list(store.scan_rows("item")) == []
    assert (store.read_dead(0, 10), store.count_dead(0)) == ({}, 0)


def test_only_the_first_to_create_a_model_sets_its_meta(server: ModelServer) -> None:
    first, second = server.connect(), server.connect()
    assert first.create(b"mine")
    assert not second.create(b"yours")
    assert first.read_meta() == second.read_meta() == b"mine"


def test_a_commit_sets_all_that_it_holds(server: ModelServer) -> None:
    store = server.connect()
    commit = commit_on(
        NO_HEAD,
        users={"u1": row(1), "u2": row(2)},
        items={"i1": row(3)},
        new_items=["i1", "i2"],
        global_values=b"\0shared",
        watermarks={"ratings-0": 7, "ratings-2": 2**53 + 1},
        recent={"u1": b"", "u2": b"longer than a row"},
        runs=[("u1", 0, b"slot01")],
        histories={"u2": b"whole"},
        dead={0: {5: b"letter"}},
    )
    assert applied(store, commit)
    for reader in (store, server.connect()):
        assert reader.read_state() == State(
            commit.head, b"\0shared", {"ratings-0": 7, "ratings-2": 2**53 + 1}, 2
        )
        users = ["u2", "u1", "u3"]
        assert reader.read_rows(users, ["i1", "i2"], users, users) == RowsRead(
            commit.head,
            [row(2), row(1), None],
            [row(3), None],
            [b"whole", b"slot01", None],
            globals=b"\0shared",
            recent=[b"longer than a row", b"", None],
        )
        assert (reader.read_items(0), reader.read_items(1), reader.read_items(2)) == (
            ["i1", "i2"],
            ["i2"],
            [],
        )
        assert reader.read_dead(0, 10) == {5: b"letter"}


def test_a_later_commit_replaces_what_it_names_and_leaves_the_rest(server: ModelServer) -> None:
    store = server.connect()
    head = grow(
        store,
        NO_HEAD,
        users={"u1": row(1), "u2": row(2)},
        items={"i1": row(3)},
        new_items=["i1"],
        watermarks={"ratings-0": 7, "ratings-1": 8},
    )
    head = grow(
        store, head, users={"u2": row(4)}, new_items=["i2"], watermarks={"ratings-1": 9}, global_values=b"new"
    )
    assert store.read_state() == State(head, b"new", {"ratings-0": 7, "ratings-1": 9}, 2)
    assert store.read_rows(["u1", "u2"], ["i1"])[1:3] == ([row(1), row(4)], [row(3)])
    assert store.read_items(0) == ["i1", "i2"]


def test_a_commit_on_another_head_is_refused_and_writes_nothing(server: ModelServer) -> None:
    store = server.connect()
    first = grow(store, NO_HEAD, users={"u": row(1)}, items={"i": row(1)}, new_items=["i"])
    second = grow(store, first, histories={"u": b"kept"})
    before = server.dump()
    heads = {
        "older": first,
        "none": NO_HEAD,
        "of another timeline": Head(b"x" * 16, second.sequence),
        "not yet there": Head(second.id, second.sequence + 1),
    }
    for what, head in heads.items():
        commit = commit_on(
            head,
            users={"u": row(9), "new": row(9)},
            items={"i": row(9)},
            new_items=["j"],
            runs=[("u", 0, b"lost")],
            histories={"new": b"lost"},
            forgotten=["u"],
            watermarks={"ratings-0": 99},
            dead={0: {1: b"lost"}},
        )
        assert not applied(store, commit), what
        assert not applied(server.connect(), commit), what
        assert server.dump() == before, what


def test_after_a_refusal_the_same_connection_commits_on_the_true_head(server: ModelServer) -> None:
    mine, other = server.connect(), server.connect()
    first = grow(mine, NO_HEAD)
    second = grow(other, first)
    assert not applied(mine, commit_on(first))
    third = grow(mine, second, users={"u": row(3)})
    assert other.read_rows(["u"], [])[:2] == (third, [row(3)])


def test_of_two_that_commit_on_one_head_exactly_one_gets_through(server: ModelServer) -> None:
    stores = [server.connect(), server.connect()]
    head = grow(stores[0], NO_HEAD)
    for turn in range(10):
        commits = [
            commit_on(head, users={"u": row(number)}, watermarks={f"t-{number}": turn}) for number in (0, 1)
        ]
        for store, commit in zip(stores, commits, strict=True):
            store.send_commit(commit)
        done = [store.receive_commit().committed for store in stores]
        assert sorted(done) == [False, True]
        winner = done.index(True)
        assert stores[1 - winner].read_rows(["u"], [])[:2] == (commits[winner].head, [row(winner)])
        (entry,) = stores[1 - winner].read_feed(head).entries or ()
        assert entry.head == commits[winner].head
        head = commits[winner].head


def test_reading_leaves_no_trace_and_says_the_same_twice(server: ModelServer) -> None:
    store = server.connect()
    assert store.create(b"meta")
    head = grow(
        store, NO_HEAD, users={"u": row(1)}, items={"i": row(1)}, new_items=["i"], dead={0: {1: b"x"}}
    )
    before = server.dump()

    def read_everything() -> list[object]:
        return [
            store.read_meta(),
            store.read_state(),
            store.read_items(0),
            store.read_rows(["u", "nobody"], ["i", "nothing"], ["u", "nobody"], ["u", "nobody"]),
            store.read_feed(head),
            store.read_dead(0, 10),
            store.count_dead(7),
            [sorted(store.scan_rows(kind)) for kind in get_args(Kind)],
        ]

    first = read_everything()
    store.wait_feed(NO_HEAD, 0.01)
    store.check()
    assert read_everything() == first
    assert server.dump() == before


def test_a_forgotten_user_has_neither_row_nor_history(server: ModelServer) -> None:
    store = server.connect()
    head = grow(
        store,
        NO_HEAD,
        users={"u": row(1), "v": row(2)},
        recent={"u": b"r", "v": b"r"},
        histories={"u": b"slot", "v": b"slot", "w": b"slot"},
        runs=[("u", 4, b"x")],
    )
    head = grow(store, head, forgotten=["u", "never-seen"], histories={"w": b"", "never-seen": b""})
    users = ["u", "v", "w", "never-seen"]
    read = store.read_rows(users, [], users, users)
    assert read.users == [None, row(2), None, None]
    assert read.histories == [None, b"slot", None, None]
    assert read.recent == [None, b"r", None, None]
    assert dict(store.scan_rows("user")) == {"v": row(2)}
    # One who comes back in the commit that forgot what was before.
    grow(store, head, users={"v": row(3)}, recent={"v": b"new"}, histories={"v": b""})
    assert store.read_rows(["v"], [], ["v"], ["v"])[1:4] == ([row(3)], [], [None])


def test_runs_set_slots_at_their_places(server: ModelServer) -> None:
    store = server.connect()
    head = grow(
        store, NO_HEAD, runs=[("ü", 0, b"aaaaaabbbbbb"), ("gap", 12, b"cccccc"), ("w", 0, b"aaaaaabbbbbb")]
    )
    read = store.read_rows([], [], ["ü", "gap", "w"])
    assert read.histories == [b"aaaaaabbbbbb", bytes(12) + b"cccccc", b"aaaaaabbbbbb"]
    # Appended behind, set within, and a ring that wraps: its last slot and then its first.
    grow(
        store,
        head,
        runs=[("ü", 12, b"cccccc"), ("gap", 6, b"dddddd"), ("w", 6, b"eeeeee"), ("w", 0, b"ffffff")],
    )
    read = store.read_rows([], [], ["ü", "gap", "w"])
    assert read.histories == [b"aaaaaabbbbbbcccccc", bytes(6) + b"ddddddcccccc", b"ffffffeeeeee"]


def test_the_feed_leads_from_a_head_to_the_last(server: ModelServer) -> None:
    store = server.connect()
    commits = [
        commit_on(NO_HEAD, users={"u": row(1)}, items={"i": row(1), "j": row(2)}, new_items=["i", "j"])
    ]
    commits.append(commit_on(commits[0].head))
    for commit in commits:
        assert applied(store, commit)
    head, entries = store.read_feed(NO_HEAD)
    assert head == commits[1].head
    assert entries is not None
    for entry, commit in zip(entries, commits, strict=True):
        assert entry[:3] == commit.entry[:3]
        np.testing.assert_array_equal(entry.items, commit.entry.items)
        np.testing.assert_array_equal(entry.users, commit.entry.users)
    assert [entry.head for entry in store.read_feed(commits[0].head).entries or ()] == [commits[1].head]
    assert store.read_feed(head) == (head, [])


def test_the_feed_does_not_lead_from_a_head_of_another_timeline(server: ModelServer) -> None:
    store = server.connect()
    head = grow(store, NO_HEAD, 3)
    for stranger in (Head(b"x" * 16, 1), Head(b"x" * 16, 3), Head(b"x" * 16, 9), Head(head.id, 2)):
        assert store.read_feed(stranger) == (head, None)


def test_a_trimmed_feed_does_not_lead_from_what_it_lost(server: ModelServer) -> None:
    store = server.connect()
    first = grow(store, NO_HEAD)
    kept = grow(store, first, 300, feed_entries=100)
    head = grow(store, kept, 50, feed_entries=100)
    assert store.read_feed(first).entries is None
    assert store.read_feed(NO_HEAD).entries is None
    assert [entry.head.sequence for entry in store.read_feed(kept).entries or ()] == list(range(302, 352))
    assert store.read_feed(head).entries == []


def test_a_commit_may_move_nothing_but_watermarks(server: ModelServer) -> None:
    store = server.connect()
    head = grow(store, NO_HEAD, watermarks={"ratings-0": 3})
    assert store.read_state() == State(head, b"globals", {"ratings-0": 3}, 0)
    assert list(store.scan_rows("user")) == list(store.scan_rows("item")) == []


def test_what_became_of_a_commit_whose_connection_was_lost_is_told_by_the_feed(server: ModelServer) -> None:
    store = server.connect()
    head = grow(store, NO_HEAD, users={"u": row(1)})
    commit = commit_on(head, users={"u": row(2)})
    store.send_commit(commit)
    store.close()
    assert not store.receive_commit().committed  # unknown: the caller asks the feed
    now, entries = store.read_feed(head)
    got_through = [entry.head for entry in entries or ()] == [commit.head]
    assert now == (commit.head if got_through else head)
    assert store.read_rows(["u"], []).users == [row(2 if got_through else 1)]
    grow(store, now, users={"u": row(3)})


def test_ids_hold_any_character(server: ModelServer) -> None:
    store = server.connect()
    rows = {row_id: row(number) for number, row_id in enumerate(ODD_IDS)}
    head = grow(
        store,
        NO_HEAD,
        users=rows,
        items=rows,
        new_items=ODD_IDS,
        recent=rows,
        runs=[(row_id, 6, value) for row_id, value in rows.items()],
    )
    values = list(rows.values())
    read = store.read_rows(ODD_IDS, ODD_IDS, ODD_IDS, ODD_IDS)
    assert read.users == read.items == read.recent == values
    assert read.histories == [bytes(6) + value for value in values]
    assert store.read_items(0) == ODD_IDS
    assert dict(store.scan_rows("user")) == dict(store.scan_rows("item")) == rows
    grow(store, head, forgotten=ODD_IDS)
    assert list(store.scan_rows("user")) == []
    read = store.read_rows([], [], ODD_IDS, ODD_IDS)
    assert {*read.histories, *read.recent} == {None}


def test_ten_thousand_rows_go_in_and_out_in_order(server: ModelServer) -> None:
    store = server.connect()
    ids = [f"row-{number}" for number in range(10_001)]
    rows = {row_id: row(number) for number, row_id in enumerate(ids)}
    grow(store, NO_HEAD, users=rows, items=rows, new_items=ids)
    asked = [name for row_id in ids for name in (row_id, "not-" + row_id)]
    expected = [value for known in rows.values() for value in (known, None)]
    assert store.read_rows(asked, ids)[1:3] == (expected, list(rows.values()))
    assert store.read_items(0) == ids
    assert store.read_items(9_999) == ids[9_999:]
    assert dict(store.scan_rows("item")) == rows


def test_the_outbox_keeps_letters_until_they_are_dropped(server: ModelServer) -> None:
    store = server.connect()
    letters = {offset: row(offset) for offset in range(1000)}
    head = grow(store, NO_HEAD, dead={0: letters, 7: {2**40: b"far"}})
    head = grow(store, head, dead={0: {3: letters[3]}})  # learned again after a lost reply: no second letter
    assert (store.count_dead(0), store.count_dead(7), store.count_dead(1)) == (1000, 1, 0)
    part = store.read_dead(0, 300)
    assert 300 <= len(part) < 1000
    assert part.items() <= letters.items()
    assert list(part) == sorted(part)
    store.drop_dead(0, list(part))
    store.drop_dead(0, [*part, 10**9])  # dropped before, never there
    store.drop_dead(7, [])
    assert store.read_dead(0, 10_000) == {offset: row(offset) for offset in letters.keys() - part.keys()}
    assert store.read_dead(7, 1) == {2**40: b"far"}
    assert store.read_state().head == head
