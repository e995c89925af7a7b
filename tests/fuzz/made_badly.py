"""Records as the worst of producers would send them: good, broken in every place, and noise."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from typing import Final

USERS: Final = (*(f"u{n}" for n in range(300)), "a/b c", "\u00fc\U0001f600", "x" * 256, 'q"\\')
ITEMS: Final = (*(f"i{n}" for n in range(200)), "-", "\u4e2d\u6587", "y" * 255)
"""Ids are of a fixed choice, so that a model's rows, which memory grows with, are soon all there."""
ODD: Final = (
    *(
        "null",
        "true",
        "[]",
        "{}",
        '""',
        '"4"',
        "NaN",
        "-Infinity",
        "1e999",
        "-0",
        "1e-400",
        "0x1",
        "4.",
        ".5",
    ),
    *("99999999999999999999", "-1", "5.0000001", "3,3", "[" * 500, '"\\ud800"', "1" * 400, "4e0", "  4  "),
)
"""What stands where a number should."""
LONGEST_NOISE: Final = 200
TOO_LONG: Final = 70_000


class BadProducer:
    """Draws records; the same generator gives the same ones."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self._kinds: tuple[Callable[[str], bytes | None], ...] = (
            *(self._good, self._broken, self._odd, self._noise, self._tombstone, self._retraction),
            self._too_long,
        )

    def record(self) -> tuple[bytes | None, bytes | None]:
        """Key and value; one of them is there."""
        user = self._rng.choice(USERS)
        (kind,) = self._rng.choices(self._kinds, (45, 30, 12, 5, 3, 4, 0.1))
        value = kind(user)
        key = self._key(user)
        return key, b"" if key is None and value is None else value

    def _key(self, user: str) -> bytes | None:
        share = self._rng.random()
        if share < 0.8:
            return user.encode()
        if share < 0.9:
            return None
        return self._rng.choice(USERS).encode() if share < 0.95 else b"\xff" + self._rng.randbytes(3)

    def _parts(self, user: str, rating: str, time_ms: str) -> list[str]:
        """An event's text in parts, of which those at odd places are the ids."""
        return [
            '{"user_id":',
            json.dumps(user, ensure_ascii=self._rng.random() < 0.5),
            ',"item_id":',
            json.dumps(self._rng.choice(ITEMS), ensure_ascii=self._rng.random() < 0.5),
            f',"rating":{rating},"timestamp":{time_ms}}}',
        ]

    def _numbers(self) -> tuple[str, str]:
        return str(self._rng.randint(1, 10) / 2), str(self._rng.randint(10**12, 1_700_000_000_000))

    def _good(self, user: str) -> bytes:
        return "".join(self._parts(user, *self._numbers())).encode()

    def _retraction(self, user: str) -> bytes:
        return "".join(self._parts(user, "null", self._numbers()[1])).encode()

    def _tombstone(self, user: str) -> None:
        del user  # is in the key

    def _odd(self, user: str) -> bytes:
        numbers = list(self._numbers())
        numbers[self._rng.randrange(2)] = self._rng.choice(ODD)
        return "".join(self._parts(user, *numbers)).encode()

    def _noise(self, user: str) -> bytes:
        del user
        return self._rng.randbytes(self._rng.randrange(LONGEST_NOISE))

    def _too_long(self, user: str) -> bytes:
        return self._good(user) + b" " * TOO_LONG

    def _broken(self, user: str) -> bytes:
        """Up to four edits of whatever is not an id."""
        parts = [bytearray(part.encode()) for part in self._parts(user, *self._numbers())]
        for _ in range(self._rng.randint(1, 4)):
            part = parts[self._rng.choice((0, 2, 4, 4))]
            place = self._rng.randrange(len(part) + 1)
            piece = self._rng.choice(
                (self._rng.randbytes(1), bytes(part[place : place + 8]), b"\\", b'"', b",")
            )
            part[place : place + self._rng.randrange(3)] = piece
        value = b"".join(parts)
        return value[: self._rng.randrange(len(value))] if self._rng.random() < 0.1 else value
