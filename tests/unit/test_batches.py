"""What a model becomes depends on its events alone: not on batches, row numbers or names."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

from lfm_online.batch import Outcome, batch_of
from lfm_online.hashing import id_hash
from lfm_online.model import Model
from tests.naive import gaussian_factors
from tests.streams import learn, made_stream, new_model, stored

EVENTS = made_stream(4, 120)
RULES = ["adaptive", "sgd"]


@pytest.mark.parametrize("rule", RULES)
@given(cuts=st.sets(st.integers(1, len(EVENTS) - 1)))
def test_batches_of_any_size_give_the_same_bytes(rule: str, cuts: set[int]) -> None:
    whole, cut = new_model(rule), new_model(rule)
    expected = learn(whole, EVENTS)
    edges = [0, *sorted(cuts), len(EVENTS)]
    parts = [learn(cut, EVENTS[a:b]) for a, b in pairwise(edges)]
    assert stored(cut) == stored(whole)
    rated = np.array([event.what == 0 for event in EVENTS])
    for name in Outcome._fields:
        pieces = np.concatenate([getattr(part, name) for part in parts])
        assert_array_equal(pieces[rated], getattr(expected, name)[rated])


@pytest.mark.parametrize("rule", RULES)
def test_row_numbers_do_not_matter(rule: str) -> None:
    one, other = new_model(rule), new_model(rule)
    learn(one, EVENTS)
    for table, ids in ((other.users, one.users.ids), (other.items, one.items.ids)):
        table.start(table.numbers(["not in the stream", *reversed(ids)]))
    learn(other, EVENTS)
    rows = stored(one)
    assert {name: row for name, row in stored(other).items() if name in rows} == rows


@pytest.mark.parametrize("rule", RULES)
def test_names_do_not_matter_beyond_the_initial_rows(rule: str) -> None:
    one, other = new_model(rule), new_model(rule)
    learn(one, EVENTS)
    renamed = [e._replace(user=f"другой {e.user}", item=f"🎬/{e.item}" if e.item else "") for e in EVENTS]
    for table, prefix, first in ((other.users, "другой ", one.users), (other.items, "🎬/", one.items)):
        numbers = table.numbers([prefix + name for name in first.ids])
        table.rows.hash[numbers] = first.rows.hash[numbers]
        table.start(numbers)
    learn(other, renamed)
    assert list(stored(other).values()) == list(stored(one).values())


def _initial(model: Model, kind: str, ids: list[str]) -> Any:
    table = model.users if kind == "user" else model.items
    table.start(table.numbers(ids))
    return table.rows.factors[table.numbers(["a", "b"])].copy()


@pytest.mark.parametrize("kind", ["user", "item"])
@pytest.mark.parametrize("rule", RULES)
def test_a_new_row_comes_from_seed_kind_and_id_not_from_the_order_of_arrival(rule: str, kind: str) -> None:
    first = _initial(new_model(rule), kind, ["a", "b"])
    assert_array_equal(_initial(new_model(rule), kind, ["c", "b", "a"]), first)
    if (rule, kind) != ("adaptive", "user"):  # whose factors start at zero
        assert not np.array_equal(first[0], first[1])
        assert not np.array_equal(_initial(new_model(rule, seed=2), kind, ["a", "b"]), first)


@pytest.mark.parametrize(("rule", "sd"), [("adaptive", 0.028), ("sgd", 0.05)])
@pytest.mark.parametrize("factors", [1, 8, 33])
def test_an_items_first_factors_are_gaussian_and_those_of_the_twin(
    rule: str, sd: float, factors: int
) -> None:
    model = new_model(rule, factors, seed=2**63 - 1)
    ids = [str(j) for j in range(3000)]
    numbers = model.items.numbers(ids)
    model.items.start(numbers)
    for number in numbers[:20]:
        twin = gaussian_factors(2**63 - 1, id_hash("item", ids[number].encode()), sd, factors)
        np.testing.assert_allclose(model.items.rows.factors[number], twin, rtol=1e-5, atol=1e-9)
    standard = model.items.rows.factors[numbers] / sd
    assert abs(standard.mean()) < 0.1
    assert abs(standard.std() - 1) < 0.05
    assert abs((np.abs(standard) < 1.96).mean() - 0.95) < 0.02


def test_touched_rows_are_each_named_once_and_no_item_for_a_tombstone() -> None:
    users, items = new_model().touched(batch_of([4, 2, 4], [1, -1, 1], [3, 0, 3], [0, 0, 0], what=[0, 2, 0]))
    assert (users.tolist(), items.tolist()) == ([2, 4], [1])
