"""Warming up compiles what will run, and nothing twice."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import get_args

import numpy as np
import pytest

from lfm_online import live_hits, warm_up
from lfm_online.basket import recommend_for_basket
from lfm_online.evaluate.held_out import hold_out
from lfm_online.evaluate.prequential import evaluate
from lfm_online.evaluate.ranking import rank
from lfm_online.evaluate.scorers import ByNext, ByPopularity, ByRating, BySimilar, Next
from lfm_online.evaluate.split import SplitPlan
from lfm_online.evaluate.stream import stream_of
from lfm_online.known import reasons
from lfm_online.popular import popular
from lfm_online.predict import predict
from lfm_online.prepare_learning import prepare_learning  # noqa: F401 - by its name, in a process of its own
from lfm_online.ratings_file import RatingsTable
from lfm_online.recommend import recommend
from lfm_online.replica import Replica
from lfm_online.rules.registry import make_rule
from lfm_online.similar import Near, similar
from lfm_online.store import resp
from lfm_online.store.memory import MemoryServer, MemoryStore
from lfm_online.store.protocol import Commit
from tests.made_model import Learner, meta
from tests.unit.test_fetched_columns import batch, columns
from worker.decode import Decoder
from worker.events import join
from worker.settings import Settings
from worker.source.records import records_of


class _LaidOut(MemoryStore):
    """Lays each commit out as bytes too, as the Redis store does."""

    def send_commit(self, commit: Commit) -> None:
        resp.msets("u:", commit.users)
        if commit.runs is not None:
            resp.setranges("h:", commit.runs)
        super().send_commit(commit)


def _learned(rule: str, *, ranking: bool = True) -> MemoryStore:
    """What a worker does with events of every kind."""
    columns(batch([(0, 1, b"k", b"v", [])], 0), 1)
    live_hits.EVERY = 1  # type: ignore[misc]  # each rating of this process is ranked
    store = _LaidOut(MemoryServer())
    learner = Learner(store, meta(rule, ranking=ranking))
    decoder = Decoder(Settings())
    value = '{"user_id": %d, "item_id": "i%d", "rating": %s, "timestamp": 1700000000000}'
    good = [(value % (j % 3, j % 5, "4.5")).encode() for j in range(20)]
    bad: list[bytes | None] = [*good, b"no JSON", None, (value % (1, 1, "null")).encode()]
    polls: list[list[bytes | None]] = [[*good], bad, [*good]]
    first = 0
    for values in polls:
        n = len(values)
        offsets = list(range(first, first + n))
        records = records_of(0, first, offsets, [1_700_000_000_000] * n, [b"1"] * n, values)
        learner.model.users.forget_all()  # so that they are read again
        learner.checkpoint.begin(join([decoder.decode(records)]))
        assert learner.checkpoint.settle() is not None
        first += n
    return store


def _live(rule: str) -> None:
    """What a worker and a lookup server do, and an evaluation."""
    store = _learned(rule)
    replica = Replica(lambda: MemoryStore(store.server), "m", users=10)
    replica.follow(0)
    predict(replica, [("1", "i1"), ("unknown", "unknown")])
    recommend(replica, "1", 3)
    recommend_for_basket(replica, ["i1", "unknown"], 3)
    popular(replica, 3)
    similar(replica, "i1", 3)
    similar(replica, "i1", 3, by="taste")
    reasons(replica, "0", "i1", 3)
    _evaluated(rule)


def _evaluated(rule_name: str) -> None:
    """What ``evaluate`` does with a stream."""
    n, rule = 60, make_rule(rule_name, 0.5, 5.0, 1)
    ids = [str(j) for j in range(n)]
    users, items = [ids[j % 3] for j in range(n)], [ids[j % 20] for j in range(n)]
    table = RatingsTable(users, items, np.ones(n), np.arange(n))
    stream = stream_of(table, 0.5, 5.0)
    evaluate(stream, rule, 4)
    hold_out(stream, SplitPlan.parse("cv:2").splits(n, 1), rule, 4)
    head = Next(stream, rule, 4)
    near = [BySimilar(stream, head, by) for by in get_args(Near)]
    rank(stream, [ByNext(head), *near, ByRating(stream, rule, 4), ByPopularity(stream)], 5, 1.0)


def _signatures() -> dict[str, int]:
    return {f"{k.__module__}.{k.__name__}": len(k.signatures) for k in warm_up.kernels()}


def _compiled(first: str, then: str) -> list[dict[str, int]]:
    """How often each kernel was compiled after ``first``, and after ``then``, in a process of their own."""
    code = (
        "import json\n"
        "from tests.unit import test_warm_up as t\n"
        f"t.{first}\n"
        "before = t._signatures()\n"
        f"t.{then}\n"
        "print(json.dumps([before, t._signatures()]))\n"
    )
    output = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert output.returncode == 0, output.stderr
    found: list[dict[str, int]] = json.loads(output.stdout)
    return found


@pytest.mark.parametrize("ranking", [True, False])
@pytest.mark.parametrize("rule", warm_up.RULES)
def test_a_worker_compiles_nothing_once_it_learns(rule: str, ranking: bool) -> None:
    prepare = f"prepare_learning(t.make_rule({rule!r}, .5, 5, 1), ranking={ranking})"
    before, after = _compiled(prepare, f"_learned({rule!r}, ranking={ranking})")
    assert after == before
    assert before["lfm_online.ranking.learn.learn"] == ranking
    assert before["lfm_online.similar.cosines"] == 0  # what only lookups call


@pytest.mark.parametrize("rule", warm_up.RULES)
def test_after_warming_up_nothing_is_compiled_any_more(rule: str) -> None:
    before, after = _compiled(f"warm_up.warm_up([{rule!r}])", f"_live({rule!r})")
    assert after == before
    assert before[f"lfm_online.rules.{rule}.learn"] == 1
    assert before["lfm_online.store.resp._msets"] == 1


def test_the_cache_of_an_older_source_is_dropped_and_a_newer_ones_kept(tmp_path: Path) -> None:
    old, new, other = tmp_path / "k.py311.1.nbc", tmp_path / "k.py311.nbi", tmp_path / "notes.txt"
    for file in (old, new, other):
        file.touch()
    os.utime(old, (0, 0))
    os.utime(other, (0, 0))
    warm_up.drop_stale_cache([tmp_path])
    assert sorted(tmp_path.iterdir()) == [new, other]
