"""Items that start from their attributes: alike in every worker, and only those that nobody has rated."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from lfm_online.catalogue import Catalogue, CatalogueItem
from lfm_online.cold.adopt import adopt_priors
from lfm_online.cold.attributes import TooLittleKnownError, attribute_columns, fit_priors
from lfm_online.hashing import id_hash
from lfm_online.item_priors import NO_PRIORS, ItemPriors
from lfm_online.layout import FormatError
from lfm_online.model import Model
from lfm_online.predict import predict
from lfm_online.replica import Replica
from lfm_online.rules.registry import make_rule
from lfm_online.store.memory import MemoryServer, MemoryStore
from tests.made_model import Event, Learner, meta

K = 8
GENRES = ("Comedy", "Drama", "Horror")
CATALOGUE = Catalogue(
    {f"i{j}": CatalogueItem(f"Film {j}", (GENRES[j % 3],), 1950 + j if j % 5 else None) for j in range(40)}
)


def ratings(n: int, first: int = 0, *, items: int = 30) -> list[Event]:
    """Comedies are liked, horror is not."""
    rng = np.random.default_rng(first)
    return [
        Event(f"u{rng.integers(12)}", f"i{i}", [4.5, 3.0, 1.0][i % 3], 10**12 + 3_600_000 * (first + j))
        for j, i in enumerate(rng.integers(items, size=n).tolist())
    ]


def priors_for(*items: str) -> ItemPriors:
    hashes = np.array([id_hash("item", item.encode()) for item in items], np.uint64)
    values = np.arange(len(items) * (1 + K), dtype=np.float32).reshape(len(items), 1 + K)
    return ItemPriors(hashes, values / np.float32(100))


def adopt(server: MemoryServer, priors: ItemPriors, rule: str) -> None:
    ids = (j.to_bytes(16, "big") for j in itertools.count(1))
    model = Model(meta(rule).make_rule(), K, ranking=True)
    adopt_priors(MemoryStore(server), model, priors, feed_entries=1000, new_id=lambda: next(ids))


def test_a_new_row_starts_from_its_prior_and_another_as_ever() -> None:
    table, plain = (Model(make_rule("adaptive", 0.5, 5, 1), K).items for _ in range(2))
    table.priors = priors_for("b", "c")
    for each in (table, plain):
        each.start(each.numbers(["a", "b"]))
    assert_array_equal(table.block(np.zeros(1, np.int32)), plain.block(np.zeros(1, np.int32)))
    assert_allclose(table.rows.state["b"][1], 0.0)
    assert_allclose(table.rows.factors[1] - plain.rows.factors[1], np.arange(1, 9) / 100, rtol=1e-5)
    assert table.priors.has(table.rows.hash[:2]).tolist() == [False, True]


def test_priors_read_back_are_the_same_and_their_version_is_their_contents() -> None:
    priors = priors_for("b", "c")
    back = ItemPriors.from_bytes(priors.to_bytes(), K)
    assert (back.to_bytes(), back.version, len(back)) == (priors.to_bytes(), priors.version, 2)
    assert priors_for("c", "b").version != priors.version != 0 == NO_PRIORS.version
    for stored in (b"", priors.to_bytes()[:-1], priors_for("b").to_bytes() + b"\0"):
        with pytest.raises(FormatError, match="item priors"):
            ItemPriors.from_bytes(stored, K)
    with pytest.raises(FormatError, match="expected width 33"):
        ItemPriors.from_bytes(priors.to_bytes(), 32)


@pytest.mark.parametrize("rule", ["adaptive", "sgd"])
def test_a_worker_takes_priors_over_before_it_starts_another_row(rule: str) -> None:
    server = MemoryServer()
    learner = Learner(MemoryStore(server), meta(rule))
    learner.learn(ratings(200))
    priors = priors_for("new", "i0")
    adopt(server, priors, rule)
    known = server.rows["item"]["i0"]
    checkpoint = learner.checkpoint
    # The new item's key is read first, which meets the newer head.
    learner.learn([Event("u1", "new", 5.0, 10**12)])
    assert checkpoint.model.items.priors.version == priors.version
    alone = Learner(MemoryStore(MemoryServer()), meta(rule))
    alone.learn(ratings(200))
    alone.model.items.priors = priors
    alone.learn([Event("u1", "new", 5.0, 10**12)])
    assert server.rows["item"]["new"] == alone.store.read_rows([], ["new"]).items[0]
    assert server.rows["item"]["i0"] == known


@pytest.mark.parametrize("rule", ["adaptive", "sgd"])
def test_every_worker_starts_rows_alike_whenever_it_began(rule: str) -> None:
    server = MemoryServer()
    first = Learner(MemoryStore(server), meta(rule))
    first.learn(ratings(200))
    adopt(server, priors_for("new"), rule)
    first.checkpoint.resync()
    second = Learner(MemoryStore(server), meta(rule))
    for learner in (first, second):
        items = learner.model.items
        items.start(items.numbers(["new"]))
    blocks = [each.model.items.block(each.model.items.numbers(["new"])) for each in (first, second)]
    assert_array_equal(blocks[0], blocks[1])
    second.model.items.truncate(second.checkpoint._n_items)
    second.learn(ratings(10, 200))
    assert server.globals is not None
    adopt(server, NO_PRIORS, rule)
    second.checkpoint.resync()
    assert second.model.items.priors.version == 0


@pytest.mark.parametrize("rule", ["adaptive", "sgd"])
def test_unrated_items_are_predicted_as_others_of_their_genre_and_the_answer_says_so(rule: str) -> None:
    server = MemoryServer()
    learner = Learner(MemoryStore(server), meta(rule))
    learner.learn(ratings(2000))
    replica = Replica(lambda: MemoryStore(server), "m", users=10)
    replica.follow(0)
    pairs = [("u1", item) for item in ("i0", "i30", "i32", "i99")] + [("nobody", "i30")]
    before = predict(replica, pairs)[1]
    assert [each.item_basis for each in before] == ["ratings", "mean", "mean", "mean", "mean"]
    fitted = fit_priors(learner.model, CATALOGUE)
    assert (fitted.known, len(fitted.priors)) == (30, 10)
    assert fitted.explained > 0.9
    adopt_priors(
        MemoryStore(server),
        Model(meta(rule).make_rule(), K, ranking=True),
        fitted.priors,
        feed_entries=1000,
        new_id=lambda: bytes(15) + b"\1",
    )
    replica.follow(0)
    after = predict(replica, pairs)[1]
    assert [each.item_basis for each in after] == [
        "ratings",
        "attributes",
        "attributes",
        "mean",
        "attributes",
    ]
    assert after[0] == before[0]
    assert after[1].rating > before[1].rating + 0.1  # a comedy
    assert after[2].rating < before[2].rating - 0.1  # horror
    assert after[3] == before[3]


def test_attributes_are_genres_the_year_and_its_square_and_what_is_missing_is_the_mean() -> None:
    columns = attribute_columns(CATALOGUE, ["i1", "i5", "unknown"])
    years = np.array([told.year for told in CATALOGUE.values() if told.year is not None])
    z = (1951 - years.mean()) / years.std()
    assert_allclose(columns, [[0, 1, 0, z, z * z - 1], [0, 0, 1, 0, 0], [0, 0, 0, 0, 0]])


def test_the_regression_is_the_minimum_of_its_loss() -> None:
    learner = Learner(MemoryStore(MemoryServer()))
    learner.learn(ratings(500))
    items = learner.model.items
    x = attribute_columns(CATALOGUE, items.ids)
    n = items.rows.header["ratings"][: len(items)]
    w = n / (n + 5)
    y = np.c_[items.rows.state["b"], items.rows.factors][: len(items)]
    x_mean, y_mean = np.average(x, 0, w), np.average(y, 0, w)
    root = np.sqrt(w)[:, None]
    # The same as least squares of rows stretched by their weights, with a row of zeros for each coefficient.
    stretched = np.r_[root * (x - x_mean), np.eye(x.shape[1])]
    B = np.linalg.lstsq(stretched, np.r_[root * (y - y_mean), np.zeros((x.shape[1], 1 + K))])[0]  # noqa: N806
    new = [item for item in CATALOGUE if item not in set(items.ids)]
    table = Model(learner.meta.make_rule(), K).items
    table.priors = fit_priors(learner.model, CATALOGUE).priors
    table.start(table.numbers(new))
    expected = y_mean + (attribute_columns(CATALOGUE, new) - x_mean) @ B
    assert_allclose(table.rows.state["b"][: len(new)], expected[:, 0], rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("known", ["i0", "elsewhere"])
def test_a_catalogue_without_known_or_without_new_items_is_refused(known: str) -> None:
    learner = Learner(MemoryStore(MemoryServer()))
    learner.learn([Event("u", "i0", 4.0, 0)])
    with pytest.raises(TooLittleKnownError, match="at least one of each"):
        fit_priors(learner.model, Catalogue({known: CatalogueItem("Film")}))
