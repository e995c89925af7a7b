"""Records as a topic would hold them, good and bad."""

import json
from typing import Any

from worker.decode import Decoder
from worker.events import Events
from worker.settings import Settings
from worker.source.records import Records, records_of

NOW = 1_700_000_000_000
DAY_MS = 86_400_000
GOOD: dict[str, Any] = {"user_id": "u", "item_id": "i", "rating": 4.5, "timestamp": NOW - 5}


def settings(**changes: Any) -> Settings:
    return Settings(topic="ratings", **changes)


def records(
    *values: bytes | None, key: bytes | None = b"u", time_ms: int = NOW, partition: int = 3, first: int = 10
) -> Records:
    n = len(values)
    return records_of(partition, first, list(range(first, first + n)), [time_ms] * n, [key] * n, list(values))


def event(**changes: Any) -> bytes:
    """A good event with changes; a field set to `...` is left out."""
    fields = {name: value for name, value in {**GOOD, **changes}.items() if value is not ...}
    return json.dumps(fields, allow_nan=True).encode()


def decode(*values: bytes | None, key: bytes | None = b"u", time_ms: int = NOW, **changes: Any) -> Events:
    return Decoder(settings(**changes)).decode(records(*values, key=key, time_ms=time_ms))


def raw(field: str, value: str) -> bytes:
    """A good event in which a field has this JSON text."""
    return event(**{field: "@"}).replace(b'"@"', value.encode())
