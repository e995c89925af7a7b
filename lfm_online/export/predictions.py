"""All predictions of given users as one Parquet file: a row for each of them and each item."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from lfm_online.export.parquet import arrow, parquet_file
from lfm_online.export.vectors import told_of
from lfm_online.insight.whole import OnProgress, read_items
from lfm_online.layout import Rows
from lfm_online.model import Model
from lfm_online.predict import basis_of, table_of
from lfm_online.store.protocol import Store

GROUP_ROWS: Final = 100_000
"""Predictions of a row group: some MB, whatever the number of items."""


class UnknownUsersError(LookupError):
    """Users whom the model has never seen."""

    def __init__(self, users: Sequence[str]) -> None:
        super().__init__(
            f"the model has no {'user' if len(users) == 1 else 'users'} {', '.join(map(repr, users))}"
        )


def export_predictions(
    store: Store, name: str, users: Sequence[str], file: Path, at: int | None, on_progress: OnProgress
) -> int:
    """Write what each user would rate each item, users in the given order, items as they were first learned.

    Args:
        store: Of the model.
        name: The model's name.
        users: Ids; each counts once.
        file: Where to.
        at: The time to predict for, Unix milliseconds; the newest rating's where not given.
        on_progress: Called with how much was read and predicted.

    Returns:
        How many predictions were written.

    Raises:
        UnknownUsersError: users whom the model does not know; nothing is written.
        ExportError: the file cannot be written, or the extra is missing.
        ModelMissingError, ModelEmptyError, StoreAwayError: there is nothing to read.
    """
    pa = arrow()
    loaded = read_items(store, name, on_progress)
    model = loaded.model
    ids = list(dict.fromkeys(users))
    stored = store.read_rows(ids, []).users
    unknown = [user for user, row in zip(ids, stored, strict=True) if row is None]
    if unknown:
        raise UnknownUsersError(unknown)
    table = table_of("user", model, ids, stored)
    at_ms = basis_of(model.globals, at).at_ms
    items = pa.array(list(model.items.ids), pa.string())
    schema = pa.schema(
        [
            pa.field("user", pa.string(), nullable=False),
            pa.field("item", pa.string(), nullable=False),
            pa.field("rating", pa.float32(), nullable=False),
            pa.field("deviation", pa.float32(), nullable=False),
            pa.field("score", pa.float32(), nullable=False),
        ]
    )
    written = 0
    with parquet_file(file, schema, {**told_of(loaded, name), "at_ms": at_ms}) as writer:
        for place, user in enumerate(ids):
            scores, deviations = _predicted(model, table.rows, place, at_ms)
            for start in range(0, len(scores), GROUP_ROWS):
                part = scores[start : start + GROUP_ROWS]
                columns = [
                    pa.repeat(pa.scalar(user, pa.string()), len(part)),
                    items.slice(start, len(part)),
                    pa.array(_ratings(model, part)),
                    pa.array(deviations[start : start + GROUP_ROWS]),
                    pa.array(part.astype(np.float32)),
                ]
                writer.write_table(pa.Table.from_arrays(columns, schema=writer.schema))
                written += len(part)
            on_progress("predictions", written, len(ids) * len(scores))
    return written


def _ratings(model: Model, scores: NDArray[np.float64]) -> NDArray[np.float32]:
    """The link, of all scores at once."""
    return np.array([model.rule.rating_of(score) for score in scores.tolist()], np.float32)


def _predicted(
    model: Model, users: Rows, u: int, at_ms: int
) -> tuple[NDArray[np.float64], NDArray[np.float32]]:
    """Each item's score for one user, and its stated deviation."""
    rule, items, parts = model.rule, model.items.rows, np.empty(len(model.rule.part_names))
    scores, own = np.empty(len(model.items)), np.empty(len(model.items), np.float32)
    for i in range(len(scores)):
        own[i] = rule.parts(users, u, items, i, model.globals, rule.hyper, at_ms, parts)
        scores[i] = parts.sum()
    return scores, own * np.float32(model.shared["deviation"])
