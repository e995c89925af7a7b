"""Compiles what lookups call, before the first of them waits for it."""

from __future__ import annotations

import numpy as np

from lfm_online.model import Model
from lfm_online.ranking.scores import next_scores
from lfm_online.similar import cosines
from lfm_online.top import best


def prepare_lookups(model: Model) -> None:
    """Call each kernel once, on rows made here and of the types that lookups have; ``model`` is only read."""
    rule = model.rule
    own = Model(rule, model.n_factors, ranking=True)
    user, item = own.users.numbers(["u"]), own.items.numbers(["i"])
    own.users.start(user)
    own.items.start(item)
    users, items = own.users.rows, own.items.rows
    rule.parts(users, 0, items, 0, own.globals, rule.hyper, 0, np.empty(len(rule.part_names)))
    scores = np.empty(1)
    rule.score_items(users, 0, items, own.globals, rule.hyper, 0, scores)
    next_scores(own, own.users, 0, 0)
    cosines(items.factors, items.factors[0], scores)
    best(scores, np.zeros(1, np.bool_), 1)
