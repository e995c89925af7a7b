"""What one commit writes: a learned batch as rows, histories, watermarks, dead letters, head and feed."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from lfm_online.batch import FORGET, RATING, Batch, Outcome
from lfm_online.model import Model
from lfm_online.store.protocol import Commit, FeedEntry, Head
from worker.events import Events
from worker.history_writes import history_writes


def commit_of(
    model: Model,
    events: Events,
    batch: Batch,
    outcome: Outcome,
    users: NDArray[np.int32],
    items: NDArray[np.int32],
    rings: Mapping[str, bytes | None],
    *,
    topic: str,
    previous: Head,
    head: Head,
    n_items: int,
    feed_entries: int,
    meta: bytes | None,
    ends_turn: bool,
) -> Commit:
    """The commit of a batch that was just learned.

    Args:
        model: After learning.
        events: What was learned, and the letters of what could not be.
        batch: The same by row numbers.
        outcome: What learning gave.
        users: Row numbers that the batch touched, ``int32[n]``.
        items: Likewise.
        rings: Stored histories of the users that rewrite theirs.
        topic: Names the watermarks' fields.
        previous: The head that the rows rest on.
        head: The head after this commit.
        n_items: Items in the store's list as of ``previous``.
        feed_entries: How long the feed is kept.
        meta: Of a model without a commit.
        ends_turn: Whether the turn ends with it.
    """
    gone = np.zeros(0, np.int32)
    if (batch.what == FORGET).any():
        gone = users[model.users.rows.header["events"][users] == 0]
    kept = users if len(gone) == 0 else users[~np.isin(users, gone)]
    writes = history_writes(model, events, batch, outcome, rings)
    dead: dict[int, dict[int, bytes]] = {}
    for letter in events.letters:
        dead.setdefault(letter.partition, {})[letter.offset] = letter.to_bytes()
    return Commit(
        expected=previous,
        entry=FeedEntry(
            head,
            previous,
            tuple(events.ranges),
            items.astype(np.uint32),
            model.users.rows.hash[users],
        ),
        globals=model.globals_bytes(),
        ring=model.ranking.ring_writes(int((batch.what == RATING).sum())) if model.ranking else (),
        watermarks={f"{topic}-{r.partition}": r.end for r in events.ranges},
        users=model.users.stored(kept),
        items=model.items.stored(items),
        new_items=model.items.ids[n_items:],
        runs=writes.full if writes else None,
        histories=writes.rewritten if writes else {},
        forgotten=list(model.users.ids.take(gone)),
        dead=dead,
        feed_entries=feed_entries,
        meta=meta,
        ends_turn=ends_turn,
    )
