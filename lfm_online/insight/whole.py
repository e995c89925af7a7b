"""A whole model read from its store, users included.

While a worker learns, rows may be of commits a little apart.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice
from typing import Final

from lfm_online.model import Model
from lfm_online.replica_reads import Loaded, NotReadyError, read_model
from lfm_online.rows import Table
from lfm_online.store.protocol import Store

BLOCK_USERS: Final = 5000
"""User rows that are held as bytes at a time: about 1 MB at 32 factors."""

OnProgress = Callable[[str, int, int | None], None]
"""Called with what is counted (``users``, ``items``), how many there were, and of how many; None: unknown."""


class ModelEmptyError(NotReadyError):
    """The model has learned no rating yet: there is nothing to read in it."""


def read_items(store: Store, name: str, on_progress: OnProgress) -> Loaded:
    """A model with all its items and no users.

    Raises:
        ModelMissingError: the store holds no such model.
        ModelEmptyError: it has learned no rating.
        StoreAwayError, FormatError, MetaMismatchError: as ``read_model`` says.
    """
    loaded = read_model(store, name, lambda done, total: on_progress("items", done, total)).loaded
    if not loaded.model.shared["n"] > 0:
        raise ModelEmptyError(f"the model {name!r} (LFM_MODEL) has learned no rating yet")
    return loaded


def read_whole(store: Store, name: str, on_progress: OnProgress) -> Loaded:
    """A model with all its rows; the users' tails, which hold the history, are left out.

    Raises:
        As :func:`read_items`.
    """
    loaded = read_items(store, name, on_progress)
    model = loaded.model
    model.users = Table("user", model.rule, model.n_factors, ranking=model.ranking)
    for block in user_blocks(store, model, on_progress):
        model.users.load(model.users.numbers(list(block)), list(block.values()))
    return loaded


def user_blocks(store: Store, model: Model, on_progress: OnProgress) -> Iterator[dict[str, bytes]]:
    """All users' rows without their tails, each once, :data:`BLOCK_USERS` at a time.

    Raises:
        StoreAwayError: the store does not answer.
    """
    seen: set[str] = set()  # a scan may give a row twice
    scanned = store.scan_rows("user")
    while block := dict(islice(scanned, BLOCK_USERS)):
        new = {user: row[: model.users.row_bytes] for user, row in block.items() if user not in seen}
        seen.update(new)
        on_progress("users", len(seen), None)
        yield new
