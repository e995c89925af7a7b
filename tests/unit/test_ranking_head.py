"""The ranking head's kernels: against their slow twin, batch by batch, and on long streams."""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from lfm_online.batch import FORGET, RATING, Batch, batch_of
from lfm_online.hashing import id_hash
from lfm_online.layout import FormatError, Kind
from lfm_online.ranking.head import RankingHead
from lfm_online.ranking.layout import LAST, RING, SLOT, RankRows, section_bytes, state_of
from lfm_online.ranking.lookup import basket, personal, popular, pulls, taste
from tests.naive_ranking import Ranking
from tests.streams import Event, made_stream

USERS, ITEMS = 9, 24
EVENTS = made_stream(7, 900, users=USERS, items=ITEMS, others=0.02)


class Head(NamedTuple):
    """A head with all its rows, of users and items by number."""

    head: RankingHead
    users: RankRows
    items: RankRows


def _rows(kind: Kind, n: int, k: int) -> RankRows:
    hashes = [id_hash(kind, f"{kind}-{number}".encode()) for number in range(n)]
    return RankRows(np.zeros(n, state_of(kind)), np.zeros((n, k), np.float32), np.array(hashes, np.uint64))


def _new(k: int = 8, users: int = USERS, items: int = ITEMS, seed: int = 1) -> Head:
    made = Head(RankingHead(seed), _rows("user", users, k), _rows("item", items, k))
    made.head.start("user", made.users, np.arange(users, dtype=np.int32))
    made.head.start("item", made.items, np.arange(items, dtype=np.int32))
    return made


def _batch(events: list[Event]) -> Batch:
    number = [int(e.user.removeprefix("user-")) for e in events]
    item = [int(e.item.removeprefix("item-")) if e.what == RATING else -1 for e in events]
    ratings = [e.rating if e.what == RATING else 0.0 for e in events]
    return batch_of(number, item, ratings, [e.time_ms for e in events], what=[e.what for e in events])


def _stored(made: Head) -> list[bytes]:
    rows = [array.tobytes() for part in (made.users, made.items) for array in part[:2]]
    return [*rows, made.head.globals.tobytes(), made.head.ring.tobytes()]


def _learn(made: Head, batch: Batch) -> None:
    made.head.learn(batch, made.users, made.items)


def _teach(twin: Ranking, event: Event) -> None:
    if event.what == RATING:
        twin.take(event.user, event.item, event.rating)
    elif event.what == FORGET:
        twin.forget(event.user)


@pytest.mark.parametrize("k", [1, 8, 32, 33])
def test_a_stream_with_tombstones_teaches_what_the_twin_learns(k: int) -> None:
    made, twin = _new(k), Ranking(1, k)
    _learn(made, _batch(EVENTS))
    for event in EVENTS:
        _teach(twin, event)
    state = made.head.globals[0]
    assert (state["events"], state["items"]) == (twin.n, len(twin.items))
    assert_allclose(state["pi"], twin.pi, rtol=1e-4)
    for name, item in twin.items.items():
        number = int(name.removeprefix("item-"))
        row = made.items.state[number]
        assert (row["count"], row["touched"]) == (len(item.events), item.events[-1])
        assert_allclose(
            row["recent"], sum(2.0 ** ((e - item.events[-1]) / 1000) for e in item.events), rtol=1e-5
        )
        assert_allclose(row["a"], item.a, rtol=2e-3)
        assert_allclose(made.items.factors[number], item.y, rtol=2e-3, atol=2e-3)
    for name, user in twin.users.items():
        number = int(name.removeprefix("user-"))
        row = made.users.state[number]
        assert row["events"] == len(user.taken)
        expected = [int(item.removeprefix("item-")) + 1 for item, _ in user.taken]
        signs = [1 if high else -1 for _, high in user.taken]
        for n in range(max(0, len(user.taken) - LAST), len(user.taken)):
            assert row["last"][n % LAST] == signs[n] * expected[n]
        assert_allclose(row["a"], user.a, rtol=2e-3)
        assert_allclose(made.users.factors[number], user.p, rtol=2e-3, atol=2e-3)


