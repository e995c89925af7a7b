"""What a replica reads from the store: a whole model, and what a stretch of the feed changed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from lfm_online.item_priors import NO_PRIORS, ItemPriors, read_item_priors
from lfm_online.meta import Meta, read_meta
from lfm_online.model import Model
from lfm_online.store.protocol import FeedEntry, Head, Store

READ_ITEMS: Final = 5000
"""Item rows of one read: about 1 MB at 32 factors, so that the store is not blocked for long."""


class NotReadyError(Exception):
    """The replica is loading, stale, or cut off from the store."""


class ModelMissingError(NotReadyError):
    """The store holds no such model."""


class Loaded(NamedTuple):
    """A model as a replica holds it; ``model.users`` stays empty."""

    model: Model
    meta: Meta


class ModelRead(NamedTuple):
    """A whole model: all rows are as of ``head`` or newer."""

    loaded: Loaded
    head: Head
    heads: set[Head]  # that rows were read at


class Changes(NamedTuple):
    """What entries of the feed changed, as of their last head or newer."""

    new_items: list[str]
    items: NDArray[np.int32]  # numbers, ascending
    rows: list[bytes | None]  # of those
    globals: bytes | None
    priors: ItemPriors  # of new items, as the globals name them
    heads: set[Head]  # that rows were read at


def read_model(store: Store, name: str, on_progress: Callable[[int, int], None] | None = None) -> ModelRead:
    """Read a model: settings, head and globals, then all items.

    Args:
        store: Where from.
        name: The model's name, for errors.
        on_progress: Called with how many items were read, and how many there are.

    Raises:
        ModelMissingError: the store holds no such model.
        MetaMismatchError, FormatError: what it holds is not of this version.
        StoreAwayError: the store does not answer.
    """
    stored = store.read_meta()
    if stored is None:
        raise ModelMissingError(f"the store (LFM_STORE) holds no model {name!r} (LFM_MODEL)")
    meta = read_meta(stored, name)
    model = meta.make_model()
    state = store.read_state()
    model.load_globals(state.globals)
    model.items.priors = read_item_priors(store, state.globals, NO_PRIORS, meta.factors)
    ids = store.read_items(0)[: state.n_items]
    numbers = model.items.numbers(ids)
    heads = set()
    for start in range(0, len(ids), READ_ITEMS):
        read = store.read_rows([], ids[start : start + READ_ITEMS])
        model.items.load(numbers[start : start + READ_ITEMS], read.items)
        heads.add(read.head)
        if on_progress is not None:
            on_progress(start + len(read.items), len(ids))
    return ModelRead(Loaded(model, meta), state.head, heads)


def read_changes(store: Store, model: Model, entries: Sequence[FeedEntry]) -> Changes | None:
    """Read the items that entries of the feed name, and the globals, which every commit changes.

    Args:
        store: Where from.
        model: Holds the items before the entries; it is only read.
        entries: At least one.

    Returns:
        What changed; None if the store does not have an item that they name: it fell back.

    Raises:
        StoreAwayError: the store does not answer.
    """
    changed = np.unique(np.concatenate([entry.items for entry in entries])).astype(np.int32)
    known = len(model.items)
    count = max(known, int(changed[-1]) + 1) if len(changed) else known
    new_items = store.read_items(known)[: count - known] if count > known else []
    if known + len(new_items) < count:
        return None
    ids = [model.items.ids[n] if n < known else new_items[n - known] for n in changed]
    rows: list[bytes | None] = []
    heads = set()
    for start in range(0, max(len(ids), 1), READ_ITEMS):
        read = store.read_rows([], ids[start : start + READ_ITEMS])
        rows += read.items
        heads.add(read.head)
    priors = read_item_priors(store, read.globals, model.items.priors, model.n_factors)
    return Changes(new_items, changed, rows, read.globals, priors, heads)
