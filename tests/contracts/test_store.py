"""What every store promises (lfm_online/store/protocol.py); see also test_store_feed.py."""

import dataclasses
from typing import get_args

from lfm_online.layout import Kind
from lfm_online.store.protocol import NO_HEAD, Head, RowsRead, State
from tests.contracts.commits import commit_on, row
from tests.contracts.stores import ModelServer, applied, grow

ODD_IDS = ["a b", "{x}", "*?[a]\\^", "h:a", "$3\r\nabc", "é😀", "0", "/", "'\"", "ü" * 128, "a" * 256]


def test_a_model_that_nobody_made_is_empty(any_server: ModelServer) -> None:
    store = any_server.connect()
    assert store.read_meta() is None
    assert store.read_state() == State(NO_HEAD, None, {}, 0)
    assert store.read_items(0) == []
    assert store.read_rows(["u"], ["i"], ["u"]) == RowsRead(NO_HEAD, [None], [None], [None], None)
    assert store.read_feed(NO_HEAD) == (NO_HEAD, [])
    assert list(store.scan_rows("user")) == list(store.scan_rows("item")) == []
    assert (store.read_dead(0, 10), store.count_dead(0)) == ({}, 0)


def test_item_priors_are_those_that_a_commit_set_last(any_server: ModelServer) -> None:
    store = any_server.connect()
    assert store.read_priors() is None
    first = commit_on(NO_HEAD)
    assert applied(store, dataclasses.replace(first, priors=b"\0old"))
    second = commit_on(first.head)
    assert not applied(store, dataclasses.replace(first, priors=b"refused"))
    assert applied(store, dataclasses.replace(second, priors=b"\0new"))
    assert applied(store, commit_on(second.head))
    assert store.read_priors() == any_server.connect().read_priors() == b"\0new"


def test_only_the_first_to_create_a_model_sets_its_meta(any_server: ModelServer) -> None:
    first, second = any_server.connect(), any_server.connect()
    assert first.create(b"mine")
    assert not second.create(b"yours")
    assert first.read_meta() == second.read_meta() == b"mine"


def test_a_commit_may_set_the_meta_and_does_only_if_it_is_applied(any_server: ModelServer) -> None:
    store = any_server.connect()
    assert store.create(b"not finished")
    first = commit_on(NO_HEAD)
    assert applied(store, first)
    assert store.read_meta() == b"not finished"
    assert not applied(store, dataclasses.replace(commit_on(NO_HEAD), meta=b"refused"))
    assert store.read_meta() == b"not finished"
    assert applied(store, dataclasses.replace(commit_on(first.head), meta=b"finished"))
    assert store.read_meta() == b"finished"


def test_a_commit_sets_all_that_it_holds(any_server: ModelServer) -> None:
    store = any_server.connect()
    commit = commit_on(
        NO_HEAD,
        users={"u1": row(1), "u2": row(2) + b"and a tail"},
        items={"i1": row(3)},
        new_items=["i1", "i2"],
        global_values=b"\0shared",
        watermarks={"ratings-0": 7, "ratings-2": 2**53 + 1},
        ring=[(2, b"ring")],
        runs=[("u1", 0, b"slot01")],
        histories={"u2": b"whole"},
        dead={0: {5: b"letter"}},
    )
    assert applied(store, commit)
    for reader in (store, any_server.connect()):
        assert reader.read_state() == State(
            commit.head, b"\0shared", {"ratings-0": 7, "ratings-2": 2**53 + 1}, 2, b"\0\0ring"
        )
        users = ["u2", "u1", "u3"]
        assert reader.read_rows(users, ["i1", "i2"], users) == RowsRead(
            commit.head,
            [row(2) + b"and a tail", row(1), None],
            [row(3), None],
            [b"whole", b"slot01", None],
            globals=b"\0shared",
        )
        assert (reader.read_items(0), reader.read_items(1), reader.read_items(2)) == (
            ["i1", "i2"],
            ["i2"],
            [],
        )
        assert reader.read_dead(0, 10) == {5: b"letter"}


def test_a_later_commit_replaces_what_it_names_and_leaves_the_rest(any_server: ModelServer) -> None:
    store = any_server.connect()
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


def test_what_a_commit_sets_of_the_ring_leaves_the_rest_of_it(any_server: ModelServer) -> None:
    store = any_server.connect()
    head = grow(store, NO_HEAD, ring=[(0, b"abcdefgh")])
    head = grow(store, head, ring=[(6, b"GH"), (0, b"A")])
    assert store.read_state().ring == b"AbcdefGH"
    grow(store, head)
    assert store.read_state().ring == b"AbcdefGH"


def test_a_commit_on_another_head_is_refused_and_writes_nothing(any_server: ModelServer) -> None:
    store = any_server.connect()
    first = grow(store, NO_HEAD, users={"u": row(1)}, items={"i": row(1)}, new_items=["i"])
    second = grow(store, first, histories={"u": b"kept"})
    before = any_server.dump()
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
        assert not applied(any_server.connect(), commit), what
        assert any_server.dump() == before, what


