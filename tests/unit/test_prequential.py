"""Prequential evaluation."""

from __future__ import annotations

import numpy as np
import pytest

from lfm_online.evaluate.prequential import evaluate
from lfm_online.evaluate.stream import stream_of
from lfm_online.ratings_file import RatingsTable
from lfm_online.rules.registry import make_rule
from tests.naive import Adaptive, Sgd, Twin
from tests.streams import HIGH, LOW, made_stream

EVENTS = made_stream(9, 301, others=0)


def _table() -> RatingsTable:
    return RatingsTable(
        [event.user for event in EVENTS],
        [event.item for event in EVENTS],
        np.array([event.rating for event in EVENTS]),
        np.array([event.time_ms for event in EVENTS]),
    )


@pytest.mark.parametrize("rule", ["adaptive", "sgd"])
def test_errors_are_those_of_predicting_each_rating_before_learning_it_in_order_of_time(rule: str) -> None:
    twin: Twin = Adaptive(LOW, HIGH, 1, 4) if rule == "adaptive" else Sgd(LOW, HIGH, 1, 4)
    ordered = sorted(EVENTS, key=lambda event: event.time_ms)  # stable
    errors = np.array([twin.rate(e.user, e.item, e.rating, e.time_ms, 0) - e.rating for e in ordered])
    done: list[int] = []
    result = evaluate(stream_of(_table(), LOW, HIGH), make_rule(rule, LOW, HIGH, 1), 4, done.append)
    for column, scores in zip(errors.T, (result.model, result.mean, result.bias), strict=True):
        for part, shown in ((column, scores.whole), (column[150:], scores.last_half)):
            np.testing.assert_allclose(shown.rmse, np.sqrt((part**2).mean()), rtol=1e-5)
            np.testing.assert_allclose(shown.mae, np.abs(part).mean(), rtol=1e-5)
    assert (result.events, result.refused, done[-1]) == (301, 0, 301)
    assert result.events_per_second > 0


def test_ratings_outside_the_range_are_counted_and_change_nothing() -> None:
    table = _table()
    wild = RatingsTable(
        [*table.users, *table.users],
        [*table.items, *table.items],
        np.concatenate([table.ratings, table.ratings * 1000]),
        np.concatenate([table.times_ms, table.times_ms]),
    )
    rule = make_rule("adaptive", LOW, HIGH, 1)
    calm, noisy = (evaluate(stream_of(ratings, LOW, HIGH), rule, 4) for ratings in (table, wild))
    assert (noisy.events, noisy.refused) == (301, 301)
    assert (noisy.model, noisy.mean, noisy.bias) == (calm.model, calm.mean, calm.bias)


def test_updates_that_are_not_finite_are_counted_as_refused() -> None:
    stream = stream_of(_table(), LOW, HIGH)
    result = evaluate(stream, make_rule("sgd", LOW, HIGH, 1, step_bias=1e3, step_factors=1e3), 4)
    assert result.refused > 0
    assert result.events + result.refused == 301
    assert np.isfinite(result.model.whole.rmse)


def test_a_file_without_a_rating_in_the_range_is_an_error_that_names_the_range() -> None:
    with pytest.raises(ValueError, match=r"none of the 301 ratings \(0\.5 to 5\) lies in 10,20 \(--range\)"):
        stream_of(_table(), 10, 20)


def test_counts_before_each_rating_are_those_of_the_rows() -> None:
    stream = stream_of(_table(), LOW, HIGH)
    record = evaluate(stream, make_rule("adaptive", LOW, HIGH, 1), 4).record
    for counts, numbers in ((record.user_ratings, stream.user), (record.item_ratings, stream.item)):
        seen = numbers.tolist()
        assert counts.tolist() == [seen[:place].count(number) for place, number in enumerate(seen)]


def test_items_are_numbered_by_their_first_ratings_so_that_those_known_come_first() -> None:
    stream = stream_of(_table(), LOW, HIGH)
    for numbers in (stream.user, stream.item):
        known = np.maximum.accumulate(np.concatenate([[-1], numbers]))
        assert np.all(numbers <= known[:-1] + 1)
    assert np.all(np.diff(stream.time_ms) >= 0)
