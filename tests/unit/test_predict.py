"""Lookups on a replica against what the raw rows of the store give, row by row."""

from __future__ import annotations

from typing import Any, NamedTuple

import msgspec
import numpy as np
import pytest
from numpy.testing import assert_allclose

from lfm_online.known import known_item, known_user, rated_by, reasons
from lfm_online.predict import predict
from lfm_online.recommend import recommend
from lfm_online.replica import Replica
from lfm_online.similar import UnknownIdError, similar, similarities
from lfm_online.store.memory import MemoryServer, MemoryStore
from lfm_online.top import best
from tests.acceptance import brute_force
from tests.made_model import ODD_ITEMS, ODD_USERS, Event, Learner, learn_in_commits, meta, random_ratings


class Made(NamedTuple):
    """A learned model in memory, and a replica of it."""

    server: MemoryServer
    replica: Replica
    learner: Learner

    def row(self, kind: Any, row_id: str) -> bytes | None:
        return self.server.rows[kind].get(row_id)

    def slow(self, user: str, item: str, at_ms: int | None = None) -> dict[str, Any]:
        """What the raw rows predict."""
        limits = brute_force.read_limits(self.server.meta or b"")
        g = brute_force.read_globals(self.server.globals or b"")
        u = brute_force.read_user(self.row("user", user), limits, g)
        i = brute_force.read_item(self.row("item", item), item, limits)
        return brute_force.predict(u, i, g, limits, g.newest_ms if at_ms is None else at_ms)


def make(n: int = 1500, **settings: Any) -> Made:
    server = MemoryServer()
    learner = learn_in_commits(MemoryStore(server), random_ratings(n), **settings)
    # Its clock stands still: however long the tests of this file take, it is as fresh as when it followed.
    replica = Replica(lambda: MemoryStore(server), "m", users=10, clock=lambda: 0.0)
    replica.follow(0)
    return Made(server, replica, learner)


@pytest.fixture(scope="module")
def made() -> Made:
    return make()


PAIRS = [*zip(ODD_USERS, ODD_ITEMS, strict=True), ("nobody", "i1"), ("u1", "nothing"), ("nobody", "nothing")]


@pytest.mark.parametrize("pair", PAIRS)
@pytest.mark.parametrize("later_ms", [None, -(10**9), 0, 5 * 10**8])
def test_a_prediction_is_that_of_the_raw_rows(
    made: Made, pair: tuple[str, str], later_ms: int | None
) -> None:
    newest = int(made.replica.loaded.model.shared["newest_ms"])
    at_ms = None if later_ms is None else newest + later_ms
    basis, (found,) = predict(made.replica, [pair], at_ms)
    expected = made.slow(*pair, at_ms)
    assert basis.newest_ms == newest
    assert basis.at_ms == (newest if at_ms is None else at_ms)
    assert_allclose([*found.parts.values()], expected["parts"], rtol=1e-5, atol=1e-7)
    assert_allclose(
        [found.score, found.rating, found.deviation],
        [expected["score"], expected["rating"], expected["deviation"]],
        rtol=1e-5,
    )
    assert list(found.bands) == list(expected["bands"])
    assert_allclose([*found.bands.values()], [*expected["bands"].values()], rtol=1e-5)
    assert_allclose(sum(found.parts.values()), found.score, rtol=1e-12)
    assert (found.user_ratings, found.item_ratings) == (expected["user_ratings"], expected["item_ratings"])


def test_many_pairs_are_answered_in_their_order_and_as_one_by_one(made: Made) -> None:
    pairs = [*PAIRS, *reversed(PAIRS)]
    _, together = predict(made.replica, pairs)
    assert together == [predict(made.replica, [pair])[1][0] for pair in pairs]


@pytest.mark.parametrize("rule", ["adaptive", "sgd"])
@pytest.mark.parametrize("user", ["a/b", "nobody"])
@pytest.mark.parametrize("seen", [False, True])
@pytest.mark.parametrize("n", [1, 7, 1000])
def test_a_recommendation_is_the_exact_top_of_all_predictions(
    rule: str, user: str, seen: bool, n: int
) -> None:
    made = make(600, rule=rule)
    items = made.server.items
    _, predictions = predict(made.replica, [(user, item) for item in items])
    ratings = known_user(made.replica, user)[1].ratings if user in made.server.rows["user"] else 0
    tail = made.server.rows["user"].get(user, b"")[made.replica.loaded.model.users.row_bytes :]
    values = (tail, made.server.histories.get(user))
    mine = set() if seen else brute_force.rated(*values, ratings, made.learner.meta.history)
    expected = sorted((-p.score, j) for j, p in enumerate(predictions) if j not in mine)[:n]
    _, found = recommend(made.replica, user, n, seen=seen, by="rating")
    assert [each.item for each in found.items] == [items[j] for _, j in expected]
    assert_allclose([each.score for each in found.items], [-score for score, _ in expected], rtol=1e-6)
    assert [each.ratings for each in found.items] == [predictions[j].item_ratings for _, j in expected]
    assert found.left_out == len(mine)
    assert (found.user_ratings == 0) == (user == "nobody")


