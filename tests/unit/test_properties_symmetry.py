"""What the adaptive rule does not look at: the ratings' scale, the unit of time, and names."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from lfm_online.model import Model
from lfm_online.rules.registry import make_rule
from tests.odd_streams import streams
from tests.streams import HIGH, LOW, Event, learn, made_stream, new_model

EVENTS = made_stream(11, 300, others=0)
NAMES = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=40)
# What float32 rows round, grown over some hundred events, in shares of the range.
NEAR: dict[str, Any] = {"rtol": 0, "atol": 1e-3 * (HIGH - LOW)}


def _mapped(events: list[Event], times: float, plus: float) -> list[Event]:
    """The ratings on another scale; the ends of the range become the ends of the other."""
    low, high = sorted((LOW * times + plus, HIGH * times + plus))
    return [e._replace(rating=float(np.clip(e.rating * times + plus, low, high))) for e in events]


@given(
    streams(others=False),
    st.floats(1e-6, 1e6) | st.floats(-1e6, -1e-6),
    st.floats(-1e3, 1e3),
)
@example(EVENTS, 1e4, 0.0)
@example(EVENTS, 0.4, -3.0)
@example(EVENTS, -1.0, 5.5)
def test_an_affine_map_of_ratings_and_range_maps_predictions_likewise(
    events: list[Event], times: float, shift: float
) -> None:
    plus = shift * abs(times)
    low, high = sorted((LOW * times + plus, HIGH * times + plus))
    scaled = Model(make_rule("adaptive", low, high, 1), 8)
    outcome = learn(scaled, _mapped(events[:300], times, plus))
    expected = learn(new_model(), events[:300])
    for guesses, others in ((outcome.model, expected.model), (outcome.bias, expected.bias)):
        assert_allclose((guesses - plus) / times, others, **NEAR)


@given(streams(others=False, times=st.integers(0, 10**12)))
@example(EVENTS)
def test_times_in_seconds_and_in_milliseconds_are_the_same_clock(events: list[Event]) -> None:
    expected = learn(new_model(), events[:300]).model
    slower = [event._replace(time_ms=1000 * event.time_ms) for event in events[:300]]
    assert_allclose(learn(new_model(), slower).model, expected, **NEAR)


def test_a_clock_that_stands_still_is_another_clock() -> None:
    stopped = [event._replace(time_ms=0) for event in EVENTS]
    assert not np.allclose(learn(new_model(), stopped).model, learn(new_model(), EVENTS).model, **NEAR)


@given(st.lists(NAMES, min_size=7, max_size=7, unique=True))
def test_users_may_have_any_names(names: list[str]) -> None:
    renamed = [e._replace(user=names[int(e.user.removeprefix("user-"))]) for e in EVENTS]
    assert_array_equal(learn(new_model(), renamed).model, learn(new_model(), EVENTS).model)


@given(st.lists(NAMES, min_size=5, max_size=5, unique=True))
def test_without_factors_items_may_have_any_names(names: list[str]) -> None:
    renamed = [e._replace(item=names[int(e.item.removeprefix("item-"))]) for e in EVENTS]
    expected = learn(new_model(factors=0), EVENTS).model
    assert_array_equal(learn(new_model(factors=0), renamed).model, expected)


@given(st.integers(0, 2**32), st.sampled_from(["rotation", "reflection"]))
@settings(max_examples=30)
def test_only_the_angles_between_the_factors_that_items_start_with_matter(seed: int, what: str) -> None:
    """So an item's name decides where its factors start, and nothing else; their axes mean nothing."""
    turn = np.linalg.qr(np.random.default_rng(seed).normal(size=(8, 8)))[0]
    if (np.linalg.det(turn) > 0) != (what == "rotation"):
        turn[0] *= -1
    models = [new_model(), new_model()]
    for model in models:
        model.items.start(model.items.numbers([f"item-{j}" for j in range(5)]))
    turned = models[1].items.rows.factors
    turned[:5] = turned[:5] @ turn.T
    expected, outcome = (learn(model, EVENTS).model for model in models)
    assert_allclose(outcome, expected, **NEAR)


@pytest.mark.parametrize("prefix", ["", "movie ", "ζ"])
def test_items_by_other_names_are_predicted_as_well_on_the_whole(prefix: str) -> None:
    """Another name is another draw of the start, as another seed is: about as good in all."""
    events = made_stream(5, 4000, users=60, items=40, others=0)
    ratings = np.array([event.rating for event in events])

    def rmse(model: Model, stream: list[Event]) -> float:
        return float(np.sqrt(np.mean((learn(model, stream).model - ratings) ** 2)))

    by_seed = [rmse(new_model(seed=seed), events) for seed in range(12)]
    renamed = rmse(new_model(), [e._replace(item=f"{prefix}{e.item[::-1]}") for e in events])
    assert abs(renamed - np.mean(by_seed)) < 5 * np.std(by_seed)
