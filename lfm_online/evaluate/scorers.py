"""What the top n are ranked by: what is taken next, the item taken last, the predicted rating, popularity."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lfm_online.evaluate.prequential import new_model
from lfm_online.evaluate.stream import Stream
from lfm_online.ranking.scores import DEFAULT_C, Scores, next_scores
from lfm_online.rules.rule import Rule
from lfm_online.similar import Near, near_item


class Next:
    """One model with a ranking head, learned once for all that rank by it."""

    def __init__(self, stream: Stream, rule: Rule, factors: int) -> None:
        """A model that has seen nothing of the stream."""
        self._model = new_model(rule, factors, stream, ranking=True)
        self._events = stream.batch()
        self._learned = 0
        self._scored = -1

    def learn(self, stop: int) -> None:
        """Learn the events before ``stop`` that are not learned yet."""
        if stop > self._learned:
            new = slice(self._learned, stop)
            self._model.learn(type(self._events)._make(column[new] for column in self._events))
            self._learned = stop

    def parts(self, event: int, n_known: int) -> Scores:
        """The parts of the known items' scores at an event; computed once for all who ask."""
        if event != self._scored:
            user, at_ms = int(self._events.user[event]), int(self._events.time_ms[event])
            self._parts = next_scores(self._model, self._model.users, user, at_ms, n_known)
            self._scored = event
        return self._parts

    def near(self, item: int, by: Near, n_known: int) -> NDArray[np.float64]:
        """How similar the known items are to one of them."""
        return near_item(self._model, item, by, n_known)


class ByNext:
    """By what the user takes next: the ranking head, with c times the predicted rating."""

    def __init__(self, model: Next, c: float = DEFAULT_C) -> None:
        """Of several with one model each ranks an event before any learns it."""
        self.name = f"taken next, c {c:g}"
        self._model, self._c = model, c

    def learn(self, start: int, stop: int) -> None:  # noqa: ARG002 (the model knows where it is)
        """See :class:`Scorer`."""
        self._model.learn(stop)

    def score(self, event: int, scores: NDArray[np.float64]) -> None:
        """See :class:`Scorer`."""
        scores[:] = self._model.parts(event, len(scores)).total(self._c)


class BySimilar:
    """By similarity to the item that the user rated last, whatever came before it."""

    def __init__(self, stream: Stream, model: Next, by: Near) -> None:
        """As :class:`ByNext`."""
        self.name = f"similar to the last, {by}"
        self._model, self._by = model, by
        order = np.argsort(stream.user, kind="stable")  # each user's events, in the order of the stream
        self._last = np.zeros_like(stream.item)
        self._last[order[1:]] = stream.item[order[:-1]]

    def learn(self, start: int, stop: int) -> None:  # noqa: ARG002 (the model knows where it is)
        """See :class:`Scorer`."""
        self._model.learn(stop)

    def score(self, event: int, scores: NDArray[np.float64]) -> None:
        """See :class:`Scorer`; whose event it is has rated an item before."""
        scores[:] = self._model.near(int(self._last[event]), self._by, len(scores))


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
