"""A Parquet file that is there whole or not at all, written in row groups of a bounded size."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import msgspec

METADATA_KEY: Final = b"lfm_online"
"""Where the file's schema metadata says what model it is of, as JSON."""


class ExportError(Exception):
    """A file that cannot be written; the message names it and says why."""


def arrow() -> Any:
    """The module ``pyarrow``, with ``pyarrow.parquet``.

    Raises:
        ExportError: the extra ``export`` is not installed.
    """
    try:
        import pyarrow as pa  # noqa: PLC0415 - an extra, and slow to import
        import pyarrow.parquet  # noqa: PLC0415 - pyarrow does not import it by itself
    except ImportError as error:
        raise ExportError("Parquet needs the extra export: pip install 'lfm-online[export]'") from error
    return pa


@contextlib.contextmanager
def parquet_file(path: Path, fields: Any, told: Mapping[str, Any]) -> Iterator[Any]:
    """A ``pyarrow.parquet.ParquetWriter``; each table that it is given becomes a row group.

    The file is written beside ``path`` and takes its name when all is written.

    Args:
        path: Where to; a file that is there is replaced.
        fields: A ``pyarrow`` schema.
        told: What the file says of the model, in its metadata.

    Raises:
        ExportError: it cannot be written.
    """
    schema = fields.with_metadata({METADATA_KEY: msgspec.json.encode(told)})
    partial = path.with_name(f".{path.name}.part")
    # Hardly two factors are the same number: a dictionary of them only adds to the file.
    repeating = [field.name for field in schema if field.type == arrow().string()]
    try:
        with arrow().parquet.ParquetWriter(
            partial, schema, compression="zstd", use_dictionary=repeating
        ) as writer:
            yield writer
        partial.replace(path)
    except OSError as error:
        raise ExportError(f"{path} cannot be written: {error.strerror or error}") from None
    finally:
        partial.unlink(missing_ok=True)
