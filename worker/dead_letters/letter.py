"""A dead letter: an event that can't be learned, with its reason and its bytes."""

from __future__ import annotations

import hashlib
from typing import Final, Literal, get_args

import msgspec

Reason = Literal[
    "malformed", "type", "non_finite", "range", "id", "too_large", "schema", "future_time", "undecodable"
]
REASONS: Final[tuple[Reason, ...]] = get_args(Reason)


class DeadLetter(msgspec.Struct, frozen=True, kw_only=True):
    """What is kept of an event, MessagePack in the outbox."""

    reason: Reason
    detail: str
    topic: str
    partition: int
    offset: int
    time_ms: int
    """The record's own time, -1 where it has none."""
    key: bytes | None
    value: bytes | None
    """Cut past ``dead_letter_max_bytes``."""
    value_bytes: int
    """How long the value was."""
    sha256: str
    """Of the whole value where it was cut, else empty."""
    offsets: int = 1
    """How many it stands for, from ``offset`` on: 1, or those of a batch that can't be decoded."""

    @property
    def last(self) -> int:
        """The last offset that it stands for."""
        return self.offset + self.offsets - 1

    def to_bytes(self) -> bytes:
        """As it lies in the outbox."""
        return msgspec.msgpack.encode(self)

    def headers(self, model: str) -> list[tuple[str, bytes]]:
        """The headers of the record in the dead-letter topic; a reader can drop a repeat by them.

        Args:
            model: Which could not learn it; others of the topic may have.
        """
        headers = [
            ("lfm-model", model.encode()),
            ("lfm-reason", self.reason.encode()),
            ("lfm-detail", self.detail.encode()),
            ("lfm-topic", self.topic.encode()),
            ("lfm-partition", str(self.partition).encode()),
            ("lfm-offset", str(self.offset).encode()),
            ("lfm-offsets", str(self.offsets).encode()),
            ("lfm-time-ms", str(self.time_ms).encode()),
            ("lfm-value-bytes", str(self.value_bytes).encode()),
        ]
        return [*headers, ("lfm-sha256", self.sha256.encode())] if self.sha256 else headers


def read_letter(stored: bytes) -> DeadLetter:
    """Read a letter back from the outbox."""
    return msgspec.msgpack.decode(stored, type=DeadLetter)


def cut(value: bytes | None, limit: int) -> tuple[bytes | None, str]:
    """The value up to ``limit`` bytes, and the whole one's SHA-256 if something was cut."""
    if value is None or len(value) <= limit:
        return value, ""
    return value[:limit], hashlib.sha256(value).hexdigest()
