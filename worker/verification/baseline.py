"""What a verification that passed hands on to the next: what the topic says of each row, up to watermarks.

The file is a NumPy archive (``.npz``, uncompressed, no pickle)::

    about           uint8[n]    JSON: format 1, the model's meta (lfm_online/meta.py), watermarks by partition
    {kind}_ids      uint8[n]    UTF-8 of all ids, one behind the other; kind is user or item
    {kind}_start    int64[m+1]  row j's id is ids[start[j]:start[j + 1]]
    {kind}_events   uint32[m]   how many of the row's events lie below the watermarks
    {kind}_digest   uint32[m]   the sum of their digests mod 2^32
    {kind}_owner    int32[m]    the partition that they came in, -2: several
    {kind}_forgotten bool[m]    whether a tombstone came
"""

from __future__ import annotations

import json
import os
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self, get_args

import msgspec
import numpy as np
from numpy.typing import NDArray

from lfm_online.ids import Ids
from lfm_online.layout import Kind
from lfm_online.meta import Meta
from worker.verification.tally import Tally

FORMAT: Final = 1
_KEPT: Final = ("events", "digest", "owner", "forgotten")


class BaselineError(ValueError):
    """A file that is no baseline, or one of another model."""


@dataclass(frozen=True)
class Rows:
    """What the topic says of rows of one kind."""

    ids: Ids
    columns: dict[str, NDArray[Any]]


@dataclass(frozen=True)
class Baseline:
    """What the topic says of all rows, up to watermarks."""

    watermarks: dict[int, int]
    rows: dict[Kind, Rows]

    @classmethod
    def of(cls, watermarks: Mapping[int, int], tallies: Mapping[Kind, Tally]) -> Self:
        """Copied from a verification that stands at these watermarks; rows that the topic knows."""
        rows: dict[Kind, Rows] = {}
        for kind, tally in tallies.items():
            known = np.flatnonzero(tally.known())
            rows[kind] = Rows(
                tally.index.ids.take(known), {name: getattr(tally, name)[known] for name in _KEPT}
            )
        return cls({p: end for p, end in watermarks.items() if end}, rows)

    def enter(self, kind: Kind, tally: Tally) -> None:
        """Begin an empty tally with these rows."""
        rows = self.rows[kind]
        numbers = tally.numbers(rows.ids)
        for name in _KEPT:
            getattr(tally, name)[numbers] = rows.columns[name]

    def save(self, file: Path, meta: Meta) -> None:
        """Write the file, whole or not at all.

        Raises:
            OSError: it can't be written.
        """
        about = {"format": FORMAT, "meta": msgspec.to_builtins(meta), "watermarks": self.watermarks}
        arrays: dict[str, NDArray[Any]] = {"about": np.frombuffer(json.dumps(about).encode(), np.uint8)}
        for kind, rows in self.rows.items():
            arrays |= {f"{kind}_ids": rows.ids.data, f"{kind}_start": rows.ids.start}
            arrays |= {f"{kind}_{name}": column for name, column in rows.columns.items()}
        half = file.with_name(f".{file.name}.{os.getpid()}")
        try:
            with half.open("wb") as out:
                np.savez(out, allow_pickle=False, **arrays)
                out.flush()
                os.fsync(out.fileno())
            half.replace(file)
        finally:
            half.unlink(missing_ok=True)


def read_baseline(file: Path, meta: Meta) -> Baseline:
    """Read a file of :meth:`Baseline.save`.

    Raises:
        BaselineError: it is none, or not of the model of this meta.
    """
    try:
        with np.load(file, allow_pickle=False) as arrays:
            about = json.loads(arrays["about"].tobytes())
            if about["format"] != FORMAT:
                raise BaselineError(
                    f"{file} is a baseline of format {about['format']}, this version reads {FORMAT}"
                )
            rows: dict[Kind, Rows] = {
                kind: Rows(
                    Ids(arrays[f"{kind}_ids"], arrays[f"{kind}_start"]),
                    {name: arrays[f"{kind}_{name}"] for name in _KEPT},
                )
                for kind in get_args(Kind)
            }
            made_with, watermarks = about["meta"], {int(p): end for p, end in about["watermarks"].items()}
    except (OSError, KeyError, ValueError, TypeError, EOFError, zipfile.BadZipFile) as error:
        if isinstance(error, BaselineError):
            raise
        raise BaselineError(
            f"{file} is no baseline: {error}; save one with verify --save-baseline"
        ) from error
    own = msgspec.to_builtins(meta)
    other = [
        f"{name} was {made_with.get(name)!r}, is {own[name]!r}"
        for name in own
        if made_with.get(name) != own[name]
    ]
    if other:
        raise BaselineError(f"{file} is a baseline of another model: {'; '.join(other)}")
    return Baseline(watermarks, rows)
