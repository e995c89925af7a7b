"""The live hit rate, against a script that ranks by the definition."""

from __future__ import annotations

import numpy as np
import pytest
from prometheus_client import CollectorRegistry

from lfm_online import live_hits
from lfm_online.batch import RATING
from lfm_online.live_hits import TOP, Hits
from lfm_online.ranking.scores import DEFAULT_C, next_scores
from lfm_online.store.memory import MemoryServer
from tests.made_checkpoints import Made, batch, checkpoint, learn, state
from worker.metrics import WorkerMetrics

_random = np.random.default_rng(5)
RATINGS: list[Made] = [
    (f"u{_random.integers(6)}", f"i{_random.geometric(0.06)}", float(_random.integers(1, 11)) / 2)
    for _ in range(500)
]
RATINGS[170] = ("u4", "i1", 0.0)  # a retraction
EVERY = 3


def in_commits(size: int, *, forgetful: bool = False, **settings: int | bool) -> tuple[MemoryServer, Hits]:
    """All ratings learned, ``size`` a commit; forgetful: each time by a worker that holds no row."""
    server, total = MemoryServer(), np.zeros(3, int)
    worker = checkpoint(server, **settings)  # type: ignore[arg-type]
    for start in range(0, len(RATINGS), size):
        if forgetful:
            worker = checkpoint(server, **settings)  # type: ignore[arg-type]
        total += learn(worker, batch(0, start, RATINGS[start : start + size])).done.hits
    return server, Hits(*total.tolist())


def by_definition() -> Hits:
    """One event at a time, with sets and sorted lists; the sample by the digests of the commits."""
    worker, total = checkpoint(MemoryServer()), np.zeros(3, int)
    own: dict[str, set[int]] = {}
    given: list[tuple[str, float]] = []
    counts: dict[int, int] = {}
    for n, (user, item, rating) in enumerate(RATINGS):
        model, event = worker.model, batch(0, n, RATINGS[n : n + 1])
        number, u = model.items.number(item), model.users.number(user)
        scores: dict[int, float] = {}
        if u is not None and number is not None and rating > 0:
            totals = next_scores(model, model.users, u, int(event.time_ms[0])).total(DEFAULT_C)
            scores = dict(enumerate(totals.tolist()))
        done = learn(worker, event).done
        if done.batch.what[0] != RATING:
            continue
        enough = sum(name == user for name, _ in given) >= 5
        high = not given or rating >= np.mean([r for _, r in given])
        if scores and enough and high and done.batch.digest[0] % EVERY == 0 and number in counts:
            others = set(counts) - own[user] - {number}

            def hit(by: dict[int, float], others: set[int] = others, taken: int = number) -> bool:
                ahead = sum(by[i] > by[taken] for i in others)
                return ahead + sum(by[i] == by[taken] for i in others) // 2 < TOP

            total += 1, hit(scores), hit({i: float(count) for i, count in counts.items()})
        item_number = int(done.batch.item[0])
        counts[item_number] = counts.get(item_number, 0) + 1
        own.setdefault(user, set()).add(item_number)
        given.append((user, rating))
    return Hits(*total.tolist())


@pytest.fixture
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live_hits, "EVERY", EVERY)
    monkeypatch.setattr(live_hits, "ITEMS_AN_EVENT", 1000)


@pytest.mark.usefixtures("often")
@pytest.mark.parametrize(("size", "forgetful"), [(1, False), (37, True), (37, False), (500, False)])
def test_hits_equal_the_definition_however_events_are_batched_and_whatever_is_in_memory(
    size: int, forgetful: bool
) -> None:
    expected = by_definition()
    assert in_commits(size, forgetful=forgetful, history=500)[1] == expected
    assert expected.ranked > 40
    assert 0 < expected.next < expected.ranked


def test_what_is_learned_is_the_same_to_the_byte_with_any_sample(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live_hits, "EVERY", 1)
    monkeypatch.setattr(live_hits, "ITEMS_AN_EVENT", 1000)
    all_ranked, hits = in_commits(100)
    monkeypatch.setattr(live_hits, "MOST_ITEMS", -1)
    none_ranked, none = in_commits(100)
    assert state(all_ranked) == state(none_ranked)
    assert hits.ranked > 150
    assert none.ranked == 0


@pytest.mark.usefixtures("often")
def test_a_large_model_is_sampled_less(monkeypatch: pytest.MonkeyPatch) -> None:
    usual = in_commits(50)[1].ranked
    monkeypatch.setattr(live_hits, "ITEMS_AN_EVENT", 1)
    assert 0 < in_commits(50)[1].ranked < usual


@pytest.mark.usefixtures("often")
def test_without_a_history_the_users_last_items_are_left_out() -> None:
    _, hits = in_commits(1, history=0)
    assert hits.ranked == by_definition().ranked


@pytest.mark.usefixtures("often")
def test_without_a_ranking_head_nothing_is_ranked() -> None:
    assert in_commits(100, ranking=False)[1] == Hits(0, 0, 0)


@pytest.mark.usefixtures("often")
def test_hits_are_counted_once_they_are_committed_and_pi_is_shown() -> None:
    worker, registry = checkpoint(MemoryServer(), history=500), CollectorRegistry()
    metrics = WorkerMetrics(registry, worker.model)
    metrics.committed(learn(worker, batch(0, 0, RATINGS)))
    expected = by_definition()
    assert registry.get_sample_value("lfm_ranked_events_total") == expected.ranked
    for scorer in ("next", "popular"):
        counted = registry.get_sample_value("lfm_hits_total", {"scorer": scorer})
        assert counted == getattr(expected, scorer)
    assert worker.model.ranking is not None
    share = registry.get_sample_value("lfm_ranking_recent_share")
    assert share == worker.model.ranking.globals["pi"][0] != 0.5
