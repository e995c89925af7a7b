"""Top-n quality, against a script that ranks by the definition."""

from __future__ import annotations

import math
from typing import get_args

import numpy as np
import pytest
from numpy.typing import NDArray

from lfm_online.evaluate.prequential import learn, new_model
from lfm_online.evaluate.ranking import Scorer, TopQuality, events_to_rank, place_of, rank
from lfm_online.evaluate.scorers import ByNext, ByPopularity, ByRating, BySimilar, Next
from lfm_online.evaluate.stream import Stream
from lfm_online.rules.registry import make_rule
from lfm_online.similar import Near

N, USERS, ITEMS = 600, 25, 40


def made() -> Stream:
    """Few users and items, favourites among them, now and then one rated again."""
    random = np.random.default_rng(2)
    user = random.integers(0, USERS, N)
    item = np.minimum(random.geometric(0.07, N) - 1, ITEMS - 1)
    first: dict[int, int] = {}
    numbers = [first.setdefault(int(i), len(first)) for i in item]
    seen: dict[int, int] = {}
    users = [seen.setdefault(int(u), len(seen)) for u in user]
    return Stream(
        np.array(users, np.int32),
        np.array(numbers, np.int32),
        random.integers(1, 6, N).astype(np.float64),
        np.arange(N, dtype=np.int64) * 3_600_000,
        [f"u{j}" for j in range(len(seen))],
        [f"i{j}" for j in range(len(first))],
        1.0,
        5.0,
        0,
    )


STREAM = made()


class Coarse:
    """Many ties, and another order for each user."""

    name = "coarse"

    def __init__(self) -> None:
        self.learned: list[tuple[int, int]] = []

    def learn(self, start: int, stop: int) -> None:
        self.learned.append((start, stop))

    def score(self, event: int, scores: NDArray[np.float64]) -> None:
        scores[:] = (np.arange(len(scores)) * 7 + int(STREAM.user[event])) % 5


def by_definition(name: str, scores_at: list[NDArray[np.float64]], n: int, like: float) -> TopQuality:
    """Event by event, with sets and sorted lists."""
    users, items = STREAM.user.tolist(), STREAM.item.tolist()
    hits, gains, above, shown, given = [], [], [], set(), []
    for event in range(int(0.7 * N), N):
        user, taken = users[event], items[event]
        known = set(items[:event])
        if STREAM.rating[event] < like or users[:event].count(user) < 5 or taken not in known:
            continue
        own = {items[j] for j in range(event) if users[j] == user}
        scores = scores_at[event]
        others = known - own - {taken}
        ahead = sum(scores[i] > scores[taken] for i in others)
        ahead += sum(scores[i] == scores[taken] for i in others) // 2
        hits.append(ahead < n)
        if ahead < n:
            given.append(STREAM.rating[event])
        gains.append(1 / math.log2(ahead + 2) if ahead < n else 0.0)
        counts = {i: items[:event].count(i) for i in known}
        for i in sorted(known - own, key=lambda i: (-scores[i], i))[:n]:
            shown.add(i)
            more = sum(count > counts[i] for count in counts.values())
            same = sum(count == counts[i] for count in counts.values()) - 1
            above.append((more + same / 2) / len(known))
    coverage = len(shown) / len(STREAM.item_ids)
    hit_rate, ndcg, popularity = (float(np.mean(values)) for values in (hits, gains, above))
    rated = float(np.mean(given)) if given else None
    return TopQuality(name, len(hits), hit_rate, ndcg, coverage, popularity, rated)


def scores_of(scorer: Scorer) -> list[NDArray[np.float64]]:
    """At each event, all before it learned one by one."""
    found = []
    for event in range(N):
        scores = np.full(len(STREAM.item_ids), -np.inf)
        known = int(STREAM.item[:event].max(initial=-1)) + 1
        scorer.score(event, scores[:known])
        found.append(scores)
        scorer.learn(event, event + 1)
    return found


@pytest.mark.parametrize("n", [1, 5])
@pytest.mark.parametrize("name", ["coarse", "adaptive", "sgd", "popular", "next", "taken-together", "taste"])
def test_ranking_equals_the_definition(name: str, n: int) -> None:
    def scorer() -> Scorer:
        if name in {"adaptive", "sgd"}:
            return ByRating(STREAM, make_rule(name, 1, 5, 1), 4)
        if name == "next":
            return ByNext(Next(STREAM, make_rule("adaptive", 1, 5, 1), 4))
        for by in get_args(Near):
            if name == by:
                return BySimilar(STREAM, Next(STREAM, make_rule("adaptive", 1, 5, 1), 4), by)
        return Coarse() if name == "coarse" else ByPopularity(STREAM)

    (found,) = rank(STREAM, [scorer()], n, 4.0)
    expected = by_definition(found.name, scores_of(scorer()), n, 4.0)
    assert found.ranked == expected.ranked > 20
    assert found[2:-1] == pytest.approx(expected[2:-1], rel=1e-7)
    assert found.hit_rating == (expected.hit_rating and pytest.approx(expected.hit_rating))


