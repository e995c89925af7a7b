"""A fitted model in a store: what a stream would have left there, and never half of it."""

from __future__ import annotations

import itertools
from typing import Any

import msgspec
import numpy as np
import pytest

from lfm_online.fit import into_store
from lfm_online.fit.into_store import FitBrokenOffError, ModelExistsError, write_model
from lfm_online.fit.train import Fitted, Schedule, fit_ratings, started
from lfm_online.layout import HEADER
from lfm_online.meta import MetaMismatchError, check_same, read_meta
from lfm_online.ratings_file import RatingsTable
from lfm_online.store.memory import MemoryServer, MemoryStore
from lfm_online.store.protocol import Commit
from tests.made_model import Event, Learner, learn_in_commits, meta, random_ratings

EVENTS = random_ratings(1500)
HISTORY = 40  # of which the ring holds 2 chunks: some users have rated more


def fitted(rule: str = "adaptive", epochs: int = 1, events: list[Event] = EVENTS) -> Fitted:
    ratings = RatingsTable(
        [event.user for event in events],
        [event.item for event in events],
        np.array([event.rating for event in events], float),
        np.array([event.time_ms for event in events], np.int64),
    )
    model, batch = started(ratings, meta(rule).make_rule(), 8, HISTORY, ranking=True)
    return fit_ratings(model, batch, Schedule(epochs))


def write(store: MemoryStore, what: Fitted, **settings: Any) -> None:
    ids = itertools.count(1000)
    write_model(
        store,
        what,
        meta(history=HISTORY, **settings),
        "m",
        new_id=lambda: next(ids).to_bytes(16, "little"),
        feed_entries=1000,
    )


def without_ledger(rows: dict[str, bytes]) -> dict[str, bytes]:
    return {row_id: row[:4] + row[12:] for row_id, row in rows.items()}


@pytest.fixture(autouse=True)
def _small_commits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(into_store, "ROWS", 7)


@pytest.mark.parametrize("rule", ["adaptive", "sgd"])
def test_the_store_holds_what_streaming_the_ratings_leaves_but_the_ledger(rule: str) -> None:
    store, streamed = MemoryStore(), MemoryStore()
    write(store, fitted(rule, 1 if rule == "adaptive" else 3), rule=rule)
    learn_in_commits(streamed, EVENTS, rule=rule, history=HISTORY)
    server, expected = store.server, streamed.server
    assert server.meta == expected.meta
    assert (server.items, server.histories) == (expected.items, expected.histories)
    assert server.watermarks == {}
    for kind in ("user", "item"):
        ours, theirs = without_ledger(server.rows[kind]), without_ledger(expected.rows[kind])
        if rule == "sgd":  # several epochs: header and history alike, state and factors not
            state = slice(HEADER.itemsize - 8, HEADER.itemsize - 8 + 4 + 32)
            ours, theirs = (
                {row_id: row[: state.start] + row[state.stop :] for row_id, row in rows.items()}
                for rows in (ours, theirs)
            )
        assert ours == theirs
        for row in server.rows[kind].values():
            assert row[4:12] == bytes(8)


@pytest.mark.parametrize("rule", ["adaptive", "sgd"])
def test_a_learner_carries_on_as_if_it_had_learned_the_ratings_itself(rule: str) -> None:
    store, streamed = MemoryStore(), MemoryStore()
    write(store, fitted(rule), rule=rule)
    check_same(read_meta(store.server.meta or b"", "m"), meta(rule, history=HISTORY), "m")
    more = [event for event in random_ratings(300, seed=8) if event.rating]
    learner = Learner(store, meta(rule, history=HISTORY))
    learner.learn(more)
    assert store.server.watermarks == {"ratings-0": 300}
    of_more = {event.user for event in more}
    if rule == "adaptive":
        both = learn_in_commits(streamed, EVENTS, rule=rule, history=HISTORY)
        both.learn(more)
        assert store.server.histories == streamed.server.histories
        assert without_ledger(store.server.rows["user"]) == without_ledger(streamed.server.rows["user"])
    for user, row in store.server.rows["user"].items():
        events = int(np.frombuffer(row[: HEADER.itemsize], HEADER)[0]["events"])
        assert events == sum(event.user == user for event in more)
        assert (events > 0) == (user in of_more)


class _Watched(MemoryStore):
    """Sees what other processes see between two commits."""

    def __init__(self, server: MemoryServer) -> None:
        super().__init__(server)
        self.seen: list[bytes | None] = []
        self.breaks_in = False

    def send_commit(self, commit: Commit) -> None:
        self.seen.append(self.server.meta)
        if self.breaks_in and len(self.seen) == 3:
            self.server.head = self.server.head._replace(id=b"another process.")
        super().send_commit(commit)


def test_nobody_can_open_the_model_before_its_last_row_is_there() -> None:
    store = _Watched(MemoryServer())
    write(store, fitted())
    assert len(store.seen) > 3
    for stored in store.seen:
        assert stored is not None, "another process could start a model of that name"
        with pytest.raises(MetaMismatchError, match=r"'m' is not finished: .*LFM_MODEL"):
            read_meta(stored, "m")
    assert read_meta(store.server.meta or b"", "m").format == 1
    assert len(store.server.feed) == len(store.seen)


def test_a_model_that_is_there_or_half_there_is_not_written_to() -> None:
    half = msgspec.structs.replace(meta(), format=0).to_bytes()
    for server in (MemoryServer(meta=meta().to_bytes()), MemoryServer(meta=half)):
        with pytest.raises(ModelExistsError, match=r"a model 'm': .*\(LFM_MODEL\)"):
            write(MemoryStore(server), fitted())
        assert server.rows == {"user": {}, "item": {}}
    without_meta = MemoryStore()
    learn_in_commits(without_meta, EVENTS[:10])
    without_meta.server.meta = None
    with pytest.raises(ModelExistsError):
        write(without_meta, fitted())


def test_a_fit_that_another_process_broke_into_leaves_a_model_that_nobody_opens() -> None:
    store = _Watched(MemoryServer())
    store.breaks_in = True
    with pytest.raises(FitBrokenOffError, match="LFM_MODEL"):
        write(store, fitted())
    with pytest.raises(MetaMismatchError, match="not finished"):
        read_meta(store.server.meta or b"", "m")
