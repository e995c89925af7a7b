"""Splits, and what is predicted of their test parts."""

from __future__ import annotations

import numpy as np
import pytest

from lfm_online.evaluate.held_out import hold_out, predict_frozen
from lfm_online.evaluate.prequential import learn, new_model
from lfm_online.evaluate.split import Split, SplitError, SplitPlan
from lfm_online.evaluate.stream import Stream, stream_of
from lfm_online.ratings_file import RatingsTable
from lfm_online.rules.registry import make_rule
from lfm_online.rules.rule import Rule
from tests.naive import Adaptive, Sgd, Twin
from tests.streams import HIGH, LOW, made_stream, stored

EVENTS = sorted(made_stream(12, 203, others=0), key=lambda event: event.time_ms)
N = len(EVENTS)


def made() -> Stream:
    table = RatingsTable(
        [event.user for event in EVENTS],
        [event.item for event in EVENTS],
        np.array([event.rating for event in EVENTS]),
        np.array([event.time_ms for event in EVENTS]),
    )
    return stream_of(table, LOW, HIGH)


STREAM = made()


def rule_and_twin(name: str) -> tuple[Rule, Twin]:
    twin: Twin = Adaptive(LOW, HIGH, 1, 4) if name == "adaptive" else Sgd(LOW, HIGH, 1, 4)
    return make_rule(name, LOW, HIGH, 1), twin


@pytest.mark.parametrize("text", ["time:0.8", "random:0.8", "random:0.95", "cv:2", "cv:5"])
def test_a_splits_sides_are_disjoint_and_make_up_the_stream(text: str) -> None:
    plan = SplitPlan.parse(text)
    assert str(plan) == text
    for train, test in plan.splits(N, 3):
        assert sorted([*train.tolist(), *test.tolist()]) == list(range(N))


@pytest.mark.parametrize("folds", [2, 5, 7, N])
def test_the_folds_of_cross_validation_test_each_rating_once(folds: int) -> None:
    splits = SplitPlan.parse(f"cv:{folds}").splits(N, 3)
    assert len(splits) == folds
    assert sorted(place for split in splits for place in split.test.tolist()) == list(range(N))


def test_a_split_by_time_tests_what_came_last() -> None:
    ((train, test),) = SplitPlan.parse("time:0.8").splits(N, 3)
    assert train.tolist() == list(range(162))
    assert test.tolist() == list(range(162, N))


@pytest.mark.parametrize("text", ["random:0.8", "cv:5"])
def test_a_drawn_split_follows_from_its_seed(text: str) -> None:
    plan = SplitPlan.parse(text)

    def tests(seed: int) -> list[list[int]]:
        return [split.test.tolist() for split in plan.splits(N, seed)]

    assert tests(3) == tests(3)
    assert tests(3) != tests(4)


@pytest.mark.parametrize(
    "text", ["time", "time:0", "time:1", "cv:1", "cv:2.5", "cv:inf", "random:nan", "half:0.5", ""]
)
def test_a_split_that_does_not_exist_is_refused_with_what_is_allowed(text: str) -> None:
    with pytest.raises(SplitError, match="allowed: time:FRACTION"):
        SplitPlan.parse(text)


@pytest.mark.parametrize(("text", "n"), [("cv:5", 4), ("time:0.01", 10), ("random:0.99", 10)])
def test_a_split_with_an_empty_side_is_refused(text: str, n: int) -> None:
    with pytest.raises(SplitError, match=f"{n} ratings are too few"):
        SplitPlan.parse(text).splits(n, 1)


@pytest.mark.parametrize("name", ["adaptive", "sgd"])
def test_frozen_predictions_change_no_byte(name: str) -> None:
    rule, _ = rule_and_twin(name)
    model = new_model(rule, 4, STREAM)
    learn(model, STREAM.part(slice(0, 150)))
    before = stored(model)
    predict_frozen(model, STREAM.part(slice(150, None)))
    assert stored(model) == before


@pytest.mark.parametrize("name", ["adaptive", "sgd"])
def test_a_frozen_prediction_is_the_first_that_learning_would_make(name: str) -> None:
    rule, _ = rule_and_twin(name)
    model = new_model(rule, 4, STREAM)
    learn(model, STREAM.part(slice(0, 150)))
    frozen = predict_frozen(model, STREAM.part(slice(150, None)))
    for place in range(150, N, 7):
        fresh = new_model(rule, 4, STREAM)
        learn(fresh, STREAM.part(slice(0, 150)))
        one = learn(fresh, STREAM.part(slice(place, place + 1))).outcome
        for column in ("model", "mean", "bias", "deviation", "bands"):
            np.testing.assert_allclose(
                getattr(frozen, column)[place - 150], getattr(one, column)[0], rtol=1e-5, err_msg=column
            )


@pytest.mark.parametrize("name", ["adaptive", "sgd"])
@pytest.mark.parametrize("text", ["time:0.8", "cv:3"])
def test_learning_on_equals_the_twins_one_pass_over_train_then_test(name: str, text: str) -> None:
    splits = SplitPlan.parse(text).splits(N, 3)
    rule, _ = rule_and_twin(name)
    done: list[int] = []
    held = hold_out(STREAM, splits, rule, 4, done.append)
    expected = []
    for train, test in splits:
        _, twin = rule_and_twin(name)
        for place in [*train.tolist(), *test.tolist()]:
            e = EVENTS[place]
            guesses = twin.rate(e.user, e.item, e.rating, e.time_ms, 0)
            if place in set(test.tolist()):
                expected.append(guesses)
    kept = held.kept_learning
    np.testing.assert_allclose(np.column_stack([kept.model, kept.mean, kept.bias]), expected, rtol=2e-4)
    assert held.train == sum(len(split.train) for split in splits)
    assert done[-1] == len(held.frozen) == len(expected)


def test_counts_of_a_test_part_go_on_from_the_training() -> None:
    split = Split(np.arange(100), np.arange(100, N))
    held = hold_out(STREAM, [split], make_rule("adaptive", LOW, HIGH, 1), 4)
    users = STREAM.user.tolist()
    assert held.kept_learning.user_ratings.tolist() == [users[:j].count(users[j]) for j in range(100, N)]
    assert held.frozen.user_ratings.tolist() == [users[:100].count(users[j]) for j in range(100, N)]
