"""What a batch will want, asked for while commits before it are under way."""

from collections.abc import Sequence

import pytest

from lfm_online.layout import CHUNK
from lfm_online.store.memory import MemoryServer
from lfm_online.store.protocol import RowsRead, StoreAwayError, StoreBrokenError
from tests.made_checkpoints import (
    FIRST,
    OTHER,
    SECOND,
    FrailStore,
    Made,
    batch,
    checkpoint,
    learn,
    state,
    straight,
)
from worker.checkpoint import Checkpoint
from worker.events import Events


class CountingStore(FrailStore):
    """Counts the reads that are waited for at once, and may lead elsewhere for rows."""

    reads = 0
    elsewhere: MemoryServer | None = None

    def read_rows(
        self, users: Sequence[str], items: Sequence[str], histories: Sequence[str] = ()
    ) -> RowsRead:
        self.reads += 1
        own, self.server = self.server, self.elsewhere or self.server
        try:
            return super().read_rows(users, items, histories)
        finally:
            self.server = own


def counting(server: MemoryServer, *, user_rows: int | None = None) -> tuple[Checkpoint, CountingStore]:
    worker = checkpoint(server, user_rows=user_rows)
    store = CountingStore(server)
    worker.store = worker._rows._store = store
    return worker, store


def send(worker: Checkpoint) -> None:
    """What is in flight is settled, then what was learned goes out."""
    if worker.in_flight is not None:
        settled = worker.settle()
        assert settled is not None
        assert settled.receipt.committed
    worker.send()


def stream(worker: Checkpoint, batches: Sequence[Events]) -> list[bool]:
    """As under load, each batch asked for before that before it is sent; which were learned ahead."""
    ahead = []
    for events, following in zip(batches, [*batches[1:], None], strict=True):
        ahead.append(worker.learn_ahead(events))
        if not ahead[-1]:
            worker.settle()
            assert worker.learn(events).learned
        if following is not None:
            worker.ask_ahead(following)
        send(worker)
    worker.settle()
    return ahead


def test_new_users_and_items_are_learned_on_top_of_a_commit_in_flight() -> None:
    server = MemoryServer()
    worker, store = counting(server)
    third = batch(0, 5, [("new", "i", 2.0), ("u", "newer", 3.0)])
    assert stream(worker, [FIRST, SECOND, third]) == [False, True, True]
    assert store.reads == 3, "one for the first batch, two that were not waited for"
    assert state(server) == straight(FIRST, SECOND, third)
    assert server.items == ["i", "j", "k", "newer"]


def test_rows_that_another_worker_wrote_are_taken_as_they_lie_in_the_store() -> None:
    server = MemoryServer()
    learn(checkpoint(server), OTHER)
    worker, _ = counting(server)
    assert stream(worker, [FIRST, SECOND, batch(0, 5, [("x", "new", 2.0)])]) == [False, True, True]
    assert state(server) == straight(OTHER, FIRST, SECOND, batch(0, 5, [("x", "new", 2.0)]))


def test_any_stream_of_events_gives_the_same_as_one_batch_after_another() -> None:
    """Histories are longer than a chunk, so some lie in the store; some are retracted, some forgotten."""
    made: list[Made] = []
    for j in range(600):
        item = f"i{j * j % 17}"
        made.append((f"u{j % 7}", item, 0.0 if j % 41 == 40 else 1.0 + j % 5))
        if j % 97 == 96:
            made.append((f"u{j % 7}", "", 0.0))
    assert len(made) / 7 > 2 * CHUNK
    batches = [batch(0, start, made[start : start + 9]) for start in range(0, len(made), 9)]
    server = MemoryServer()
    worker, _ = counting(server)
    ahead = stream(worker, batches)
    assert sum(ahead) > len(batches) / 2
    assert state(server) == straight(*batches)


def test_a_history_that_a_commit_under_way_changes_is_not_taken_as_it_was() -> None:
    ratings: list[Made] = [("u", f"i{j}", 3.0) for j in range(2 * CHUNK)]
    full, retraction = batch(0, 0, ratings), batch(0, 2 * CHUNK, [("u", "i5", 0.0)])
    server = MemoryServer()
    worker, _ = counting(server)
    assert stream(worker, [full, retraction]) == [False, False]
    assert state(server) == straight(full, retraction)


def test_rows_of_another_commit_are_not_taken() -> None:
    server = MemoryServer()
    worker, _ = counting(server)
    learn(worker, FIRST)
    assert worker.learn(SECOND).learned
    learn(checkpoint(server), OTHER)  # it writes u's row, and x's
    third = batch(0, 5, [("x", "i", 2.0)])
    worker.ask_ahead(third)
    worker.send()
    assert not worker.learn_ahead(third)
    settled = worker.settle()
    assert settled is not None
    assert not settled.receipt.committed
    worker.resync()
    learn(worker, SECOND)
    learn(worker, third)
    assert state(server) == straight(FIRST, OTHER, SECOND, third)


def test_what_was_asked_for_before_a_fall_back_is_not_taken_after_it() -> None:
    server = MemoryServer()
    worker, _ = counting(server)
    learn(worker, FIRST)
    learn(checkpoint(server), OTHER)
    worker.resync()
    assert worker.learn(SECOND).learned
    third = batch(0, 5, [("x", "i", 2.0)])
    worker.ask_ahead(third)
    vars(server).update(vars(MemoryServer()))
    worker.resync()
    worker.beginnings = dict.fromkeys(range(4), 0)
    for events in (FIRST, SECOND, third):
        learn(worker, events)
    assert state(server) == straight(FIRST, SECOND, third)


def test_without_room_in_the_budget_a_batch_is_not_asked_for() -> None:
    server = MemoryServer()
    worker, _ = counting(server, user_rows=3)
    batches = [FIRST, SECOND, batch(0, 5, [("x", "i", 2.0), ("y", "i", 3.0)])]
    assert stream(worker, batches) == [False, False, False]
    assert state(server) == straight(*batches)


def test_a_foreign_row_of_a_new_item_is_told() -> None:
    server = MemoryServer()
    worker, _ = counting(server)
    assert worker.learn(FIRST).learned
    server.rows["item"]["k"] = b"foreign"
    worker.ask_ahead(SECOND)
    worker.send()
    with pytest.raises(StoreBrokenError, match="item 'k' has a row"):
        worker.learn_ahead(SECOND)


def test_connections_that_lead_to_different_servers_are_dropped() -> None:
    server = MemoryServer()
    worker, store = counting(server)
    learn(worker, FIRST)
    store.elsewhere = MemoryServer()
    with pytest.raises(StoreAwayError, match="different servers"):
        worker.begin(SECOND)
    store.elsewhere = None
    worker.resync()
    learn(worker, SECOND)
    assert state(server) == straight(FIRST, SECOND)
