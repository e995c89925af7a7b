"""Biases as they are read: by how sure the model is of them."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose

from lfm_online.catalogue import EMPTY, Catalogue, CatalogueItem
from lfm_online.insight.biases import read_biases
from lfm_online.insight.units import Units, units_of
from lfm_online.insight.whole import ModelEmptyError, read_whole
from lfm_online.known import known_item, known_user
from lfm_online.model import Model
from lfm_online.replica import Replica
from lfm_online.replica_reads import ModelMissingError
from lfm_online.rules.registry import make_rule
from lfm_online.store.memory import MemoryServer, MemoryStore
from tests.made_model import Event, Learner, learn_in_commits, random_ratings
from tests.reading import no_bar, whole_model


def liked_long_and_liked_twice(loved: float) -> list[Event]:
    """60 users; ``many`` is rated high by all of them, ``few`` higher by two; the rest is in between."""
    rng = np.random.default_rng(5)
    events = [
        Event(f"u{n % 60}", f"i{rng.integers(30)}", float(rng.integers(4, 8)) / 2, n) for n in range(3000)
    ]
    events += [Event(f"u{n}", "many", loved, 3000 + n) for n in range(60)]
    return events + [Event(f"u{n}", "few", 2 * loved - 2.75, 4000 + n) for n in range(2)]


@pytest.mark.parametrize(("loved", "end"), [(3.875, "liked_items"), (1.625, "disliked_items")])
def test_an_item_with_two_ratings_does_not_win(loved: float, end: str) -> None:
    found = getattr(read_biases(whole_model(liked_long_and_liked_twice(loved)), EMPTY, 40), end)
    assert found[0].id == "many"
    few = next(each for each in found if each.id == "few")
    assert few.ratings == 2
    assert few.high - few.low > 1.5 * (found[0].high - found[0].low)


def test_of_two_biases_the_surer_one_ranks_higher_though_it_is_lower() -> None:
    model = whole_model()
    model.items.rows.state["b"][:60] = 0.0
    for number, bias, variance in ((3, 2.0, 0.14), (4, 1.8, 0.001)):
        model.items.rows.state["b"][number] = bias
        model.items.rows.state["v_b"][number] = variance
    best = read_biases(model, EMPTY, 2).liked_items
    assert [each.id for each in best] == [model.items.ids[4], model.items.ids[3]]
    assert best[0].bias < best[1].bias


@pytest.mark.parametrize("rule", ["adaptive", "sgd"])
def test_a_users_bias_is_what_the_lookups_answer(rule: str) -> None:
    server = MemoryServer()
    learn_in_commits(MemoryStore(server), random_ratings(1500), rule=rule)
    replica = Replica(lambda: MemoryStore(server), "m", users=10)
    replica.follow(0)
    model = read_whole(MemoryStore(server), "m", no_bar).model
    found = read_biases(model, EMPTY, 100)
    assert len(found.generous_users) == 30
    for each in found.generous_users:
        known = known_user(replica, each.id)[1]
        assert_allclose((each.bias, each.ratings), (known.bias, known.ratings), rtol=1e-6)
    if rule == "sgd":
        for each in found.liked_items:
            assert_allclose(each.bias, known_item(replica, each.id)[1].bias, rtol=1e-6)


def test_the_interval_is_90_percent_of_the_rows_own_variance_in_rating_points() -> None:
    model = whole_model()
    best = read_biases(model, EMPTY, 1).liked_items[0]
    state = model.items.rows.state[model.items.number(best.id)]
    per_unit = best.bias / state["b"]
    assert best.high is not None
    assert_allclose(best.high - best.bias, 1.645 * per_unit * np.sqrt(state["v_b"]), rtol=1e-5)


def test_a_rule_without_variances_is_ranked_by_the_bias_and_gives_no_interval() -> None:
    found = read_biases(whole_model(rule="sgd"), EMPTY, 60)
    biases = [each.bias for each in found.liked_items]
    assert biases == sorted(biases, reverse=True)
    assert [each.bias for each in found.disliked_items] == biases[::-1]
    assert {(each.low, each.high) for each in found.liked_items} == {(None, None)}


def test_behind_a_sigmoid_numbers_are_in_units_of_the_score() -> None:
    units = {
        link: units_of(Model(make_rule("sgd", 0.5, 5.0, 1, link=link), 4))
        for link in ("clip", "sigmoid_range")
    }
    assert units["clip"] == Units(1.0, 1.0, 1.0, "rating points")
    assert units["sigmoid_range"] == Units(1.0, 1.0, 1.0, "score")


def test_titles_come_from_the_catalogue_and_are_no_users() -> None:
    catalogue = Catalogue({name: CatalogueItem("A title", ("Drama",)) for name in ("i9", "u9")})
    found = read_biases(whole_model(), catalogue, 100)
    assert {each.id for each in found.liked_items if each.title} == {"i9"}
    assert {each.title for each in found.generous_users} == {""}


def test_a_model_that_is_missing_or_empty_is_told_as_such() -> None:
    with pytest.raises(ModelMissingError, match=r"no model 'm' \(LFM_MODEL\)"):
        read_whole(MemoryStore(), "m", no_bar)
    store = MemoryStore()
    Learner(store)
    with pytest.raises(ModelEmptyError, match=r"'m'.*has learned no rating yet"):
        read_whole(store, "m", no_bar)


def test_progress_counts_items_of_all_and_users() -> None:
    store = MemoryStore()
    learn_in_commits(store, random_ratings(1500))
    counted = []
    read_whole(store, "m", lambda *what: counted.append(what))
    assert counted == [("items", 60, 60), ("users", 30, None)]
