"""The peers that rank, against their definitions and their packages' own answers."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import Any, ClassVar

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from numpy.typing import NDArray

from lfm_online.compare.extra import imported
from lfm_online.compare.grid import cells
from lfm_online.compare.ranking import compare_ranking
from lfm_online.compare.ranking_ease import GRID, Ease
from lfm_online.compare.ranking_implicit import ALS_GRID, KNN_GRID, ImplicitALS, ItemNeighbours
from lfm_online.compare.ranking_refitted import Refitted
from lfm_online.evaluate.ranking import rank
from lfm_online.evaluate.stream import Stream
from tests.streams import made_stream, rated_stream

STREAM = rated_stream(made_stream(8, 600, users=30, items=25, others=0))
LIKE = 2.0
EVENT = 500
FITTED = 480  # 80% of 600, the last moment to fit before the event


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    """As ``compare_ranking`` runs them; implicit warns of more."""
    imported("scipy.linalg", "ease")
    with imported("threadpoolctl", "ease").threadpool_limits(1):
        yield


def scores_of(scorer: Refitted, event: int = EVENT, stream: Stream = STREAM) -> NDArray[np.float64]:
    scores = np.empty(int(stream.item[:event].max()) + 1)
    scorer.score(event, scores)
    return scores


def pairs_before(place: int) -> NDArray[np.float64]:
    """Users by items: 1 where the user gave the item at least LIKE before that place."""
    matrix = np.zeros((len(STREAM.user_ids), len(STREAM.item_ids)))
    for user, item, rating in zip(STREAM.user[:place], STREAM.item, STREAM.rating, strict=False):
        if rating >= LIKE:
            matrix[user, item] = 1.0
    return matrix


def test_ease_is_its_closed_form_with_the_live_history_folded_in() -> None:
    x = pairs_before(FITTED)
    inverse = np.linalg.inv(x.T @ x + 100.0 * np.eye(x.shape[1]))
    weights = -inverse / np.diag(inverse)
    np.fill_diagonal(weights, 0.0)
    live = pairs_before(EVENT)[STREAM.user[EVENT]]
    assert_allclose(scores_of(Ease(STREAM, LIKE, 1, {"l2": 100.0})), live @ weights, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("weights", KNN_GRID["weights"])
def test_neighbours_score_as_implicit_itself_recommends(weights: str) -> None:
    csr_matrix = imported("scipy.sparse", "knn").csr_matrix
    peer = ItemNeighbours(STREAM, LIKE, 1, {"weights": weights, "K": 20})
    scores = scores_of(peer)
    kind = {"cosine": "CosineRecommender", "tfidf": "TFIDFRecommender", "bm25": "BM25Recommender"}[weights]
    model = getattr(imported("implicit.nearest_neighbours", "knn"), kind)(K=20)
    with warnings.catch_warnings(action="ignore"):
        model.fit(csr_matrix(pairs_before(FITTED), dtype=np.float32), show_progress=False)
    live = csr_matrix(pairs_before(EVENT)[STREAM.user[EVENT]])
    items, found = model.recommend(0, live, N=5, filter_already_liked_items=False)
    assert_allclose(scores[items], found, rtol=1e-5)
    assert scores.max() == pytest.approx(found[0], rel=1e-5)


def test_als_solves_for_the_live_history_with_the_items_of_the_last_fit() -> None:
    peer = ImplicitALS(STREAM, LIKE, 1, {"factors": 4, "regularization": 1.0, "alpha": 4.0})
    scores = scores_of(peer)
    y = peer._factors.astype(float)
    live = pairs_before(EVENT)[STREAM.user[EVENT]]
    confidence = 1.0 + (4.0 - 1.0) * live
    user = np.linalg.solve((y.T * confidence) @ y + np.eye(4), y.T @ (4.0 * live))
    assert_allclose(scores, y @ user, rtol=1e-3, atol=1e-4)


class Told(Refitted):
    """A peer that remembers what it was fitted with."""

    peer: ClassVar[str] = "told"
    fits: ClassVar[list[NDArray[Any]]] = []

    def _fit(self, pairs: Any) -> None:
        self.fits.append(pairs.toarray())

    def _score(self, items: NDArray[np.int32]) -> NDArray[Any]:
        return items.astype(float)


def test_a_peer_is_fitted_at_70_percent_and_every_5_after_from_what_lay_before() -> None:
    Told.fits.clear()
    rank(STREAM, [Told(STREAM, LIKE, 1, {})], 3, LIKE)
    moments = [420, 450, 480, 510, 540, 570]
    assert len(Told.fits) == len(moments)
    for found, place in zip(Told.fits, moments, strict=True):
        assert_array_equal(found, pairs_before(place)[:, : found.shape[1]])
        assert not pairs_before(place)[:, found.shape[1] :].any()


@pytest.mark.parametrize("kind", [Ease, ItemNeighbours, ImplicitALS])
def test_scores_know_nothing_of_the_event_nor_of_what_comes_after(kind: type[Refitted]) -> None:
    grids = {Ease: {"l2": 100.0}, ItemNeighbours: cells(KNN_GRID)[0], ImplicitALS: cells(ALS_GRID)[0]}
    before = scores_of(kind(STREAM, LIKE, 1, grids[kind]))
    changed = STREAM.part(np.arange(len(STREAM)))
    changed.item[EVENT:] = 0
    changed.rating[EVENT:] = 5.0
    assert_allclose(scores_of(kind(changed, LIKE, 1, grids[kind]), stream=changed), before, rtol=1e-5)


def test_a_user_without_a_pair_gets_equal_scores() -> None:
    peer = Told(STREAM, 6.0, 1, {})
    assert_array_equal(scores_of(peer), np.zeros(int(STREAM.item[:EVENT].max()) + 1))


def test_of_each_peer_the_cell_with_the_highest_ndcg_is_shown() -> None:
    done: list[None] = []
    (row,) = compare_ranking(STREAM, ["ease"], 3, LIKE, 1, lambda: done.append(None))
    by_hand = [rank(STREAM, [Ease(STREAM, LIKE, 1, cell)], 3, LIKE)[0] for cell in cells(GRID)]
    assert row.top.ndcg == pytest.approx(max(top.ndcg for top in by_hand))
    assert (row.how, len(done)) == (f"best of {len(by_hand)}", len(by_hand))
