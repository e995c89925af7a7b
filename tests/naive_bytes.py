"""Slow, obvious twins of what lays out bytes: hashes, commands, histories."""

from __future__ import annotations

import zlib

MASK = 2**64 - 1


def fmix64(x: int) -> int:
    """MurmurHash3's 64-bit finaliser."""
    x = ((x ^ (x >> 33)) * 0xFF51AFD7ED558CCD) & MASK
    x = ((x ^ (x >> 33)) * 0xC4CEB9FE1A85EC53) & MASK
    return x ^ (x >> 33)


def event_digest(topic: str, partition: int, offset: int) -> int:
    return fmix64(offset ^ fmix64(zlib.crc32(topic.encode()) << 32 | partition)) % 2**32


def resp(*words: bytes) -> bytes:
    """A command as Redis reads it."""
    return b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%b\r\n" % (len(word), word) for word in words)


class Ring:
    """A user's history, event by event: an open chunk of up to 32 slots, and a ring of full ones."""

    def __init__(self, size: int) -> None:
        self.chunks = (size + 31) // 32
        self.n = 0
        self.open: list[bytes] = []
        self.full: dict[int, list[bytes]] = {}

    def append(self, item: int, code: int) -> None:
        self.open.append(item.to_bytes(4, "little") + code.to_bytes(2, "little"))
        if len(self.open) == 32:
            self.full[self.n // 32 % self.chunks] = self.open
            self.open = []
        self.n += 1

    def take_back(self, item: int) -> None:
        for chunk in (self.open, *self.full.values()):
            for place, slot in enumerate(chunk):
                if slot[:4] == item.to_bytes(4, "little"):
                    chunk[place] = slot[:4] + b"\xff\xff"

    def forget(self) -> None:
        self.n, self.open, self.full = 0, [], {}

    @property
    def recent_value(self) -> bytes:
        return b"".join(self.open)

    @property
    def full_value(self) -> bytes:
        return b"".join(b"".join(self.full[place]) for place in sorted(self.full))
