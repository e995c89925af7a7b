"""The rule without each of its parts: what is taken away is gone, and nothing else."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose

from lfm_online.compare.ablation import AVERAGES, COVARIANCE, INTERACTIONS, WEIGHTS, WITHOUT, ablate
from lfm_online.evaluate.measures import errors
from lfm_online.evaluate.prequential import learn, new_model
from lfm_online.rules.registry import make_rule
from tests.naive import Adaptive, Row
from tests.streams import HIGH, LOW, Event, learn_slowly, made_stream, rated_stream

EVENTS = made_stream(11, 400, others=0)
PARTS: dict[str, Any] = {
    "factors": lambda model: model.users.rows.factors,
    "fast bias": lambda model: model.users.rows.state["f"],
    "slope on the item's bias": lambda model: model.users.rows.state["a"],
    "slope on popularity": lambda model: model.users.rows.state["s"],
    "noise level": lambda model: model.users.rows.state["nu"][: len(model.users)] - 1.0,
}


@pytest.mark.parametrize("part", PARTS)
def test_a_part_that_is_taken_away_never_leaves_its_start(part: str) -> None:
    stream = rated_stream(EVENTS)
    rules = (make_rule("adaptive", LOW, HIGH, 1), make_rule("adaptive", LOW, HIGH, 1, **WITHOUT[part]))
    whole, without = (new_model(rule, 8, stream) for rule in rules)
    for model in (whole, without):
        learn(model, stream)
    assert np.abs(PARTS[part](whole)).max() > 1e-3
    assert np.abs(PARTS[part](without)).max() == 0.0


class WithoutCovariance(Adaptive):
    """The twin whose user's four terms are learned as if they were unrelated."""

    def predict_and_learn(self, u: Row, i: Row, r: float, time_ms: int) -> float:
        guess = super().predict_and_learn(u, i, r, time_ms)
        u.terms["C"] = np.diag(np.diag(u.terms["C"]))
        return guess


class WithoutWeights(Adaptive):
    """The twin whose weights are certain."""

    def predict_and_learn(self, u: Row, i: Row, r: float, time_ms: int) -> float:
        guess = super().predict_and_learn(u, i, r, time_ms)
        self.W = np.array([1] * 4 + [0] * 11, float)
        self.R = np.zeros(15)
        return guess


class WithoutAverages(Adaptive):
    """The twin without W9 and W10."""

    gone = slice(9, 11)

    def predict_and_learn(self, u: Row, i: Row, r: float, time_ms: int) -> float:
        self.W[self.gone] = self.R[self.gone] = 0.0
        return super().predict_and_learn(u, i, r, time_ms)


class WithoutInteractions(WithoutAverages):
    """The twin without W11 to W14."""

    gone = slice(11, 15)


@pytest.mark.parametrize(
    ("part", "twin"),
    [
        (COVARIANCE, WithoutCovariance),
        (WEIGHTS, WithoutWeights),
        (AVERAGES, WithoutAverages),
        (INTERACTIONS, WithoutInteractions),
    ],
)
def test_what_no_constant_takes_away_is_gone_as_in_the_twin(part: str, twin: type[Adaptive]) -> None:
    stream = rated_stream(EVENTS)
    slow = twin(LOW, HIGH, 1, 8)
    slow.R = np.zeros(15) if part == WEIGHTS else slow.R
    by_hand = errors(stream.rating, learn_slowly(slow, sorted_events(EVENTS))[:, 0])
    found = {row.part: row for row in ablate(stream, 8, 1)}
    assert_allclose(found[part].scores.whole, by_hand, rtol=1e-5)


def test_every_part_is_measured_once_and_tells_when_it_is_done() -> None:
    done: list[None] = []
    rows = ablate(rated_stream(EVENTS), 4, 1, lambda: done.append(None))
    assert [row.part for row in rows] == list(WITHOUT)
    assert len(done) == len(rows)
    assert len({row.scores.whole.rmse for row in rows}) == len(rows)


def sorted_events(events: list[Event]) -> list[Event]:
    return sorted(events, key=lambda event: event.time_ms)
