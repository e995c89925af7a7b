"""The hit rate as events come in: a sample of them is ranked before it is learned.

What is ranked is a sampled rating that is *high* (at or above the running mean of those before), of an item
rated before, by a user with some earlier ratings: at its place among all items rated before, by the model
that has learned every event ahead of it. Learning a batch in parts gives the same bytes as in one, so it
is learned up to each sampled event, which is ranked, and on from there. Left out are the user's last 16
items, those of the history if the model keeps one, and those ahead in the batch. As in
``evaluate.ranking`` a tie counts half.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from lfm_online.batch import RATING, Batch, Outcome
from lfm_online.evaluate.ranking import EARLIER_RATINGS, place_of
from lfm_online.history import read
from lfm_online.layout import CHUNK, SLOT
from lfm_online.model import Model
from lfm_online.ranking.scores import DEFAULT_C, next_scores

TOP: Final = 10
EVERY: Final = 256
"""One event in so many is sampled, and one in ``items / ITEMS_AN_EVENT`` where these are more."""
ITEMS_AN_EVENT: Final = 16
"""Most items scored for an event, on average: what bounds the cost."""
MOST_ITEMS: Final = 20_000
"""Of a larger model nothing is ranked: it takes all items' rows in memory, and milliseconds an event."""


class Hits(NamedTuple):
    """How often the item taken was among the first :data:`TOP`."""

    ranked: int  # events
    next: int  # by the score that recommend serves by default
    popular: int  # by all-time counts


NO_HITS: Final = Hits(0, 0, 0)


class Sample:
    """The events of a batch that may be ranked, and what their users had rated before it."""

    def __init__(self, model: Model, batch: Batch, n_items: int) -> None:
        """Choose high ratings by their digests, so by where they lie in the log.

        Args:
            model: Before the batch, the batch's users loaded; without a ranking head nothing is sampled.
            batch: The events.
            n_items: Items of the model before the batch.
        """
        self.places = _sampled(model, batch, n_items)
        """Ascending; if there are any, learning takes all items' rows."""
        users = np.unique(batch.user[self.places]) if model.history else batch.user[:0]
        self._long = users[model.users.rows.header["ratings"][users] >= CHUNK]
        self.histories = list(model.users.ids.take(self._long))
        """Ids of users whose stored histories :meth:`take` takes; of others all travels with the row."""
        self._model, self._users = model, users
        self.own: dict[int, NDArray[np.uint32]] = {}
        """Item numbers of each user's history, by the user's number."""

    def take(self, stored: Sequence[bytes | None]) -> None:
        """Read what the users had rated; ``stored`` of :attr:`histories`, in order."""
        users, hyper = self._model.users, self._model.rule.hyper
        full = dict(zip(self._long.tolist(), stored, strict=True))
        for user in self._users.tolist():
            ratings = int(users.rows.header["ratings"][user])
            recent = users.tails[user].tobytes()[: SLOT.itemsize * (ratings % CHUNK)]
            size = self._model.history
            self.own[user] = read(recent, full.get(user), ratings, size, hyper.low, hyper.high).items


def _sampled(model: Model, batch: Batch, n_items: int) -> NDArray[np.int64]:
    if model.ranking is None or n_items > MOST_ITEMS:
        return np.zeros(0, np.int64)
    shared = model.ranking.globals[0]
    rated = batch.what == RATING
    before = shared["events"] + np.cumsum(rated) - rated
    given = np.where(rated, batch.rating, 0.0)
    given_before = shared["ratings_sum"] + np.cumsum(given) - given
    high = rated & (given * before >= given_before)
    return np.flatnonzero(high & (batch.digest % np.uint32(max(EVERY, n_items // ITEMS_AN_EVENT)) == 0))


def learn_and_rank(model: Model, batch: Batch, sample: Sample) -> tuple[Outcome, Hits]:
    """Learn a batch, and rank the sampled events on the way.

    Args:
        model: The rows that the batch touches are loaded, and if any is sampled, all items'.
        batch: The events.
        sample: Of the batch, its users' histories read.
    """
    outcomes, hits, start = [], NO_HITS, 0
    for place in sample.places.tolist():
        if place > start:
            outcomes.append(model.learn(_part(batch, start, place)))
            start = place
        found = _rank(model, batch, place, sample.own.get(int(batch.user[place])))
        hits = Hits(*(a + b for a, b in zip(hits, found, strict=True)))
    outcomes.append(model.learn(_part(batch, start, len(batch.user))))
    if len(outcomes) == 1:
        return outcomes[0], hits
    joined: Any = map(np.concatenate, zip(*outcomes, strict=True))
    return Outcome._make(joined), hits


def _part(batch: Batch, start: int, stop: int) -> Batch:
    return Batch._make(column[start:stop] for column in batch)


def _rank(model: Model, batch: Batch, place: int, own: NDArray[Any] | None) -> Hits:
    """Of one event, all before which are learned."""
    user, item = int(batch.user[place]), int(batch.item[place])
    state = model.users.rank_rows.state[user]
    counts = model.items.rank_rows.state["count"][: len(model.items)]
    if state["events"] < EARLIER_RATINGS or counts[item] == 0:
        return NO_HITS
    left_out = counts == 0
    last = np.abs(state["last"])
    left_out[last[last > 0] - 1] = True
    ahead = (batch.user[:place] == user) & (batch.what[:place] == RATING)
    left_out[batch.item[:place][ahead]] = True
    if own is not None:
        left_out[own] = True
    scores = next_scores(model, model.users, user, int(batch.time_ms[place])).total(DEFAULT_C)
    by_count = counts.astype(np.float64)
    return Hits(
        1,
        int(place_of(scores, left_out, item) < TOP),
        int(place_of(by_count, left_out, item) < TOP),
    )