def test_scorers_side_by_side_get_what_each_gets_alone() -> None:
    rule = make_rule("adaptive", 1, 5, 1)
    done: list[int] = []
    both = rank(STREAM, [ByRating(STREAM, rule, 4), ByPopularity(STREAM)], 5, 4.0, done.append)
    assert both == [
        *rank(STREAM, [ByRating(STREAM, rule, 4)], 5, 4.0),
        *rank(STREAM, [ByPopularity(STREAM)], 5, 4.0),
    ]
    assert done == list(range(1, both[0].ranked + 1))


def test_each_c_gets_from_a_shared_model_what_it_gets_alone() -> None:
    rule = make_rule("adaptive", 1, 5, 1)
    shared = Next(STREAM, rule, 4)
    together = rank(STREAM, [ByNext(shared, c) for c in (0.5, 0.0, 4.0)], 5, 4.0)
    for c, found in zip((0.5, 0.0, 4.0), together, strict=True):
        assert rank(STREAM, [ByNext(Next(STREAM, rule, 4), c)], 5, 4.0) == [found]


@pytest.mark.parametrize("by", get_args(Near))
def test_similar_is_ranked_by_what_the_user_rated_last(by: Near) -> None:
    model = Next(STREAM, make_rule("adaptive", 1, 5, 1), 4)
    scorer, scores = BySimilar(STREAM, model, by), scores_of(BySimilar(STREAM, model, by))
    assert by in scorer.name
    own = new_model(make_rule("adaptive", 1, 5, 1), 4, STREAM, ranking=True)
    learn(own, STREAM.part(slice(0, N - 1)))
    last = max(j for j in range(N - 1) if STREAM.user[j] == STREAM.user[N - 1])
    rows = own.items.rows.factors if by == "taste" else own.items.rank_rows.factors
    near, count = rows.astype(np.float64), np.bincount(STREAM.item[: N - 1])
    target = near[STREAM.item[last]]
    for item in range(len(count)):
        cosine = near[item] @ target / np.linalg.norm(near[item]) / np.linalg.norm(target)
        assert scores[N - 1][item] == pytest.approx(cosine * count[item] / (count[item] + 10), rel=1e-5)


def test_a_scorer_learns_each_event_once_in_order_and_none_before_it_is_ranked() -> None:
    scorer = Coarse()
    rank(STREAM, [scorer], 5, 4.0)
    chosen = events_to_rank(STREAM, 4.0).tolist()
    assert scorer.learned == list(zip([0, *chosen], chosen, strict=False))


def test_scores_are_the_ratings_that_the_model_predicts_before_the_link() -> None:
    rule = make_rule("adaptive", 1, 5, 1)
    scorer = ByRating(STREAM, rule, 4)
    scorer.learn(0, 300)
    scores = np.empty(len(STREAM.item_ids))
    scorer.score(300, scores)
    model = new_model(rule, 4, STREAM)
    learn(model, STREAM.part(slice(0, 300)))
    taken = int(STREAM.item[300])
    predicted = learn(model, STREAM.part(slice(300, 301))).outcome.model[0]
    np.testing.assert_allclose(np.clip(scores[taken], 1, 5), predicted, rtol=1e-6)


def test_a_tie_counts_half_and_the_users_own_items_do_not_count() -> None:
    scores = np.array([3.0, 2.0, 2.0, 2.0, 2.0, 1.0])
    nobody = np.zeros(6, np.bool_)
    assert place_of(scores, nobody, 1) == 1 + 3 // 2
    assert place_of(scores, nobody, 0) == 0
    assert place_of(scores, nobody, 5) == 5
    assert place_of(scores, np.array([True, False, True, True, False, False]), 1) == 0


def test_nothing_to_rank_is_an_error_that_names_the_flag() -> None:
    with pytest.raises(ValueError, match=r"gave 6 or more to a known item \(--like\)"):
        rank(STREAM, [ByPopularity(STREAM)], 5, 6.0)
