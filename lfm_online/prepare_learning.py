"""Compiles what learning calls, before the first event waits for it.

A worker does this and no more: lookups are compiled by who answers them (``prepare``), all of it by
``warm_up``.
"""

from __future__ import annotations

import numpy as np

from lfm_online.batch import FORGET, RATING, RETRACTION, Batch, Outcome, batch_of
from lfm_online.batch_run import HEADER_BYTES, find_run, parse_run
from lfm_online.commit_sums import count_delays, sum_outcome
from lfm_online.evaluate.ranking import place_of
from lfm_online.flat_json import Names, parse_events
from lfm_online.history import append, rating_codes
from lfm_online.ids import Ids
from lfm_online.ledger import enter_events, event_digests
from lfm_online.model import Model
from lfm_online.ranking.scores import DEFAULT_C, next_scores
from lfm_online.record_batch import parse_records
from lfm_online.rules.rule import Rule
from lfm_online.store import resp


def prepare_learning(rule: Rule, *, ranking: bool) -> None:
    """Call each kernel that learns once, on rows made here.

    Args:
        rule: The model's own.
        ranking: Whether the model has a ranking head; without one none of its kernels is compiled.
    """
    read_records()
    model = Model(rule, factors=2, history=1, ranking=ranking)
    lay_out(model)
    if ranking:
        rank_live(model)


def read_records() -> None:
    """What a worker does with bytes before it learns them."""
    data, none = np.zeros(0, np.uint8), np.zeros(0, np.int64)
    parse_records(data, 0, 0)
    empty = bytes(11) + bytes([HEADER_BYTES - 12]) + bytes(4) + bytes([2]) + bytes(44)
    fetched = np.frombuffer(empty, np.uint8)
    parse_run(fetched, find_run(fetched, 0, 0))
    fields = parse_events(data, none, none, Names(["u", "i", "r", "t"]), 1, 1)
    Ids.cut(data, fields.begin[0], fields.length[0]).count_equal(data, none, none)
    counts, places = np.zeros(0, np.uint32), np.zeros(0, np.int32)
    enter_events(data, places, 0, none, counts, none, places, counts, counts, places, np.zeros(0, np.bool_))


def learn(model: Model) -> tuple[Batch, Outcome]:
    """Start rows, and learn one event of each kind."""
    digests = event_digests(0, np.zeros(3, np.int32), np.arange(3, dtype=np.int64))
    user, item = model.users.numbers(["u"] * 3), model.items.numbers(["i"] * 3)
    model.users.load(np.unique(user), [None])
    model.items.load(np.unique(item), [None])
    model.users.ask_for(user)
    what = [FORGET, RETRACTION, RATING]
    batch = batch_of(user, item, [model.rule.hyper.low] * 3, [0] * 3, what=what, digest=digests)
    model.touched(batch)
    return batch, model.learn(batch)


def lay_out(model: Model) -> None:
    """Learn, sum up what was learned, and make rows, ids and histories the bytes of a commit."""
    batch, outcome = learn(model)
    sum_outcome(batch, outcome)
    count_delays(batch.time_ms, 0.0, np.array([np.inf]), np.zeros(1, np.int64))
    codes = rating_codes(batch.rating, model.rule.hyper.low, model.rule.hyper.high)
    writes = append(model.users, 1, batch, outcome, codes, {}, np.full(3, -1, np.int32))
    number = np.zeros(1, np.int32)
    resp.msets("u:", model.users.stored(number))
    resp.setranges("h:", writes.full)


def rank_live(model: Model) -> None:
    """Rank one event among the items, as ``live_hits`` does; there is a row of each kind."""
    scores = next_scores(model, model.users, 0, 0).total(DEFAULT_C)
    place_of(scores, np.zeros(len(scores), np.bool_), 0)
