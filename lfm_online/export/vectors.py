"""``users.parquet`` and ``items.parquet``: every row's counts, bias, factors and variances."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from lfm_online.catalogue import Catalogue
from lfm_online.export.parquet import arrow, parquet_file
from lfm_online.insight.units import units_of, variances_of
from lfm_online.insight.whole import OnProgress, read_items, user_blocks
from lfm_online.layout import Kind
from lfm_online.model import Model
from lfm_online.replica_reads import Loaded
from lfm_online.rows import Table
from lfm_online.store.protocol import Store

GROUP_ROWS: Final = 5000
"""Rows of a group, as many as are read from the store at a time."""


def export_vectors(
    store: Store, name: str, directory: Path, catalogue: Catalogue, on_progress: OnProgress
) -> dict[str, int]:
    """Write both files; only the items and a block of users are in memory at a time.

    ``bias`` and its variance are in the units of the score, as ``insight biases`` has them; the factors are
    as the rows hold them, with the variance of each, and ``factor_unit`` of the metadata times p.q is their
    part of a score. Variances are null for a rule that keeps none.

    Returns:
        How many rows each file has, by its name.

    Raises:
        ExportError: a file cannot be written, or the extra is missing.
        ModelMissingError, ModelEmptyError, StoreAwayError: there is nothing to read.
    """
    arrow()  # before anything is read
    loaded = read_items(store, name, on_progress)
    counts = {}
    for kind in ("item", "user"):
        file = f"{kind}s.parquet"
        counts[file] = 0
        with parquet_file(directory / file, _schema(kind, loaded.model), told_of(loaded, name)) as writer:
            for table, numbers in _blocks(kind, store, loaded.model, on_progress):
                writer.write_table(_rows(kind, loaded.model, table, numbers, catalogue, writer.schema))
                counts[file] += len(numbers)
    return counts


def told_of(loaded: Loaded, name: str) -> dict[str, Any]:
    """What a file says of its model."""
    meta, shared, units = loaded.meta, loaded.model.shared, units_of(loaded.model)
    return {
        "model": name,
        "rule": meta.rule,
        "factors": meta.factors,
        "low": meta.low,
        "high": meta.high,
        "ratings": int(shared["n"]),
        "mean_rating": float(shared["mean"]),
        "newest_ms": int(shared["newest_ms"]),
        "units": units.of,
        "factor_unit": units.factors,
    }


def _blocks(
    kind: Kind, store: Store, model: Model, on_progress: OnProgress
) -> Iterator[tuple[Table, NDArray[np.int32]]]:
    if kind == "item":
        for start in range(0, len(model.items), GROUP_ROWS):
            yield model.items, np.arange(start, min(start + GROUP_ROWS, len(model.items)), dtype=np.int32)
        return
    for block in user_blocks(store, model, on_progress):
        table = Table("user", model.rule, model.n_factors, ranking=model.ranking, capacity=len(block))
        numbers = table.numbers(list(block))
        table.load(numbers, list(block.values()))
        yield table, numbers


def _schema(kind: Kind, model: Model) -> Any:
    pa = arrow()
    named = [
        pa.field("title", pa.string()),
        pa.field("genres", pa.list_(pa.string())),
        pa.field("year", pa.int32()),
    ]
    return pa.schema(
        [
            pa.field(kind, pa.string(), nullable=False),
            pa.field("ratings", pa.uint32(), nullable=False),
            pa.field("events", pa.uint32(), nullable=False),
            pa.field("last_event", pa.timestamp("ms", "UTC")),
            pa.field("bias", pa.float32(), nullable=False),
            pa.field("bias_variance", pa.float32()),
            pa.field("factors", pa.list_(pa.float32(), model.n_factors), nullable=False),
            pa.field("factor_variance", pa.float32()),
            *(named if kind == "item" else []),
        ]
    )


def _rows(
    kind: Kind, model: Model, table: Table, numbers: NDArray[np.int32], catalogue: Catalogue, schema: Any
) -> Any:
    pa = arrow()
    header, state = table.rows.header[numbers], table.rows.state[numbers]
    unit = units_of(model).user_bias if kind == "user" else units_of(model).item_bias
    variances = variances_of(state)
    ids = [table.ids[number] for number in numbers.tolist()]
    factors = np.ascontiguousarray(table.rows.factors[numbers]).reshape(-1)
    columns = [
        pa.array(ids, pa.string()),
        pa.array(header["ratings"]),
        pa.array(header["events"]),
        pa.array(header["time_ms"], pa.timestamp("ms", "UTC"), mask=header["ratings"] == 0),
        pa.array((unit * state["b"]).astype(np.float32)),
        _variance(len(ids), None if variances is None else unit**2 * variances.bias),
        pa.FixedSizeListArray.from_arrays(pa.array(factors), model.n_factors),
        _variance(len(ids), None if variances is None else variances.factor),
    ]
    if kind == "item":
        told = [catalogue.of(item) for item in ids]
        unknown = np.array([item not in catalogue for item in ids], np.bool_)
        columns += [
            pa.array([each.title or None for each in told], pa.string()),
            pa.array([each.genres for each in told], pa.list_(pa.string()), mask=unknown),
            pa.array([each.year for each in told], pa.int32()),
        ]
    return pa.Table.from_arrays(columns, schema=schema)


def _variance(n: int, values: NDArray[np.float64] | None) -> Any:
    pa = arrow()
    return pa.nulls(n, pa.float32()) if values is None else pa.array(values.astype(np.float32))