def test_neighbours_are_those_of_the_raw_factors_and_ratings(made: Made) -> None:
    items = made.server.items
    rows = [made.row("item", item) for item in items]
    factors = np.array([np.frombuffer(row or b"", "<f4", 8, 40) for row in rows], np.float64)
    factors /= np.linalg.norm(factors, axis=1, keepdims=True)
    own = items.index("😀")
    ratings = np.array([np.frombuffer(row or b"", "<u4", 1, 12)[0] for row in rows], np.float64)
    near = factors @ factors[own] * ratings / (ratings + 10)
    expected = [j for j in np.argsort(-near) if j != own][:5]
    _, found = similar(made.replica, "😀", 5, by="taste")
    assert [each.item for each in found.items] == [items[j] for j in expected]
    assert_allclose([each.similarity for each in found.items], near[expected], rtol=1e-5)
    assert [each.ratings for each in found.items] == ratings[expected].tolist()
    assert found.item_ratings == ratings[own]


def test_of_two_rows_at_one_angle_the_one_of_more_ratings_is_nearer_and_the_surest_come_to_the_cosine() -> (
    None
):
    factors = np.array([[3, 4], [6, 8], [3, 4], [-3, -4], [0, 0]], np.float32)
    ratings = np.array([1, 10, 1_000_000, 10, 10], np.uint32)
    near = similarities(factors, ratings, np.array([0.6, 0.8], np.float32))
    assert_allclose(near, [1 / 11, 0.5, 1, -0.5, 0], rtol=1e-4)


def test_an_explanation_names_the_nearest_of_the_users_own_items_with_the_latest_rating() -> None:
    made = make(900, history=1000)
    made.learner.learn([Event("fan", "i1", 1.0, 1), Event("fan", "i2", 2.0, 2), Event("fan", "i1", 4.5, 3)])
    made.replica.follow(0)
    found = {each.item: each for each in reasons(made.replica, "fan", "😀", 10)}
    near = similar(made.replica, "😀", 1000, by="taste")[1]
    expected = {each.item: each.similarity for each in near.items}
    assert {item: each.rating for item, each in found.items()} == {"i1": 4.5, "i2": 2.0}
    similarity = [each.similarity for each in found.values()]
    assert_allclose(similarity, [expected[item] for item in found], rtol=1e-6)
    assert similarity == sorted(similarity, reverse=True)
    assert [each.item for each in reasons(made.replica, "fan", "i1", 10)] == ["i2"]
    assert reasons(made.replica, "nobody", "😀", 10) == []
    assert reasons(made.replica, "fan", "nothing", 10) == []


def test_a_history_is_told_oldest_first_in_the_ratings_given() -> None:
    made = make(100, history=4)
    ratings = [0.5, 1.5, 3.25, 5.0, 4.9999, 2.0]
    made.learner.learn([Event("fan", f"i{j}", rating, j) for j, rating in enumerate(ratings)])
    made.replica.follow(0)
    _, found = rated_by(made.replica, "fan")
    assert [(each.item, each.rating) for each in found] == [
        (f"i{j}", rating) for j, rating in enumerate(ratings)
    ][2:]


@pytest.mark.parametrize(("low", "high"), [(1.0, 100_000.0), (0.125, 99.999)])
def test_a_history_tells_no_rating_outside_the_range_however_few_digits_are_kept(
    low: float, high: float
) -> None:
    server = MemoryServer()
    learner = Learner(MemoryStore(server), msgspec.structs.replace(meta(), low=low, high=high))
    learner.learn([Event("fan", "lowest", low, 1), Event("fan", "highest", high, 2)])
    replica = Replica(lambda: MemoryStore(server), "m", users=10, clock=lambda: 0.0)
    replica.follow(0)
    _, found = rated_by(replica, "fan")
    assert [(each.item, each.rating) for each in found] == [("lowest", low), ("highest", high)]


@pytest.mark.parametrize("rule", ["adaptive", "sgd"])
def test_what_is_known_of_a_row_is_what_a_prediction_says_of_it(rule: str) -> None:
    made = make(600, rule=rule)
    _, (prediction,) = predict(made.replica, [("a/b", "😀")])
    _, user = known_user(made.replica, "a/b")
    _, item = known_item(made.replica, "😀")
    assert_allclose([user.bias, item.bias], [prediction.parts["user_bias"], prediction.parts["item_bias"]])
    assert (user.ratings, item.ratings) == (prediction.user_ratings, prediction.item_ratings)
    assert user.last_ms == max(e.time_ms for e in random_ratings(600) if e.user == "a/b")
    assert len(user.factors) == len(item.factors) == 8


def test_unknown_ids_of_what_must_exist_are_errors(made: Made) -> None:
    for look_up in (known_user, known_item, rated_by):
        with pytest.raises(UnknownIdError, match="nobody"):
            look_up(made.replica, "nobody")
    with pytest.raises(UnknownIdError, match="nobody"):
        similar(made.replica, "nobody", 3)


def test_a_model_that_has_learned_nothing_answers_with_the_middle_of_the_range() -> None:
    server = MemoryServer()
    Learner(MemoryStore(server))
    replica = Replica(lambda: MemoryStore(server), "m", users=10)
    replica.follow(0)
    basis, (found,) = predict(replica, [("u", "i")])
    assert basis.newest_ms == 0
    assert_allclose(found.rating, 2.75)
    assert recommend(replica, "u", 10)[1].items == []


def test_the_best_of_equal_scores_are_the_lowest_numbers() -> None:
    rng = np.random.default_rng(3)
    for _ in range(200):
        scores = rng.integers(4, size=rng.integers(0, 30)).astype(float)
        left_out = rng.random(len(scores)) < 0.3
        n = int(rng.integers(0, 35))
        expected = sorted((-s, j) for j, s in enumerate(scores) if not left_out[j])[:n]
        assert best(scores, left_out, n).tolist() == [j for _, j in expected]
