"""Nothing within the range breaks the adaptive rule: no stream makes a row or a prediction unsound."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from numpy.testing import assert_array_equal
from numpy.typing import NDArray

from lfm_online.batch import RATING, Outcome, batch_of
from lfm_online.model import Model
from lfm_online.rules.adaptive_start import Hyper
from tests.odd_streams import FAR, streams
from tests.streams import HIGH, LOW, Event, learn, new_model, stored

PRIOR = Hyper(LOW, HIGH, 1)
DIAGONAL = [0, 4, 7, 9]
ROUNDED = 1 + 1e-6  # float32

MANY = 10**6
J = np.arange(MANY)
FEW = np.random.default_rng(0).integers(0, 50, MANY)
STARS = np.random.default_rng(1).integers(1, 11, MANY) / 2
ENDS = np.where(J % 2, LOW, HIGH)
ZERO = np.zeros(MANY, np.int32)
Column = NDArray[np.generic]

LONG: dict[str, tuple[Column, Column, Column, Column]] = {  # user, item, rating, time
    "one user, one item, alternating ends": (ZERO, ZERO, ENDS, J * 1000),
    "one user, one item, all at the high end": (ZERO, ZERO, np.full(MANY, HIGH), J * 1000),
    "one user of 50 items": (ZERO, FEW, STARS, J * 1000),
    "one user, alternating ends, five ratings an item": (ZERO, J // 5, ENDS, J * 1000),
    "one item of 100,000 users": (J // 10, ZERO, STARS, J),
    "all at 10^18": (J % 10, FEW, STARS, np.full(MANY, FAR)),
    "times that go backwards": (J % 10, FEW, STARS, FAR - J * 10**12),
    "times that leap to and fro": (J % 10, FEW, STARS, np.where(J % 2, FAR, -FAR)),
    "all low for half a million ratings, then anything": (
        J % 10,
        FEW,
        np.where(J < MANY // 2, LOW, STARS),
        J,
    ),
    "the middle a million times, then the ends": (J % 10, J % 7, np.where(J < MANY - 100, 2.75, ENDS), J),
    "two camps": (J % 2, J // 2 % 2, np.where(J % 2 == J // 2 % 2, LOW, HIGH), J),
}


def _assert_sound(model: Model, predictions: NDArray[np.float64]) -> None:
    assert np.all((predictions >= LOW) & (predictions <= HIGH))
    users = model.users.rows.state[: len(model.users)]
    items = model.items.rows.state[: len(model.items)]
    weights = model.globals.rule[0]
    bounds: dict[str, tuple[NDArray[Any], Any]] = {
        "C": (users["C"][:, DIAGONAL], [PRIOR.v_bu0 * np.exp(2.0), PRIOR.v_a0, PRIOR.v_s0, PRIOR.v_f0]),
        "v_p": (users["v_p"], PRIOR.v_p0),
        "v_b": (items["v_b"], PRIOR.v_bi0),
        "v_q": (items["v_q"], PRIOR.v_q0),
        "R": (weights["R"], PRIOR.r0),
    }
    for name, (variances, most) in bounds.items():
        assert np.all(variances > 0), name
        assert np.all(variances <= np.asarray(most) * ROUNDED), name
    assert np.all(users["nu"] > 0)
    covariance = np.zeros((len(users), 4, 4))
    rows, columns = np.triu_indices(4)
    covariance[:, rows, columns] = covariance[:, columns, rows] = users["C"]
    assert np.linalg.eigvalsh(covariance).min() > -1e-6  # still a covariance, but for float32
    kept = [users[name] for name in ("b", "a", "s", "f", "nu")] + [items["b"], weights["W"], weights["m"]]
    kept += [table.rows.factors[: len(table)] for table in (model.users, model.items)]
    kept += [table.rows.header["bias_sum"][: len(table)] for table in (model.users, model.items)]
    kept += [model.shared[name] for name in ("n", "mean", "m2", "squared_error")]
    assert all(np.isfinite(values).all() for values in kept)
    assert model.shared["refused"] == 0


@given(streams())
def test_no_stream_leads_out_of_the_range_nor_a_variance_out_of_its_bounds(events: list[Event]) -> None:
    model = new_model()
    rated = [event.what == RATING for event in events]
    _assert_sound(model, learn(model, events).model[rated])


@pytest.mark.parametrize("stream", LONG)
def test_a_million_ratings_lead_nowhere_either(stream: str) -> None:
    user, item, rating, time_ms = LONG[stream]
    model = new_model()
    for table, numbers in ((model.users, user), (model.items, item)):
        table.start(table.numbers([str(j) for j in range(int(numbers.max()) + 1)]))
    outcome: Outcome = model.learn(batch_of(user, item, rating, time_ms))
    _assert_sound(model, outcome.model)


def _look_up_all(model: Model) -> None:
    """Every lookup that a rule has, for every pair, at times before and after."""
    rule, parts = model.rule, np.empty(len(model.rule.part_names))
    users, items = model.users.rows, model.items.rows
    scores = np.empty(len(model.items))
    for at in (-FAR, 0, FAR):
        for u in range(len(model.users)):
            rule.score_items(users, u, items, model.globals, rule.hyper, at, scores)
            for i in range(len(model.items)):
                rule.parts(users, u, items, i, model.globals, rule.hyper, at, parts)


def _pause(_model: Model) -> None:
    return


@given(streams())
@settings(max_examples=30)
def test_predicting_changes_nothing(events: list[Event]) -> None:
    half = len(events) // 2

    def learned(between: Callable[[Model], None]) -> tuple[dict[str, bytes], NDArray[np.float64]]:
        model = new_model()
        learn(model, events[:half])
        between(model)
        outcome = learn(model, events[half:])
        return stored(model), outcome.model[[event.what == RATING for event in events[half:]]]

    rows, predictions = learned(_look_up_all)
    expected_rows, expected = learned(_pause)
    assert rows == expected_rows
    assert_array_equal(predictions, expected)
