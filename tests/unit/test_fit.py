"""A model from ratings that are all there: epochs and their loss, early stopping, and one pass."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from lfm_online.fit.frozen import predict_frozen, rmse_of
from lfm_online.fit.train import Epoch, FitError, Schedule, fit_ratings, held_out, started
from lfm_online.model import Model
from lfm_online.rating_range import NoRatingsError
from lfm_online.ratings_file import RatingsTable
from lfm_online.rules.registry import make_rule
from tests.naive import Sgd
from tests.streams import HIGH, LOW, stored

SGD: list[dict[str, Any]] = [
    {},
    {"link": "sigmoid_range", "margin": 0.5, "step_factors": 0.1},
    {"biases": 0.0, "step_factors": 0.1, "regularisation_factors": 0.2},
    {"regularisation_bias": 0.3, "step_bias": 0.05},
]


def table(n: int, seed: int = 3) -> RatingsTable:
    """Ratings of few users and items, by tastes that can be learned, in no order of time."""
    random = np.random.default_rng(seed)
    users, items = random.integers(20, size=n), random.integers(15, size=n)
    taste, kind = random.normal(size=(20, 2)), random.normal(size=(15, 2))
    ratings = np.clip(np.rint(2 * (2.75 + np.sum(taste[users] * kind[items], axis=1))) / 2, LOW, HIGH)
    return RatingsTable(
        [f"u{user}" for user in users],
        [f"i{item}" for item in items],
        ratings,
        random.integers(10**12, 2 * 10**12, size=n),
    )


def new(rule: str, n: int = 400, factors: int = 5, **options: Any) -> tuple[Model, Any]:
    return started(table(n), make_rule(rule, LOW, HIGH, 1, **options), factors)


@pytest.mark.parametrize("options", SGD)
def test_epochs_teach_what_the_twin_learns_in_the_same_order_with_the_same_loss(
    options: dict[str, Any],
) -> None:
    model, batch = new("sgd", **options)
    twin = Sgd(LOW, HIGH, 1, 5, **options)
    for r in batch.rating.tolist():
        twin.learned.append(r)
    mean, _ = twin.level()
    told: list[Epoch] = []
    fitted = fit_ratings(model, batch, Schedule(3, seed=7), on_epoch=told.append)
    assert [epoch.epoch for epoch in told] == [1, 2, 3] == [epoch.epoch for epoch in fitted.epochs]
    ids = [(model.users.ids[u], model.items.ids[i]) for u, i in zip(batch.user, batch.item, strict=True)]
    events = [(*pair, rating) for pair, rating in zip(ids, batch.rating.tolist(), strict=True)]
    random = np.random.default_rng(7)
    for epoch in told:
        for place in random.permutation(len(events)):
            user, item, rating = events[place]
            twin.descend(twin.row("user", user), twin.row("item", item), rating, mean)
        *parts, squares = twin.losses(events, mean) / len(events)
        assert epoch.loss is not None
        assert_allclose(epoch.loss, parts, rtol=1e-4)
        assert_allclose(epoch.rmse, np.sqrt(squares), rtol=1e-4)
    for kept, rows in ((model.users, twin.users), (model.items, twin.items)):
        for row_id, row in rows.items():
            number = kept.number(row_id)
            assert_allclose(kept.rows.factors[number], row.terms["factors"], rtol=1e-3, atol=1e-4)
            assert_allclose(kept.rows.state["b"][number], row.terms["b"], rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("options", SGD)
def test_a_step_goes_down_the_slope_of_the_loss(options: dict[str, Any]) -> None:
    twin = Sgd(LOW, HIGH, 1, 3, **options)
    rating = [("u", "i", 4.5)]
    u, i = twin.row("user", "u"), twin.row("item", "i")
    if twin.has_biases:
        u.terms["b"], i.terms["b"] = 0.3, -0.2
    before = {id(row): {name: np.copy(value) for name, value in row.terms.items()} for row in (u, i)}
    slopes = []
    for row in (u, i):
        for name in ("b", "factors") if twin.has_biases else ("factors",):
            for place in range(np.size(row.terms[name])):
                change = np.zeros(np.size(row.terms[name]))
                change[place] = 1e-6
                losses = []
                for sign in (1, -1):
                    moved = before[id(row)][name] + sign * change.reshape(np.shape(row.terms[name]))
                    row.terms[name] = moved if moved.ndim else float(moved)
                    losses.append(twin.losses(rating, 3.0)[:3].sum())
                row.terms[name] = before[id(row)][name]
                slopes.append((row, name, place, (losses[0] - losses[1]) / 2e-6))
    twin.descend(u, i, 4.5, 3.0)
    for row, name, place, slope in slopes:
        step = twin.steps["step_bias" if name == "b" else "step_factors"]
        moved = np.ravel(row.terms[name])[place] - np.ravel(before[id(row)][name])[place]
        assert_allclose(moved, -step * slope / 2, rtol=1e-5, atol=1e-9)


@pytest.mark.parametrize("rule", ["adaptive", "sgd"])
def test_counts_and_baselines_are_those_of_the_stream_and_the_ledger_counts_nothing(rule: str) -> None:
    model, batch = new(rule)
    streamed, _ = new(rule)
    streamed.learn(batch)
    fit_ratings(model, batch, Schedule(1 if rule == "adaptive" else 4))
    for ours, theirs in ((model.users, streamed.users), (model.items, streamed.items)):
        for name in ("ratings", "time_ms", "bias_sum"):
            assert_array_equal(ours.rows.header[name], theirs.rows.header[name])
        assert not ours.rows.header["events"].any()
        assert not ours.rows.header["digest"].any()
        if rule == "adaptive":
            assert_array_equal(ours.rows.state, theirs.rows.state)
            assert_array_equal(ours.rows.factors, theirs.rows.factors)
    streamed.shared["events"] = 0
    assert model.globals_bytes() == streamed.globals_bytes()


def test_the_same_seed_gives_the_same_bytes_and_another_seed_another_order() -> None:
    fits = []
    for seed in (1, 1, 2):
        model, batch = new("sgd", step_factors=0.1)
        fit_ratings(model, batch, Schedule(3, seed=seed))
        fits.append(stored(model))
    assert fits[0] == fits[1] != fits[2]


def test_the_epoch_that_predicts_the_ratings_held_out_best_is_the_one_that_is_kept() -> None:
    options: dict[str, Any] = {"step_bias": 0.1, "step_factors": 0.1}
    model, batch = new("sgd", **options)
    train, test = held_out(batch, 0.25, 1)
    fitted = fit_ratings(model, train, Schedule(200, patience=4), test=test)
    errors = [epoch.rmse_held_out or 0.0 for epoch in fitted.epochs]
    assert fitted.best == int(np.argmin(errors)) + 1 > 1
    assert len(errors) == fitted.best + 4 < 200
    assert_allclose(rmse_of(test.rating, predict_frozen(model, test)), errors[fitted.best - 1], rtol=1e-6)
    again, batch = new("sgd", **options)
    fit_ratings(again, held_out(batch, 0.25, 1)[0], Schedule(fitted.best))
    assert stored(model) == stored(again)


def test_decay_divides_the_steps_of_later_epochs() -> None:
    slow, batch = new("sgd")
    fit_ratings(slow, batch, Schedule(2, decay=1e12))
    once, _ = new("sgd")
    fit_ratings(once, batch, Schedule(1))
    assert_allclose(slow.users.rows.factors, once.users.rows.factors, rtol=1e-5)
    assert_allclose(slow.users.rows.state["b"], once.users.rows.state["b"], rtol=1e-5)


def test_ratings_held_out_are_drawn_once_and_both_parts_stay_in_the_order_of_time() -> None:
    _, batch = new("sgd")
    train, test = held_out(batch, 0.1, 5)
    assert (len(train.user), len(test.user)) == (360, 40)
    for part in (train, test):
        assert (np.diff(part.time_ms) >= 0).all()
    assert sorted([*train.time_ms, *test.time_ms]) == batch.time_ms.tolist()


def test_a_rating_outside_the_range_is_left_out() -> None:
    ratings = table(50)
    ratings.ratings[7] = 9.0
    model, batch = started(ratings, make_rule("sgd", LOW, HIGH, 1), 2)
    assert len(batch.user) == 49
    assert fit_ratings(model, batch, Schedule(1)).refused == 0


def test_what_cannot_be_fitted_is_refused_with_the_flag_to_change() -> None:
    model, batch = new("adaptive")
    with pytest.raises(FitError, match=r"2 epochs \(--epochs\); allowed: 1, .* would count twice"):
        fit_ratings(model, batch, Schedule(2))
    model, batch = new("sgd", step_factors=1e12)
    with pytest.raises(FitError, match=r"of epoch 1 were not finite: .*--sgd-step-factors"):
        fit_ratings(model, batch, Schedule(2))
    with pytest.raises(FitError, match=r"400 ratings are too few to hold 0\.001 of them out \(--hold-out\)"):
        held_out(batch, 0.001, 1)
    with pytest.raises(NoRatingsError, match=r"none of the 10 ratings \(.*\) lies in 8,9 \(--range\)"):
        started(table(10), make_rule("sgd", 8, 9, 1), 2)
