"""The axes of taste: those of the whole table of predictions, whatever the factors are turned to."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose
from numpy.typing import NDArray

from lfm_online.catalogue import EMPTY, Catalogue, CatalogueItem
from lfm_online.insight.axes import NoAxesError, axes_of, ratings_of
from lfm_online.insight.factors import place_items, read_factors
from lfm_online.insight.profiles import read_profile
from lfm_online.insight.units import units_of
from lfm_online.model import Model
from lfm_online.similar import UnknownIdError
from tests.made_model import Event, random_ratings
from tests.reading import whole_model


def centred_table(model: Model) -> NDArray[np.float64]:
    """The part of every score that the factors add, in float64, each side centred by its ratings."""
    sides = []
    for table in (model.users, model.items):
        factors = table.rows.factors[: len(table)].astype(np.float64)
        weights = ratings_of(table)
        sides.append(factors - np.average(factors, axis=0, weights=weights))
    found: NDArray[np.float64] = units_of(model).factors * sides[0] @ sides[1].T
    return found


@pytest.mark.parametrize("rule", ["adaptive", "sgd"])
def test_the_axes_are_the_singular_vectors_of_the_weighted_table(rule: str) -> None:
    model = whole_model(rule=rule)
    axes = axes_of(model)
    weights = [ratings_of(table) / ratings_of(table).sum() for table in (model.users, model.items)]
    table = centred_table(model)
    singular = np.linalg.svd(np.sqrt(weights[0])[:, None] * table * np.sqrt(weights[1]), compute_uv=False)
    assert_allclose(axes.strengths, singular[: len(axes.strengths)], rtol=1e-6)
    assert_allclose(axes.shares, axes.strengths**2 / (axes.strengths**2).sum())
    users = axes.users.places(model.users.rows.factors[: len(model.users)])
    items = axes.items.places(model.items.rows.factors[: len(model.items)])
    assert_allclose(users @ items.T, table, atol=1e-9)
    assert_allclose(weights[0] @ users, 0, atol=1e-9)
    assert_allclose(users.T @ (users * weights[0][:, None]), np.eye(users.shape[1]), atol=1e-6)
    assert_allclose(items.T @ (items * weights[1][:, None]), np.diag(axes.strengths**2), atol=1e-9)


@pytest.mark.parametrize("seed", range(3))
def test_turned_factors_give_the_same_axes(seed: int) -> None:
    model, turned = whole_model(), whole_model()
    rotation = np.linalg.qr(np.random.default_rng(seed).normal(size=(8, 8)))[0]
    for table in (turned.users, turned.items):
        table.rows.factors[:] = table.rows.factors @ rotation
    told, again = (read_factors(each, axes_of(each), EMPTY, 4, 5).axes for each in (model, turned))
    for one, other in zip(told, again, strict=True):
        assert_allclose([one.share, one.strength], [other.share, other.strength], rtol=1e-4)
        assert one.popularity == pytest.approx(other.popularity, abs=1e-3)
        for end in ("high", "low"):
            assert [each.id for each in getattr(one, end)] == [each.id for each in getattr(other, end)]
            assert_allclose(
                [each.at for each in getattr(one, end)], [each.at for each in getattr(other, end)], rtol=1e-3
            )
    user, same = (
        read_profile(each, axes_of(each), "user", "u1", EMPTY, n_axes=4, n=5, least=0)
        for each in (model, turned)
    )
    assert_allclose([each.at for each in user.axes], [each.at for each in same.axes], atol=1e-3)
    assert [each.id for each in user.nearest] == [each.id for each in same.nearest]


def test_a_taste_that_splits_the_users_is_the_first_axis_and_goes_with_its_genre() -> None:
    genres = {f"i{j}": "Action" if j < 20 else "Romance" for j in range(40)}
    rng = np.random.default_rng(3)
    events = []
    for n in range(6000):
        user, item = int(rng.integers(60)), f"i{rng.integers(40)}"
        likes = (genres[item] == "Action") == (user < 30)
        events.append(Event(f"u{user}", item, 4.5 if likes else 2.0, 1_000_000 * n))
    model = whole_model(events)
    catalogue = Catalogue(
        {
            item: CatalogueItem(f"film {item}", (genre,), 1960 + 30 * (genre == "Action"))
            for item, genre in genres.items()
        }
    )
    axes = axes_of(model)
    first = read_factors(model, axes, catalogue, 1, 5).axes[0]
    assert first.share > 0.9
    assert abs(first.genres["Action"]) > 0.95
    assert first.genres["Action"] == pytest.approx(-first.genres["Romance"])
    assert first.year == pytest.approx(first.genres["Action"])
    action, romance = (first.high, first.low) if first.genres["Action"] > 0 else (first.low, first.high)
    assert {each.genres for each in action} == {("Action",)}
    assert {each.genres for each in romance} == {("Romance",)}
    profile = read_profile(model, axes, "user", "u3", catalogue, n_axes=1, n=10, least=5)
    assert {each.genres for each in profile.axes[0].towards} == {("Action",)}
    assert all(int(each.id[1:]) < 30 for each in profile.nearest)
    near = read_profile(model, axes, "item", "i3", catalogue, n_axes=1, n=10, least=5).nearest
    assert {genres[each.id] for each in near} == {"Action"}
    assert near[0].title == f"film {near[0].id}"


def test_the_ends_of_an_axis_are_sure_of_their_side() -> None:
    model = whole_model()
    axes = axes_of(model)
    placed = place_items(model, axes)
    for axis in read_factors(model, axes, EMPTY, 8, 60).axes:
        assert all(each.low is not None and each.low > 0 for each in axis.high)
        assert all(each.high is not None and each.high < 0 for each in axis.low)
    assert (placed.low < placed.at).all()


def test_what_does_not_vary_goes_with_nothing() -> None:
    rng = np.random.default_rng(1)
    events = [
        Event(f"u{u}", f"i{i}", float(rng.integers(1, 10)) / 2, 1) for u in range(20) for i in range(20)
    ]
    model = whole_model(events)
    axis = read_factors(model, axes_of(model), Catalogue({"i1": CatalogueItem("", (), 1995)}), 1, 1).axes[0]
    assert (axis.popularity, axis.year, axis.genres) == (None, None, {})
    assert axis.liking is not None


def test_a_rule_without_variances_says_none() -> None:
    model = whole_model(rule="sgd")
    axis = read_factors(model, axes_of(model), EMPTY, 1, 3).axes[0]
    assert [each.low for each in axis.high] == [None] * 3
    assert axis.high[0].at > axis.high[1].at > 0 > axis.low[0].at


def test_users_all_alike_have_no_axes() -> None:
    with pytest.raises(NoAxesError, match="differ in no taste"):
        axes_of(whole_model([Event("u", "i", 4.0, 1), Event("u", "j", 3.0, 2)]))


def test_an_unknown_id_is_named_and_a_neighbour_has_ratings_enough() -> None:
    model = whole_model(random_ratings(400, users=20))
    axes = axes_of(model)
    with pytest.raises(UnknownIdError, match="no item 'none'"):
        read_profile(model, axes, "item", "none", EMPTY, n_axes=1, n=1, least=0)
    near = read_profile(model, axes, "user", "u1", EMPTY, n_axes=99, n=99, least=20)
    assert near.nearest
    assert all(each.ratings >= 20 and each.id != "u1" for each in near.nearest)
