"""The stated deviation and bands, whatever the stream."""

from __future__ import annotations

import copy
import itertools
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from prometheus_client import CollectorRegistry

from lfm_online.batch import RATING, Outcome, batch_of
from lfm_online.layout import BANDS
from lfm_online.predict import predict
from lfm_online.replica import Replica
from lfm_online.rules.bands import BAND_FLOOR, DEVIATION_SHARE, NARROWEST, SHARES, STEP_PRIOR, WIDEST
from lfm_online.store.memory import MemoryServer, MemoryStore
from tests.made_checkpoints import batch, checkpoint
from tests.made_checkpoints import learn as learn_commit
from tests.made_model import learn_in_commits, random_ratings
from tests.streams import HIGH, LOW, Event, learn, made_stream, new_model
from worker.metrics import WorkerMetrics

RULES = ["adaptive", "sgd"]


def _events(users: Any, items: Any, ratings: Any, times: Any = None) -> list[Event]:
    times = range(0, 1000 * len(ratings), 1000) if times is None else times
    return [
        Event(RATING, f"u{user}", f"i{item}", float(rating), int(time), 0)
        for user, item, rating, time in zip(users, items, ratings, times, strict=True)
    ]


def _held(outcome: Outcome, ratings: Any) -> Any:
    """Whether each rating lay within each band."""
    return np.abs(np.asarray(ratings) - outcome.model)[:, None] <= outcome.bands


@pytest.mark.parametrize("rule", RULES)
@given(
    st.lists(
        st.tuples(
            st.integers(0, 2),
            st.integers(0, 2),
            st.one_of(st.sampled_from([LOW, HIGH]), st.floats(LOW, HIGH)),
            st.integers(0, 2**53),
        ),
        min_size=1,
        max_size=200,
    )
)
def test_bands_are_finite_positive_and_one_within_the_other(rule: str, stream: Any) -> None:
    model = new_model(rule)
    outcome = learn(model, _events(*zip(*stream, strict=True)))
    assert np.isfinite(outcome.deviation).all()
    assert np.isfinite(outcome.bands).all()
    assert (outcome.bands >= 0).all()
    assert (np.diff(outcome.bands, axis=1) >= 0).all()
    assert (outcome.deviation >= 0).all()
    widths = model.shared["band"]
    assert (np.diff(widths) >= 0).all()
    assert widths[0] >= NARROWEST
    assert widths[-1] <= WIDEST


