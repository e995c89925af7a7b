"""What the top n are ranked by: what is taken next, the predicted rating, and popularity."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lfm_online.evaluate.prequential import new_model
from lfm_online.evaluate.stream import Stream
from lfm_online.ranking.scores import DEFAULT_C, next_scores
from lfm_online.rules.rule import Rule


class ByNext:
    """By what the user takes next: the ranking head, with c times the predicted rating."""

    def __init__(self, stream: Stream, rule: Rule, factors: int, c: float = DEFAULT_C) -> None:
        """A model that has seen nothing of the stream."""
        self.name = f"taken next, c {c:g}"
        self._c = c
        self._model = new_model(rule, factors, stream, ranking=True)
        self._events = stream.batch()

    def learn(self, start: int, stop: int) -> None:
        """See :class:`Scorer`."""
        self._model.learn(type(self._events)._make(column[start:stop] for column in self._events))

    def score(self, event: int, scores: NDArray[np.float64]) -> None:
        """See :class:`Scorer`."""
        model, events = self._model, self._events
        user, at_ms = int(events.user[event]), int(events.time_ms[event])
        scores[:] = next_scores(model, model.users, user, at_ms, len(scores)).total(self._c)


class ByRating:
    """By the rating that the rule predicts, before the link."""

    name = "predicted rating"

    def __init__(self, stream: Stream, rule: Rule, factors: int) -> None:
        """A model that has seen nothing of the stream."""
        self._model = new_model(rule, factors, stream)
        self._events = stream.batch()

    def learn(self, start: int, stop: int) -> None:
        """See :class:`Scorer`."""
        self._model.learn(type(self._events)._make(column[start:stop] for column in self._events))

    def score(self, event: int, scores: NDArray[np.float64]) -> None:
        """See :class:`Scorer`."""
        model, events = self._model, self._events
        model.rule.score_items(
            model.users.rows,
            int(events.user[event]),
            model.items.rows,
            model.globals,
            model.rule.hyper,
            int(events.time_ms[event]),
            scores,
        )


class ByPopularity:
    """By how many ratings the item has had."""

    name = "popular items"

    def __init__(self, stream: Stream) -> None:
        """Nothing counted yet."""
        self._items = stream.item
        self._counts = np.zeros(len(stream.item_ids))

    def learn(self, start: int, stop: int) -> None:
        """See :class:`Scorer`."""
        np.add.at(self._counts, self._items[start:stop], 1.0)

    def score(self, event: int, scores: NDArray[np.float64]) -> None:  # noqa: ARG002 (alike for all)
        """See :class:`Scorer`."""
        scores[:] = self._counts[: len(scores)]
