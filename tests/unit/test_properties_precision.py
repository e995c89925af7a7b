"""How far float32 rows drift from float64 over a long stream."""

from __future__ import annotations

import numpy as np
from numpy.testing import assert_allclose

from tests.naive import Adaptive
from tests.streams import HIGH, LOW, Event, learn, new_model

MANY = 100_000
TOLERANCE = 1e-5
"""Of a prediction, in rating units, and of every factor and bias: ten times what was seen."""


def _tasteful_stream(n: int, users: int = 900, items: int = 400) -> list[Event]:
    """Half stars of users whose tastes differ, the first items the most rated."""
    random = np.random.default_rng(3)
    taste, kind = random.normal(size=(users, 2)), random.normal(size=(items, 2))
    generous, liked = random.normal(size=users) / 2, random.normal(size=items) / 2
    user, item = random.integers(users, size=n), (items * random.random(n) ** 2).astype(int)
    z = (
        3.4
        + generous[user]
        + liked[item]
        + 0.4 * (taste[user] * kind[item]).sum(1)
        + 0.8 * random.normal(size=n)
    )
    rating = np.clip(np.rint(2 * z) / 2, LOW, HIGH)
    time_ms = 1_500_000_000_000 + np.cumsum(random.exponential(40_000, size=n)).astype(np.int64)
    return [
        Event(0, f"u{u}", f"i{i}", float(r), int(t), 0)
        for u, i, r, t in zip(user, item, rating, time_ms, strict=True)
    ]


def test_after_100_000_events_float32_rows_are_those_of_the_float64_twin() -> None:
    events = _tasteful_stream(MANY)
    model, twin = new_model(), Adaptive(LOW, HIGH, 1, 8)
    outcome = learn(model, events)
    guesses = [twin.rate(e.user, e.item, e.rating, e.time_ms, e.digest)[0] for e in events]
    assert_allclose(outcome.model, guesses, rtol=0, atol=TOLERANCE)
    for table, rows in ((model.users, twin.users), (model.items, twin.items)):
        factors = np.array([rows[row_id].terms["factors"] for row_id in table.ids])
        assert np.abs(factors).max() > 0.5  # there was something to round
        assert_allclose(table.rows.factors[: len(table)], factors, rtol=0, atol=TOLERANCE)
    biases = [twin.items[item].terms["b"] for item in model.items.ids]
    assert_allclose(model.items.rows.state["b"][: len(biases)], biases, rtol=0, atol=TOLERANCE)
