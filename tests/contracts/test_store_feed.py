"""What every store promises of its feed and its outbox (lfm_online/store/protocol.py)."""

import numpy as np

from lfm_online.store.protocol import NO_HEAD, Head
from tests.contracts.commits import commit_on, row
from tests.contracts.stores import ModelServer, applied, grow


def test_the_feed_leads_from_a_head_to_the_last(any_server: ModelServer) -> None:
    store = any_server.connect()
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


def test_the_feed_does_not_lead_from_a_head_of_another_timeline(any_server: ModelServer) -> None:
    store = any_server.connect()
    head = grow(store, NO_HEAD, 3)
    for stranger in (Head(b"x" * 16, 1), Head(b"x" * 16, 3), Head(b"x" * 16, 9), Head(head.id, 2)):
        assert store.read_feed(stranger) == (head, None)


def test_a_trimmed_feed_does_not_lead_from_what_it_lost(any_server: ModelServer) -> None:
    store = any_server.connect()
    first = grow(store, NO_HEAD)
    kept = grow(store, first, 300, feed_entries=100)
    head = grow(store, kept, 50, feed_entries=100)
    assert store.read_feed(first).entries is None
    assert store.read_feed(NO_HEAD).entries is None
    assert [entry.head.sequence for entry in store.read_feed(kept).entries or ()] == list(range(302, 352))
    assert store.read_feed(head).entries == []


def test_what_became_of_a_commit_whose_connection_was_lost_is_told_by_the_feed(
    any_server: ModelServer,
) -> None:
    store = any_server.connect()
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


def test_the_outbox_keeps_letters_until_they_are_dropped(any_server: ModelServer) -> None:
    store = any_server.connect()
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
