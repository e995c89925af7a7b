"""A fitted model into the store, so that no other process ever sees half of it.

1. The model must be new: no meta, no head. Its meta is entered with format 0, which nobody reads: workers and
   lookup servers refuse it, and no other process can start a model of that name.
2. Rows, items and histories go in by commits of some thousand rows, each valid only on the head of the one
   before, as a worker's are.
3. The last commit, in the same atomic step, puts the meta in its place.

What breaks off in between leaves a model of format 0: it is deleted by hand, and fitted again. There are
no watermarks, so a worker then reads the topic from its beginning.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import msgspec
import numpy as np

from lfm_online.fit.train import Fitted
from lfm_online.history import append, rating_codes
from lfm_online.meta import UNFINISHED, Meta
from lfm_online.model import Model
from lfm_online.store.protocol import NO_HEAD, Commit, FeedEntry, Head, HistoryRuns, Store

ROWS: Final = 2000
"""Of each kind in a commit: a few milliseconds of the store's time (docs/decisions/0002)."""


class ModelExistsError(Exception):
    """The store has a model of that name."""


class FitBrokenOffError(Exception):
    """Another process wrote to the model while it was fitted."""


def check_new(store: Store, name: str, *, setting: str = "LFM_MODEL") -> None:
    """See that a model of that name may be written; ``setting`` gave the name, for errors.

    Raises:
        ModelExistsError: it is there.
        StoreBrokenError: the server is not fit to hold a model.
        StoreAwayError: the store does not answer.
    """
    store.check()
    if store.read_meta() is not None or store.read_state().head != NO_HEAD:
        raise ModelExistsError(
            f"the store has a model {name!r}: only new ones are written. Choose another name ({setting}), or "
            "delete that one"
        )


def write_model(
    store: Store,
    fitted: Fitted,
    meta: Meta,
    name: str,
    *,
    new_id: Callable[[], bytes],
    feed_entries: int,
    on_progress: Callable[[int, int], object] | None = None,
) -> None:
    """Write all of a model: the numbered steps.

    Args:
        store: Where to.
        fitted: The model; its users' tails are filled.
        meta: Its settings.
        name: Its name in the store, for errors.
        new_id: Gives 16 random bytes for each commit.
        feed_entries: How long the feed is kept.
        on_progress: Told of commits done, and of all.

    Raises:
        ModelExistsError: it is there.
        FitBrokenOffError: another process wrote to it.
        StoreBrokenError, StoreAwayError: by the store; the model is not finished.
    """
    # 1. The claim.
    check_new(store, name)
    if not store.create(msgspec.structs.replace(meta, format=UNFINISHED).to_bytes()):
        raise ModelExistsError(f"another process has just started a model {name!r} (LFM_MODEL)")
    # 2., 3. Commits; the meta with the last.
    runs = _histories(fitted)
    most = max(len(fitted.model.users), len(fitted.model.items), _n_runs(runs))
    parts = -(-most // ROWS)
    head = NO_HEAD
    for part in range(parts):
        own_meta = meta.to_bytes() if part == parts - 1 else None
        commit = _commit(fitted.model, runs, head, Head(new_id(), part + 1), part, own_meta, feed_entries)
        store.send_commit(commit)
        if not store.receive_commit().committed:
            raise FitBrokenOffError(
                f"another process wrote to model {name!r} (LFM_MODEL) while it was fitted: delete it, "
                "and fit again"
            )
        head = commit.head
        if on_progress is not None:
            on_progress(part + 1, parts)


def _histories(fitted: Fitted) -> HistoryRuns | None:
    """Enter the ratings in their users' tails; the chunks that are full."""
    model, train = fitted.model, fitted.train
    if model.history == 0:
        return None
    hyper = model.rule.hyper
    codes = rating_codes(train.rating, hyper.low, hyper.high)
    none = np.full(len(train.user), -1, np.int32)
    return append(model.users, model.history, train, fitted.outcome, codes, {}, none).full


def _n_runs(runs: HistoryRuns | None) -> int:
    return 0 if runs is None else len(runs.id_lengths)


def _runs_part(runs: HistoryRuns, first: int, end: int) -> HistoryRuns:
    """The runs from ``first`` to before ``end``."""
    id_first, id_end = int(runs.id_lengths[:first].sum()), int(runs.id_lengths[:end].sum())
    starts = runs.starts[first : end + 1]
    return HistoryRuns(
        runs.ids[id_first:id_end],
        runs.id_lengths[first:end],
        runs.offsets[first:end],
        starts - starts[0],
        runs.slots[starts[0] : starts[-1]],
    )


def _commit(
    model: Model,
    runs: HistoryRuns | None,
    previous: Head,
    head: Head,
    part: int,
    meta: bytes | None,
    feed_entries: int,
) -> Commit:
    """One part of a model's rows, items and histories."""

    def part_of(n: int) -> tuple[int, int]:
        return min(part * ROWS, n), min((part + 1) * ROWS, n)

    users = np.arange(*part_of(len(model.users)), dtype=np.int32)
    items = np.arange(*part_of(len(model.items)), dtype=np.int32)
    return Commit(
        expected=previous,
        entry=FeedEntry(head, previous, (), items.astype(np.uint32), model.users.rows.hash[users]),
        globals=model.globals_bytes(),
        ring=model.ranking.ring_writes(model.ranking.events) if model.ranking and meta else (),
        watermarks={},
        users=model.users.stored(users),
        items=model.items.stored(items),
        new_items=model.items.ids[slice(*part_of(len(model.items)))],
        runs=None if runs is None else _runs_part(runs, *part_of(_n_runs(runs))),
        feed_entries=feed_entries,
        meta=meta,
    )