def test_after_a_refusal_the_same_connection_commits_on_the_true_head(any_server: ModelServer) -> None:
    mine, other = any_server.connect(), any_server.connect()
    first = grow(mine, NO_HEAD)
    second = grow(other, first)
    assert not applied(mine, commit_on(first))
    third = grow(mine, second, users={"u": row(3)})
    assert other.read_rows(["u"], [])[:2] == (third, [row(3)])


def test_of_two_that_commit_on_one_head_exactly_one_gets_through(any_server: ModelServer) -> None:
    stores = [any_server.connect(), any_server.connect()]
    head = grow(stores[0], NO_HEAD, watermarks={})
    marks: dict[str, int] = {}
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
        marks |= commits[winner].watermarks
        assert stores[0].read_state().watermarks == marks, "the other moved none"
        (entry,) = stores[1 - winner].read_feed(head).entries or ()
        assert entry.head == commits[winner].head
        head = commits[winner].head


def test_reading_leaves_no_trace_and_says_the_same_twice(any_server: ModelServer) -> None:
    store = any_server.connect()
    assert store.create(b"meta")
    head = grow(
        store, NO_HEAD, users={"u": row(1)}, items={"i": row(1)}, new_items=["i"], dead={0: {1: b"x"}}
    )
    before = any_server.dump()

    def read_everything() -> list[object]:
        return [
            store.read_meta(),
            store.read_state(),
            store.read_items(0),
            store.read_rows(["u", "nobody"], ["i", "nothing"], ["u", "nobody"]),
            store.read_feed(head),
            store.read_dead(0, 10),
            store.count_dead(7),
            [sorted(store.scan_rows(kind)) for kind in get_args(Kind)],
        ]

    first = read_everything()
    store.wait_feed(NO_HEAD, 0.01)
    store.check()
    assert read_everything() == first
    assert any_server.dump() == before


def test_a_forgotten_user_has_neither_row_nor_history(any_server: ModelServer) -> None:
    store = any_server.connect()
    head = grow(
        store,
        NO_HEAD,
        users={"u": row(1), "v": row(2)},
        histories={"u": b"slot", "v": b"slot", "w": b"slot"},
        runs=[("u", 4, b"x")],
    )
    head = grow(store, head, forgotten=["u", "never-seen"], histories={"w": b"", "never-seen": b""})
    users = ["u", "v", "w", "never-seen"]
    read = store.read_rows(users, [], users)
    assert read.users == [None, row(2), None, None]
    assert read.histories == [None, b"slot", None, None]
    assert dict(store.scan_rows("user")) == {"v": row(2)}
    # One who comes back in the commit that forgot what was before.
    grow(store, head, users={"v": row(3)}, histories={"v": b""})
    assert store.read_rows(["v"], [], ["v"])[1:4] == ([row(3)], [], [None])


def test_runs_set_slots_at_their_places(any_server: ModelServer) -> None:
    store = any_server.connect()
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


def test_a_commit_may_move_nothing_but_watermarks(any_server: ModelServer) -> None:
    store = any_server.connect()
    head = grow(store, NO_HEAD, watermarks={"ratings-0": 3})
    assert store.read_state() == State(head, b"globals", {"ratings-0": 3}, 0)
    assert list(store.scan_rows("user")) == list(store.scan_rows("item")) == []


def test_ids_hold_any_character(any_server: ModelServer) -> None:
    store = any_server.connect()
    rows = {row_id: row(number) for number, row_id in enumerate(ODD_IDS)}
    head = grow(
        store,
        NO_HEAD,
        users=rows,
        items=rows,
        new_items=ODD_IDS,
        runs=[(row_id, 6, value) for row_id, value in rows.items()],
    )
    values = list(rows.values())
    read = store.read_rows(ODD_IDS, ODD_IDS, ODD_IDS)
    assert read.users == read.items == values
    assert read.histories == [bytes(6) + value for value in values]
    assert store.read_items(0) == ODD_IDS
    assert dict(store.scan_rows("user")) == dict(store.scan_rows("item")) == rows
    grow(store, head, forgotten=ODD_IDS)
    assert list(store.scan_rows("user")) == []
    assert set(store.read_rows([], [], ODD_IDS).histories) == {None}


def test_ten_thousand_rows_go_in_and_out_in_order(any_server: ModelServer) -> None:
    store = any_server.connect()
    ids = [f"row-{number}" for number in range(10_001)]
    rows = {row_id: row(number) for number, row_id in enumerate(ids)}
    grow(store, NO_HEAD, users=rows, items=rows, new_items=ids)
    asked = [name for row_id in ids for name in (row_id, "not-" + row_id)]
    expected = [value for known in rows.values() for value in (known, None)]
    assert store.read_rows(asked, ids)[1:3] == (expected, list(rows.values()))
    assert store.read_items(0) == ids
    assert store.read_items(9_999) == ids[9_999:]
    assert dict(store.scan_rows("item")) == rows
