"""Top-n quality without sampled negatives: where the item that was taken ranks among all the others.

Prequential: each is ranked before it is learned, in the last part of the stream. What is ranked are the
ratings at or above ``like`` by users with some earlier ratings, on items known by then. The user's own items
are left out; a tie counts half. With sampled negatives the order of two recommenders can turn round: Krichene
and Rendle (2020), "On sampled metrics for item recommendation", KDD.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple, Protocol

import numba
import numpy as np
from numpy.typing import NDArray

from lfm_online.evaluate.record import counts_before
from lfm_online.evaluate.stream import Stream
from lfm_online.numba_flags import EXACT
from lfm_online.top import best

SHARE_BEFORE: Final = 0.7
"""The share of the stream that is learned before anything is ranked."""
EARLIER_RATINGS: Final = 5
"""Ratings that a user must have had."""


class Scorer(Protocol):
    """Ranks items for a user, and learns the stream as it goes.

    It is made for one stream, whose events it is told by their places.
    """

    @property
    def name(self) -> str:
        """As tables show it."""

    def learn(self, start: int, stop: int) -> None:
        """Learn the events from ``start`` to before ``stop``, in order; they follow on what it learned."""

    def score(self, event: int, scores: NDArray[np.float64]) -> None:
        """Fill in a score for each known item, the higher the better; all finite.

        Args:
            event: Place of the event whose user asks, at its time; all before it were learned, it was not.
            scores: ``float64[n_known]``, for the items 0 to ``n_known - 1``: those of the events before.
        """


class TopQuality(NamedTuple):
    """How good the top n of one scorer are."""

    name: str
    ranked: int
    """Events that were ranked."""
    hit_rate: float
    """Share of them whose item was among the first n."""
    ndcg: float
    """Mean of ``1/log2(place + 1)`` over them, the first place being 1, and 0 past the n-th."""
    coverage: float
    """Share of the items of the stream that were among the first n for somebody."""
    popularity_rank: float
    """Mean share of the known items that had more ratings than a recommended one; a tie counts half."""
    hit_rating: float | None
    """Mean rating that the found items were given; None where none was found."""


@numba.njit(**EXACT)
def place_of(scores: Any, left_out: Any, taken: int) -> int:
    """How many items rank ahead of ``taken``, of equal ones half, rounded down."""
    ahead = 0
    equal = 0
    for item in range(len(scores)):
        if left_out[item] or item == taken:
            continue
        ahead += scores[item] > scores[taken]
        equal += scores[item] == scores[taken]
    return ahead + equal // 2


@numba.njit(**EXACT)
def popularity_ranks(counts: Any, items: Any) -> float:
    """Sum over ``items`` of the share of ``counts: int64[n_known]`` above their own, of equal ones half."""
    total = 0.0
    for item in items:
        above = 0
        equal = 0
        for other in range(len(counts)):
            above += counts[other] > counts[item]
            equal += counts[other] == counts[item]
        total += (above + (equal - 1) / 2) / len(counts)
    return total


def events_to_rank(stream: Stream, like: float) -> NDArray[np.intp]:
    """Places of the events that are ranked, ascending."""
    known = np.maximum.accumulate(stream.item) + 1
    chosen = (stream.rating >= like) & (counts_before(stream.user) >= EARLIER_RATINGS)
    chosen[1:] &= stream.item[1:] < known[:-1]
    chosen[: max(int(len(stream) * SHARE_BEFORE), 1)] = False
    return np.flatnonzero(chosen)


def rank(
    stream: Stream,
    scorers: Sequence[Scorer],
    n: int,
    like: float,
    on_progress: Callable[[int], None] | None = None,
) -> list[TopQuality]:
    """Rank each chosen event's item by each scorer, then let them learn it.

    Args:
        stream: By time; its items are numbered by their first ratings.
        scorers: New ones, for this stream.
        n: Length of the lists.
        like: The least rating of an event to rank.
        on_progress: Called with the number of events ranked.

    Raises:
        ValueError: there is no event to rank.
    """
    chosen = events_to_rank(stream, like)
    if len(chosen) == 0:
        raise ValueError(
            f"nothing to rank: in the last {1 - SHARE_BEFORE:.0%} of the stream no user with "
            f"{EARLIER_RATINGS} earlier ratings gave {like:g} or more to a known item (--like)"
        )
    items_of = _Histories(stream)
    counts = np.zeros(len(stream.item_ids), np.int64)
    shown = np.zeros((len(scorers), len(counts)), np.bool_)
    places = np.empty((len(scorers), len(chosen)), np.int64)
    popularity, listed = np.zeros(len(scorers)), np.zeros(len(scorers))
    learned = known = 0
    for turn, event in enumerate(chosen.tolist()):
        np.add.at(counts, stream.item[learned:event], 1)
        known = max(known, int(stream.item[learned:event].max(initial=-1)) + 1)
        left_out = items_of.left_out(event, known)
        scores = np.empty(known)
        for s, scorer in enumerate(scorers):
            scorer.learn(learned, event)
            scorer.score(event, scores)
            places[s, turn] = place_of(scores, left_out, int(stream.item[event]))
            top = best(scores, left_out, n)
            shown[s, top] = True
            popularity[s] += popularity_ranks(counts[:known], top)
            listed[s] += len(top)
        learned = event
        if on_progress is not None:
            on_progress(turn + 1)
    found, given = places < n, stream.rating[chosen]
    gain = np.where(found, 1 / np.log2(places + 2), 0.0)
    return [
        TopQuality(
            scorer.name,
            len(chosen),
            float(np.mean(found[s])),
            float(gain[s].mean()),
            float(shown[s].mean()),
            float(popularity[s] / max(listed[s], 1)),
            float(given[found[s]].mean()) if found[s].any() else None,
        )
        for s, scorer in enumerate(scorers)
    ]


class _Histories:
    """The items that an event's user had rated before it."""

    def __init__(self, stream: Stream) -> None:
        order = np.argsort(stream.user, kind="stable")
        self._items = stream.item[order]  # each user's, in the order of the stream
        self._start = np.searchsorted(stream.user[order], np.arange(len(stream.user_ids)))
        self._user = stream.user
        self._before = counts_before(stream.user)

    def left_out(self, event: int, known: int) -> NDArray[np.bool_]:
        """``bool[known]``."""
        start = self._start[self._user[event]]
        flags = np.zeros(known, np.bool_)
        flags[self._items[start : start + self._before[event]]] = True
        return flags
