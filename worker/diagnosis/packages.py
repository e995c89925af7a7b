"""Versions, and the codecs that the topic's batches may be compressed by."""

from __future__ import annotations

import importlib.util
import platform
from collections.abc import Iterator
from importlib.metadata import version

from kafka import codec

from worker.diagnosis.finding import Finding

CODECS = ("gzip", "snappy", "lz4", "zstd")
EXTRAS = "pip install 'kafka-python[crc32c,lz4,snappy,zstd]'"


def look_at_packages() -> Iterator[Finding]:
    """What runs here."""
    names = ("lfm-online", "kafka-python", "redis", "numba", "numpy")
    found = ", ".join(f"{name} {version(name)}" for name in names)
    yield Finding("versions", "ok", f"Python {platform.python_version()}, {found}")
    missing = [name for name in CODECS if not getattr(codec, f"has_{name}")()]
    if missing:
        text = f"without {', '.join(missing)}: a batch compressed by it can't be read"
        yield Finding("codecs", "wrong", text, EXTRAS)
    else:
        yield Finding("codecs", "ok", ", ".join(CODECS))
    if importlib.util.find_spec("crc32c") is None:
        yield Finding("checksums", "warning", "in Python: half of the client's time", EXTRAS)
