"""The adaptive rule has no scale of its own."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose

from lfm_online.model import Model
from lfm_online.rules.registry import make_rule
from tests.streams import HIGH, LOW, learn, made_stream, new_model

EVENTS = made_stream(11, 300, others=0)


@pytest.mark.parametrize(("times", "plus"), [(1e4, 0.0), (0.4, -1.2), (1.0, 1000.0)])
def test_ratings_on_another_scale_are_predicted_alike(times: float, plus: float) -> None:
    expected = learn(new_model(), EVENTS).model
    scaled = Model(make_rule("adaptive", LOW * times + plus, HIGH * times + plus, 1), 8)
    outcome = learn(scaled, [event._replace(rating=event.rating * times + plus) for event in EVENTS])
    assert_allclose((outcome.model - plus) / times, expected, rtol=1e-4)


def test_times_in_another_unit_are_the_same_clock() -> None:
    expected = learn(new_model(), EVENTS).model
    slower = [event._replace(time_ms=1000 * event.time_ms) for event in EVENTS]
    assert_allclose(learn(new_model(), slower).model, expected, rtol=1e-4)
    stopped = [event._replace(time_ms=0) for event in EVENTS]
    assert not np.allclose(learn(new_model(), stopped).model, expected, rtol=1e-4)
