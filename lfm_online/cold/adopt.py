"""Giving a model in the store its item priors: one commit, like a worker's, that learns nothing.

A worker whose commit comes next is refused, since the head is another, and takes the priors over with the
globals that name them. So no row starts from other priors than those of the head that it is committed on.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np

from lfm_online.item_priors import ItemPriors
from lfm_online.model import Model
from lfm_online.store.protocol import Commit, FeedEntry, Head, Store, StoreAwayError

TRIES: Final = 1000
"""A busy worker commits a hundred times a second, and each attempt takes about a millisecond."""


def adopt_priors(
    store: Store, model: Model, priors: ItemPriors, *, feed_entries: int, new_id: Callable[[], bytes]
) -> None:
    """Let new items of the store's model start from these priors, and from no others.

    Args:
        store: Holds the model.
        model: One of its settings, to lay out bytes with; its globals are overwritten.
        priors: Of items.
        feed_entries: How long the feed is kept.
        new_id: Gives 16 random bytes for a commit.

    Raises:
        StoreAwayError: the store does not answer, or other commits came first each time.
    """
    model.items.priors = priors
    none = np.zeros(0, np.int32)
    for _ in range(TRIES):
        state = store.read_state()
        model.load_globals(state.globals)
        entry = FeedEntry(
            Head(new_id(), state.head.sequence + 1),
            state.head,
            (),
            np.zeros(0, np.uint32),
            np.zeros(0, np.uint64),
        )
        store.send_commit(
            Commit(
                expected=state.head,
                entry=entry,
                globals=model.globals_bytes(),
                watermarks={},
                users=model.users.stored(none),
                items=model.items.stored(none),
                priors=priors.to_bytes(),
                feed_entries=feed_entries,
            )
        )
        if store.receive_commit().committed:
            return
    raise StoreAwayError(f"other commits came first {TRIES} times; try again")
