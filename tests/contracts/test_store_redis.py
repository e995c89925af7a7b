"""A model in Redis or Valkey, which many connections read and write at once."""

import random
import threading
import uuid

import pytest

from lfm_online.store import scans
from lfm_online.store.protocol import NO_HEAD, Head
from lfm_online.store.redis import RedisStore
from tests.contracts.commits import commit_on, row
from tests.contracts.stores import InRedis, applied, fails, grow


def test_a_commit_rests_on_no_script(server: InRedis) -> None:
    store = server.connect()
    head = grow(store, NO_HEAD)
    server.client.script_flush()
    grow(store, head)


def test_a_reader_further_behind_than_one_read_of_the_feed_reloads(
    server: InRedis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scans, "FEED_READ", 10)
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
