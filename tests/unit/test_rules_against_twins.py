"""Both rules' kernels against their slow twins."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from lfm_online.batch import RATING
from lfm_online.model import Model
from lfm_online.rules.adaptive import log_count
from tests.naive import Adaptive, Row, Sgd, Twin
from tests.streams import HIGH, LOW, Event, learn, learn_slowly, made_stream, new_model

SGD_OPTIONS: list[dict[str, Any]] = [
    {},
    {"link": "sigmoid_range"},
    {"link": "sigmoid_range", "margin": 0.5},
    {"biases": 0.0},
    {"step_bias": 0.05, "step_factors": 0.2, "regularisation_bias": 0.1, "regularisation_factors": 0.3},
]


def _pair(rule: str, factors: int, options: dict[str, Any]) -> tuple[Model, Twin]:
    twin = Adaptive(LOW, HIGH, 1, factors) if rule == "adaptive" else Sgd(LOW, HIGH, 1, factors, **options)
    return new_model(rule, factors, 1, **options), twin


CASES: list[tuple[str, dict[str, Any]]] = [("adaptive", {})] + [("sgd", options) for options in SGD_OPTIONS]


@pytest.mark.parametrize("factors", [1, 8, 32, 33])
@pytest.mark.parametrize(("rule", "options"), CASES)
def test_a_stream_with_tombstones_and_retractions_teaches_what_its_twin_learns(
    rule: str, options: dict[str, Any], factors: int
) -> None:
    model, twin = _pair(rule, factors, options)
    events = made_stream(factors, 400)
    outcome = learn(model, events)
    guesses = learn_slowly(twin, events)
    _assert_alike(model, twin, events, outcome, guesses)


@pytest.mark.parametrize(("rule", "options"), CASES)
def test_a_batch_that_repeats_a_user_and_an_item_learns_them_one_after_another(
    rule: str, options: dict[str, Any]
) -> None:
    model, twin = _pair(rule, 8, options)
    events = [
        Event(RATING, user, item, rating, 1000 * j, j)
        for j, (user, item, rating) in enumerate(
            [("a", "x", 5), ("a", "x", 1), ("a", "y", 4), ("b", "x", 2), ("a", "x", 5), ("b", "x", 3)]
        )
    ]
    outcome = learn(model, events)
    _assert_alike(model, twin, events, outcome, learn_slowly(twin, events))
    assert outcome.ordinal.tolist() == [0, 1, 2, 0, 3, 1]
    assert outcome.cold.tolist() == [True, False, True, True, False, False]


def test_the_adaptive_rule_bounds_the_errors_of_ratings_that_come_as_a_surprise() -> None:
    model, twin = _pair("adaptive", 8, {})
    events = [
        Event(RATING, f"u{j % 4}", f"i{j % 3}", 0.5 if j % 97 == 96 else 4.5, 1000 * j, j) for j in range(400)
    ]
    outcome = learn(model, events)
    _assert_alike(model, twin, events, outcome, learn_slowly(twin, events))


def test_a_user_who_comes_back_after_years_has_forgotten_the_fast_bias() -> None:
    model, twin = _pair("adaptive", 8, {})
    times = [*range(0, 60_000, 1000), 10**11, 10**11 + 1000, 3 * 10**11]
    events = [Event(RATING, "a", f"i{j % 7}", 1.0 + j % 5, time_ms, j) for j, time_ms in enumerate(times)]
    outcome = learn(model, events)
    _assert_alike(model, twin, events, outcome, learn_slowly(twin, events))


@pytest.mark.parametrize("ratings", [0, 1, 4095, 4096, 2**32 - 1])
def test_the_logarithm_of_a_count_is_the_same_within_the_table_and_past_its_end(ratings: int) -> None:
    assert_allclose(log_count(np.uint32(ratings)), math.log1p(ratings), rtol=1e-15)


@pytest.mark.parametrize(("rule", "options"), CASES)
def test_forget_between_two_ratings_makes_the_user_a_newcomer_and_leaves_the_item(
    rule: str, options: dict[str, Any]
) -> None:
    model, twin = _pair(rule, 8, options)
    rating = Event(RATING, "a", "x", 5.0, 1000, 77)
    events = [rating, Event(2, "a", "", np.nan, 2000, 78), rating._replace(time_ms=3000, digest=79)]
    outcome = learn(model, events)
    _assert_alike(model, twin, events, outcome, learn_slowly(twin, events))
    user, item = model.users.rows.header[0], model.items.rows.header[0]
    assert (user["events"], user["digest"], user["ratings"]) == (1, 79, 1)
    assert (item["events"], item["digest"], item["ratings"]) == (2, 77 + 79, 2)
    assert outcome.ordinal[2] == 0


@pytest.mark.parametrize(("rule", "options"), CASES)
def test_a_retraction_counts_in_the_users_ledger_and_teaches_nothing(
    rule: str, options: dict[str, Any]
) -> None:
    model, twin = _pair(rule, 8, options)
    rating = Event(RATING, "a", "x", 5.0, 1000, 77)
    learn(model, [rating])
    learn_slowly(twin, [rating])
    before = model.users.block(np.zeros(1, np.int32))[0].tobytes()
    shared = model.globals.shared.copy()
    retraction = Event(1, "a", "", np.nan, 2000, 2**32 - 1)
    learn(model, [retraction])
    learn_slowly(twin, [retraction])
    after = model.users.block(np.zeros(1, np.int32))[0].tobytes()
    assert after[:4] + after[12:] == before[:4] + before[12:]
    assert (model.users.rows.header["events"][0], model.users.rows.header["digest"][0]) == (2, 76)
    shared["events"] += 1
    assert_array_equal(model.globals.shared, shared)
    _assert_ledgers_equal(model, twin)


def _assert_near(actual: Any, twin: Any, what: str = "") -> None:
    """Seven digits of float32, less what a few hundred updates round away."""
    assert_allclose(actual, twin, rtol=2e-4, atol=2e-5, err_msg=what)


def _assert_alike(
    model: Model, twin: Twin, events: list[Event], outcome: Any, guesses: np.ndarray[Any, Any]
) -> None:
    rated = np.array([event.what == RATING for event in events])
    assert not outcome.refused.any()
    for column, guess in zip((outcome.model, outcome.mean, outcome.bias), guesses.T, strict=True):
        _assert_near(column[rated], guess[rated])
    stated = np.column_stack([outcome.deviation, outcome.bands])
    _assert_near(stated[rated], twin.stated)
    _assert_near([model.shared["deviation"], *model.shared["band"]], twin.widths)
    _assert_ledgers_equal(model, twin)
    for table, rows in ((model.users, twin.users), (model.items, twin.items)):
        for row_id, row in rows.items():
            number = table.number(row_id)
            for name, value in _terms(model, row).items():
                kept = table.rows.factors if name == "factors" else table.rows.state[name]
                _assert_near(kept[number], value, f"{name} of {row_id}")
            _assert_near(table.rows.header["bias_sum"][number], row.bias_sum)
    shared = model.shared
    assert_allclose(shared["mean"], twin.learned.mean(), rtol=1e-12)
    assert_allclose(shared["m2"], twin.learned.deviations(), rtol=1e-9, atol=1e-9)
    _assert_near(shared["squared_error"].reshape(3, 2), twin.squared_error())
    assert shared["scored"].tolist() == [sum(cold is c for cold, _ in twin.scored) for c in (False, True)]
    weight, squares = twin.recent()
    assert_allclose(shared["recent_weight"], weight, rtol=1e-12)
    _assert_near(shared["recent_squared_error"], squares)
    if isinstance(twin, Adaptive):
        rule = model.globals.rule[0]
        _assert_near(rule["W"], twin.W)
        _assert_near(rule["R"], twin.R)
        assert_allclose(rule["m"], twin.log_counts.mean(), rtol=1e-9)
        assert rule["gaps"] == len(twin.log_gaps)
        assert_allclose(rule["log_gap_sum"], twin.log_gaps.sum, rtol=1e-9)


def _terms(model: Model, row: Row) -> dict[str, Any]:
    """A twin's terms by the names of the stored record's fields."""
    terms = dict(row.terms)
    if "state" in terms:
        terms |= zip("basf", terms.pop("state"), strict=True)
        terms["C"] = terms["C"][np.triu_indices(4)]
        if row.ratings == 0:
            del terms["C"]  # a newcomer's C00 is set by its first event
    return terms


def _assert_ledgers_equal(model: Model, twin: Twin) -> None:
    assert model.shared["events"] == twin.events
    assert model.shared["n"] == len(twin.learned)
    for table, rows in ((model.users, twin.users), (model.items, twin.items)):
        assert sorted(table.ids) == sorted(rows)
        for row_id, row in rows.items():
            header = table.rows.header[table.number(row_id)]
            for name in ("events", "digest", "ratings", "time_ms"):
                assert header[name] == getattr(row, name), (name, row_id)