def test_lookups_rank_as_the_twin_does() -> None:
    made, twin = _new(8), Ranking(1, 8)
    _learn(made, _batch(EVENTS))
    for event in EVENTS:
        _teach(twin, event)
    for user in range(USERS):
        name = f"user-{user}"
        of = taste(made.users, user, made.items, ITEMS, made.head.hyper)
        assert_allclose(of.h, twin.h(name), atol=2e-3)
        assert [f"item-{item}" for item in of.items] == [item for item, _ in twin.context(name)]
        assert_allclose(of.shares, [share for _, share in twin.context(name)], rtol=1e-5)
        scores, logs = np.empty(ITEMS), np.empty(ITEMS)
        personal(of.h, made.items, scores)
        popular(made.items, made.head.globals, made.head.hyper, logs)
        for item in range(ITEMS):
            y = twin.items[f"item-{item}"].y
            assert_allclose(scores[item], twin.h(name) @ y, atol=5e-3)
            assert_allclose(np.exp(logs[item]), twin.q(f"item-{item}")[2], rtol=1e-3)
            own = made.users.factors[user] @ made.items.factors[item]
            assert_allclose(pulls(of, made.items, item).sum() + own, scores[item], rtol=1e-4, atol=1e-5)


@given(cuts=st.sets(st.integers(1, len(EVENTS) - 1), max_size=12))
def test_batches_of_any_size_give_the_same_bytes(cuts: set[int]) -> None:
    whole, cut = _new(), _new()
    _learn(whole, _batch(EVENTS))
    for a, b in pairwise([0, *sorted(cuts), len(EVENTS)]):
        _learn(cut, _batch(EVENTS[a:b]))
    assert _stored(cut) == _stored(whole)


def test_a_head_read_back_from_its_bytes_after_each_event_goes_on_as_if_never_stored() -> None:
    whole, cut = _new(), _new()
    _learn(whole, _batch(EVENTS))
    for event in EVENTS:
        _learn(cut, _batch([event]))
        cut.head.load(cut.head.globals.tobytes(), cut.head.ring.tobytes())
    assert _stored(cut) == _stored(whole)


@pytest.mark.parametrize("size", [1, 7, 300, 900])
def test_every_changed_item_was_named_before_the_batch_was_learned(size: int) -> None:
    made, twin = _new(), Ranking(1, 8)
    for first in range(0, len(EVENTS), size):
        events = EVENTS[first : first + size]
        named = made.head.touched(_batch(events), made.users, ITEMS)
        before = [array.copy() for array in made.items[:2]]
        _learn(made, _batch(events))
        for old, new in zip(before, made.items[:2], strict=True):
            changed = np.flatnonzero((old != new).reshape(ITEMS, -1).any(axis=1))
            assert set(changed.tolist()) <= set(named.tolist())
        touched: set[str] = set()
        for event in events:
            _teach(twin, event)
            touched |= twin.touched if event.what == RATING else set()
        assert touched <= {f"item-{number}" for number in named}


def test_only_the_named_items_rows_matter() -> None:
    whole, cut = _new(), _new()
    _learn(whole, _batch(EVENTS[:500]))
    _learn(cut, _batch(EVENTS[:500]))
    batch = _batch(EVENTS[500:503])
    named = cut.head.touched(batch, cut.users, ITEMS)
    others = np.setdiff1d(np.arange(ITEMS), named)
    assert len(others) > 0
    cut.items.factors[others] = np.nan
    _learn(whole, batch)
    _learn(cut, batch)
    assert_array_equal(cut.items.factors[named], whole.items.factors[named])
    assert_array_equal(cut.users.factors, whole.users.factors)


def test_what_is_written_of_the_ring_makes_the_stored_one_whole() -> None:
    made = _new(2)
    random = np.random.default_rng(3)
    stored = bytearray()
    for size in (1, 50, 4000, 45, 1, 300, 4096, 9000, 7):
        user, item = random.integers(0, USERS, size), random.integers(0, ITEMS, size)
        _learn(made, batch_of(user, item, np.full(size, 3.0), np.zeros(size)))
        writes = made.head.ring_writes(size)
        assert sum(len(value) for _, value in writes) == SLOT.itemsize * min(size, RING)
        for offset, value in writes:
            stored.extend(bytes(max(0, offset + len(value) - len(stored))))
            stored[offset : offset + len(value)] = value
        other = RankingHead(1)
        other.load(made.head.globals.tobytes(), bytes(stored))
        assert other.ring.tobytes() == made.head.ring.tobytes()
    assert made.head.ring_writes(0) == []


