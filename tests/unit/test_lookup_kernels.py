"""The rules' lookups against what ``learn`` predicts for the same event."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose

from lfm_online.batch import RATING
from lfm_online.model import Model
from lfm_online.ranking.scores import next_scores
from lfm_online.rows import Table
from tests.naive import Adaptive
from tests.streams import HIGH, LOW, Event, learn, learn_slowly, made_stream, new_model, stored

CASES: list[tuple[str, dict[str, Any]]] = [
    ("adaptive", {}),
    ("sgd", {}),
    ("sgd", {"link": "sigmoid_range", "step_factors": 0.3}),
    ("sgd", {"link": "sigmoid_range", "step_factors": 0.3, "margin": 0.5, "biases": 0.0}),
]


def number(table: Table, row_id: str) -> int:
    found = table.number(row_id)
    assert found is not None
    return found


def _parts(model: Model, event: Event) -> tuple[Any, float]:
    rule = model.rule
    parts = np.full(len(rule.part_names), np.nan)
    u, i = number(model.users, event.user), number(model.items, event.item)
    deviation = rule.parts(
        model.users.rows, u, model.items.rows, i, model.globals, rule.hyper, event.time_ms, parts
    )
    return parts, deviation


def _scores(model: Model, event: Event) -> Any:
    rule = model.rule
    scores = np.full(len(model.items), np.nan)
    u = number(model.users, event.user)
    rule.score_items(model.users.rows, u, model.items.rows, model.globals, rule.hyper, event.time_ms, scores)
    return scores


@pytest.mark.parametrize("factors", [1, 8, 33])
@pytest.mark.parametrize(("rule", "options"), CASES)
def test_parts_sum_to_the_score_and_the_score_to_the_prediction_before_learning(
    rule: str, options: dict[str, Any], factors: int
) -> None:
    model = new_model(rule, factors, **options)
    events = made_stream(2, 200)
    known = [Event(RATING, e.user, e.item, 3.0, 0, 0) for e in events]
    model.users.start(model.users.numbers([e.user for e in known]))
    model.items.start(model.items.numbers([e.item for e in known]))
    for event in events:
        if event.what == RATING:
            parts, _ = _parts(model, event)
            score = _scores(model, event)[number(model.items, event.item)]
            predicted = learn(model, [event]).model[0]
            assert_allclose(parts.sum(), score, rtol=1e-6)
            assert_allclose(model.rule.rating_of(score), predicted, rtol=1e-6)
        else:
            learn(model, [event])


@pytest.mark.parametrize(("rule", "options"), CASES)
def test_what_is_taken_next_weighs_the_predicted_rating_in_deviations_from_the_running_mean(
    rule: str, options: dict[str, Any]
) -> None:
    model = new_model(rule, ranking=True, **options)
    rated = made_stream(4, 150, others=0)
    learn(model, rated)
    ratings = np.array([*(event.rating for event in rated), *10 * [(LOW + HIGH) / 2]])
    c0 = ratings.mean()
    squares = ((ratings[:-10] - ratings[:-10].mean()) ** 2).sum() + 10 * ((HIGH - LOW) / 4) ** 2
    sd = np.sqrt(squares / len(ratings))
    found = next_scores(model, model.users, 0, rated[-1].time_ms)
    predicted = [model.rule.rating_of(score) for score in found.rating]
    assert all(LOW < rating < HIGH for rating in predicted)
    assert_allclose(c0 + sd * found.z, predicted, rtol=1e-9)


@pytest.mark.parametrize(("rule", "options"), CASES)
def test_a_lookup_leaves_no_trace_in_rows_and_globals(rule: str, options: dict[str, Any]) -> None:
    model = new_model(rule, **options)
    events = [event for event in made_stream(3, 100) if event.what == RATING]
    learn(model, events)
    before = stored(model)
    for event in events:
        later = event._replace(time_ms=event.time_ms + 10**10)
        _parts(model, later)
        _scores(model, later)
    assert stored(model) == before


def test_the_adaptive_deviation_is_that_of_the_innovation() -> None:
    model, twin = new_model("adaptive"), Adaptive(LOW, HIGH, 1, 8)
    events = made_stream(5, 150, others=0)
    model.users.start(model.users.numbers(sorted({event.user for event in events})))
    model.items.start(model.items.numbers(sorted({event.item for event in events})))
    for event in events:
        _, deviation = _parts(model, event)
        learn(model, [event])
        learn_slowly(twin, [event])
        assert_allclose(deviation, twin.deviation, rtol=1e-4)


def test_the_sgd_deviation_is_the_recent_rmse_and_the_ranges_prior_before_the_first_rating() -> None:
    model = new_model("sgd")
    event = Event(RATING, "a", "x", 4.0, 0, 0)
    model.users.start(model.users.numbers(["a"]))
    model.items.start(model.items.numbers(["x"]))
    assert_allclose(_parts(model, event)[1], (HIGH - LOW) / 4)
    outcome = learn(model, [event])
    assert_allclose(_parts(model, event)[1], abs(4.0 - outcome.model[0]))


def test_the_adaptive_prediction_forgets_the_fast_bias_as_time_goes_by() -> None:
    model = new_model("adaptive")
    day = 86_400_000
    learn(model, [Event(RATING, "a", f"x{j % 3}", 5.0 if j > 20 else 2.5, j * day, 0) for j in range(30)])
    place = model.rule.part_names.index("fast_user_bias")
    soon, late = (
        abs(_parts(model, Event(RATING, "a", "x0", 0, t, 0))[0][place]) for t in (30 * day, 3000 * day)
    )
    assert soon > 0.01
    assert late < soon / 100