def _noise(kind: str, n: int) -> Any:
    random = np.random.default_rng(5)
    match kind:
        case "normal":
            return np.clip(random.normal(2.75, 0.6, n), LOW, HIGH)
        case "five stars":
            return random.choice([1, 2, 3, 4, 5], n, p=[0.05, 0.1, 0.2, 0.3, 0.35])
        case "one in twenty of another kind":
            return np.where(random.random(n) < 0.05, LOW, random.normal(4, 0.05, n))
        case "noise that grows tenfold":
            return np.clip(2.75 + random.uniform(-1, 1, n) * np.geomspace(0.2, 2, n), LOW, HIGH)
        case _:
            return np.tile([LOW, HIGH], n // 2)  # alternating ends


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize(
    "kind",
    ["normal", "five stars", "one in twenty of another kind", "noise that grows tenfold", "alternating ends"],
)
def test_bands_hold_their_share_of_the_last_half_whatever_the_distribution(rule: str, kind: str) -> None:
    n = 30_000
    random = np.random.default_rng(6)
    ratings = _noise(kind, n)
    outcome = learn(new_model(rule), _events(random.integers(0, 40, n), random.integers(0, 25, n), ratings))
    assert_allclose(_held(outcome, ratings)[n // 2 :].mean(axis=0), SHARES, atol=0.01)


@pytest.mark.parametrize("rule", RULES)
def test_the_share_held_is_off_by_no_more_than_the_widths_have_moved(rule: str) -> None:
    """Proposition 4.1 of Gibbs and Candes (2021), for steps on the logarithm that fall."""
    events = made_stream(21, 2500, others=0)
    model = new_model(rule)
    learn(model, events[:500])
    before = np.log(model.shared["band"].copy())
    outcome = learn(model, events[500:])
    steps = BAND_FLOOR + 1 / (np.arange(500, 2500) + STEP_PRIOR)
    off = _held(outcome, [event.rating for event in events[500:]]) - np.array(SHARES)
    moved = np.log(model.shared["band"]) - before
    # log(1 + x) is x up to x^2/2, and no step is larger than the first
    assert_allclose(steps @ off, -moved, atol=(steps**2).sum() / 2)


@pytest.mark.parametrize("rule", RULES)
def test_bands_that_closed_over_ratings_all_alike_open_again(rule: str) -> None:
    model, random = new_model(rule), np.random.default_rng(7)
    alike, wild = np.full(20_000, 3.0), random.uniform(LOW, HIGH, 30_000)

    def taught(ratings: Any) -> Outcome:
        n = len(ratings)
        return learn(model, _events(random.integers(0, 40, n), random.integers(0, 25, n), ratings))

    assert taught(alike).bands[-1, 2] < 0.1
    assert_allclose(_held(taught(wild), wild)[20_000:].mean(axis=0), SHARES, atol=0.02)


@pytest.mark.parametrize("rule", RULES)
def test_the_bands_of_a_new_model_are_those_of_a_normal_distribution(rule: str) -> None:
    outcome = learn(new_model(rule), _events([0], [0], [3.0]))
    assert_allclose(outcome.bands[0] / outcome.deviation[0], [0.67449, 1.28155, 1.64485], rtol=1e-4)
    shared = new_model(rule).shared
    inside = [math.erf(width / math.sqrt(2)) for width in (shared["deviation"], *shared["band"])]
    assert_allclose(inside, [DEVIATION_SHARE, *SHARES], rtol=1e-12)


@pytest.mark.parametrize("rule", RULES)
def test_a_lookup_states_what_learning_states_of_the_same_rating(rule: str) -> None:
    server = MemoryServer()
    learner = learn_in_commits(MemoryStore(server), random_ratings(700), rule=rule)
    replica = Replica(lambda: MemoryStore(server), "m", users=10)
    replica.follow(0)
    for user, item in itertools.product(learner.model.users.ids[:4], learner.model.items.ids[:4]):
        basis, (said,) = predict(replica, [(user, item)])
        model = copy.deepcopy(learner.model)
        pair = model.users.number(user), model.items.number(item)
        outcome = model.learn(batch_of([pair[0]], [pair[1]], [LOW], [basis.at_ms]))
        assert list(said.bands) == list(BANDS)
        assert_allclose(said.rating, outcome.model[0], rtol=1e-6)
        assert_allclose(said.deviation, outcome.deviation[0], rtol=1e-6)
        ends = outcome.model + np.array([-1, 1])[:, None] * outcome.bands[0]
        low, high = model.rule.hyper.low, model.rule.hyper.high
        assert_allclose([*said.bands.values()], np.clip(ends, low, high).T, rtol=1e-6)


def test_ratings_within_their_bands_are_counted_once_they_are_committed() -> None:
    worker, registry = checkpoint(MemoryServer()), CollectorRegistry()
    metrics = WorkerMetrics(registry, worker.model)
    random = np.random.default_rng(8)
    made = [(f"u{j % 7}", f"i{j % 5}", float(random.integers(1, 11)) / 2) for j in range(300)]
    made[10], made[20] = ("u1", "i1", 0), ("u1", "", 0)  # a retraction and a tombstone are in no band
    settled = learn_commit(worker, batch(0, 0, made))
    metrics.committed(settled)
    rated = np.array([rating > 0 for _, _, rating in made])
    expected = _held(settled.done.outcome, [rating for _, _, rating in made])[rated].sum(axis=0)
    counted = [registry.get_sample_value("lfm_band_ratings_total", {"band": band}) for band in BANDS]
    assert_array_equal(counted, expected)
    assert 0 < expected[0] < expected[2] < rated.sum()