@given(seed=st.integers(0, 2**32), low=st.floats(-1e6, 1e6), items=st.integers(1, 30))
def test_rows_stay_finite_and_decayed_counts_bounded(seed: int, low: float, items: int) -> None:
    made = _new(4, items=items, seed=seed % 1000)
    random = np.random.default_rng(seed)
    n = 20_000
    user, item = random.integers(0, USERS, n), np.minimum(random.geometric(0.2, n) - 1, items - 1)
    _learn(made, batch_of(user, item, low + random.integers(0, 5, n), np.zeros(n)))
    for rows in (made.users, made.items):
        assert np.isfinite(rows.factors).all()
        assert np.isfinite(rows.state["a"]).all()
    assert made.items.state["recent"].max() <= made.head.globals["recent"][0] <= 1 / (1 - 2**-0.001)
    assert 0 <= made.head.globals["pi"][0] <= 1
    assert made.items.state["count"].sum() == n


def test_a_softmax_of_huge_scores_stays_finite() -> None:
    made = _new(4)
    _learn(made, _batch(EVENTS))
    made.items.factors[:] *= np.float32(1e4)
    made.users.factors[:] *= np.float32(1e4)
    _learn(made, _batch(EVENTS))
    assert np.isfinite(made.items.factors).all()
    assert np.isfinite(made.users.factors).all()


def test_a_decayed_count_of_an_item_not_seen_for_a_billion_events_is_nothing() -> None:
    made = _new(4)
    _learn(made, _batch(EVENTS))
    made.head.globals["events"] += 10**9
    logs = np.empty(ITEMS)
    popular(made.items, made.head.globals, made.head.hyper, logs)
    assert np.isfinite(logs).all()
    _learn(made, _batch(EVENTS[:60]))
    assert np.isfinite(made.items.factors).all()


def test_a_basket_is_ranked_by_its_items_alone_and_newer_items_than_the_models_are_passed_over() -> None:
    made = _new(8)
    _learn(made, _batch(EVENTS))
    of = taste(basket([3, 5, 99], [True, False, True], 8), 0, made.items, ITEMS, made.head.hyper)
    assert of.items.tolist() == [5, 3]
    weights = np.array([0.7 * 0.5, 0.7**2])
    assert_allclose(of.shares, weights / weights.sum(), rtol=1e-6)
    expected = of.shares @ made.items.factors[[5, 3]]
    assert_allclose(of.h, expected, rtol=1e-5, atol=1e-7)


def test_before_the_first_event_all_items_are_equally_popular() -> None:
    made = _new(8)
    logs = np.empty(ITEMS)
    popular(made.items, made.head.globals, made.head.hyper, logs)
    assert np.ptp(logs) == 0


def test_a_section_is_as_long_as_its_documented_offsets_say() -> None:
    assert section_bytes("user", 32) == 72 + 4 * 32
    assert section_bytes("item", 32) == 20 + 4 * 32


@pytest.mark.parametrize(
    ("globals_", "ring"), [(b"short", None), (None, b"12345"), (None, bytes(8 * RING + 8))]
)
def test_globals_or_a_ring_of_another_length_are_refused(globals_: bytes | None, ring: bytes | None) -> None:
    with pytest.raises(FormatError, match="bytes long, expected"):
        RankingHead(1).load(globals_, ring)


@pytest.mark.parametrize("k", [4, 16, 32, 48])
def test_where_arrays_lie_in_memory_does_not_matter(k: int) -> None:
    # Compiled loops look at how far apart arrays lie before they choose how to run.
    random = np.random.default_rng(0)
    batch = _batch(EVENTS[:300])
    kept: list[object] = []
    found = set()
    for _ in range(60):
        kept = [*kept[-20:], np.empty(random.integers(1, 3000))]
        made = _new(k)
        _learn(made, batch)
        found.add(b"".join(_stored(made)))
    assert len(found) == 1
