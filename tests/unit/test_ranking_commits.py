"""The ranking head in rows and commits: what it changes beyond an event's own rows, and what it leaves."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lfm_online.batch import RATING
from lfm_online.layout import GLOBALS_HEADER, HEADER, Kind
from lfm_online.ranking.layout import GLOBALS, section_bytes
from lfm_online.store.memory import MemoryServer
from tests.made_checkpoints import Made, batch, checkpoint, learn, state, straight
from tests.streams import learn as learn_stream
from tests.streams import made_stream, new_model, stored

EVENTS = made_stream(3, 400, users=8, items=40)
USERS, ITEMS = 12, 40
_random = np.random.default_rng(5)
RATINGS: list[Made] = [
    (f"u{_random.integers(USERS)}", f"i{_random.integers(ITEMS)}", float(_random.integers(1, 11)) / 2)
    for _ in range(300)
]
RATINGS[150] = ("u3", "", 0.0)  # a tombstone
RATINGS[170] = ("u4", "i1", 0.0)  # a retraction


@pytest.mark.parametrize("rule", ["adaptive", "sgd"])
def test_the_rating_state_is_the_same_to_the_byte_with_and_without_the_head(rule: str) -> None:
    bare, ranked = new_model(rule), new_model(rule, ranking=True)
    guesses, beside = learn_stream(bare, EVENTS), learn_stream(ranked, EVENTS)
    rated = np.array([event.what == RATING for event in EVENTS])
    for name in guesses._fields:
        np.testing.assert_array_equal(getattr(guesses, name)[rated], getattr(beside, name)[rated])
    with_head = stored(ranked)
    for name, value in stored(bare).items():
        at = GLOBALS_HEADER.names.index("head") if name == "globals" and GLOBALS_HEADER.names else 2
        kind: Kind = "user" if name.startswith("user") else "item"
        section = GLOBALS.itemsize if name == "globals" else section_bytes(kind, 8)
        other = with_head[name]
        assert len(other) == len(value) + section
        assert (value[at], other[at]) == (0, 1)
        assert other[:at] + b"\0" + other[at + 1 : len(value)] == value


@pytest.mark.parametrize("rule", ["adaptive", "sgd"])
@given(cuts=st.sets(st.integers(1, len(EVENTS) - 1), max_size=8))
def test_batches_of_any_size_give_the_same_bytes_with_a_head(rule: str, cuts: set[int]) -> None:
    whole, cut = new_model(rule, ranking=True), new_model(rule, ranking=True)
    learn_stream(whole, EVENTS)
    for a, b in pairwise([0, *sorted(cuts), len(EVENTS)]):
        learn_stream(cut, EVENTS[a:b])
    assert stored(cut) == stored(whole)


def test_tables_that_grow_keep_their_sections() -> None:
    small, large = new_model(ranking=True), new_model(ranking=True)
    events = made_stream(2, 1500, users=400, items=600)
    large.users.numbers([e.user for e in events])
    large.items.numbers([e.item for e in events if e.item])
    large.items.truncate(0)
    for start in range(0, len(events), 50):
        learn_stream(small, events[start : start + 50])
    learn_stream(large, events)
    assert {k: v for k, v in stored(large).items() if k in stored(small)} == stored(small)


@pytest.mark.parametrize("size", [1, 13, 300])
def test_workers_that_know_no_row_commit_what_one_that_knows_all_would(size: int) -> None:
    server = MemoryServer()
    for start in range(0, len(RATINGS), size):
        learn(checkpoint(server), batch(0, start, RATINGS[start : start + size]))
    assert state(server) == straight(batch(0, 0, RATINGS))
    assert server.ring is not None
    assert len(server.ring) == 8 * sum(rating > 0 for _, _, rating in RATINGS)


def test_two_workers_that_take_turns_end_as_one_that_learned_in_their_order() -> None:
    server = MemoryServer()
    workers = [checkpoint(server), checkpoint(server)]
    parts = [batch(p, 40 * turn, RATINGS[80 * turn + 40 * p :][:40]) for turn in range(3) for p in (0, 1)]
    for n, part in enumerate(parts):
        learn(workers[n % 2], part)
    assert state(server) == straight(*parts)


def test_the_feed_names_every_item_whose_row_changed_and_the_ledger_moves_for_the_events_own() -> None:
    server = MemoryServer()
    worker = checkpoint(server)
    learn(worker, batch(0, 0, RATINGS[:200]))
    before = dict(server.rows["item"])
    learn(worker, batch(0, 200, RATINGS[200:203]))
    changed = {item for item, row in server.rows["item"].items() if before.get(item) != row}
    named = {server.items[number] for number in server.feed[-1].items}
    own = {item for _, item, _ in RATINGS[200:203]}
    assert own < changed <= named
    ledger = slice(4, 12)
    assert {item for item in changed if server.rows["item"][item][ledger] != before[item][ledger]} == own
    rule_end = HEADER.itemsize + 12 + 4 * 4
    for item in changed - own:
        assert server.rows["item"][item][:rule_end] == before[item][:rule_end]


def test_a_model_without_a_head_has_no_ring() -> None:
    server = MemoryServer()
    learn(checkpoint(server, ranking=False), batch(0, 0, RATINGS))
    assert server.ring is None
