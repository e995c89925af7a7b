"""The slow, obvious twin of the ranking head, in plain Python and float64, from docs/model.md."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from lfm_online.hashing import id_hash
from tests.naive import Vector, gaussian_factors
from tests.naive_bytes import MASK, fmix64


@dataclass
class RankedUser:
    p: Vector
    a: float = 0.0
    taken: list[tuple[str, bool]] = field(default_factory=list)  # item, whether rated high


@dataclass
class RankedItem:
    y: Vector
    a: float = 0.0
    events: list[int] = field(default_factory=list)  # numbers of all its events


class Ranking:
    """Learns one event at a time; rows by id. ``touched`` are the items that the last event changed."""

    def __init__(self, seed: int, k: int) -> None:
        self.seed, self.k = seed, k
        self.users: dict[str, RankedUser] = {}
        self.items: dict[str, RankedItem] = {}
        self.history: list[tuple[str, str, float]] = []  # user, item, rating
        self.pi = 0.5
        self.touched: set[str] = set()

    @property
    def n(self) -> int:
        return len(self.history)

    def user(self, user: str) -> RankedUser:
        return self.users.setdefault(user, RankedUser(np.zeros(self.k)))

    def item(self, item: str) -> RankedItem:
        if item not in self.items:
            hashed = id_hash("item", item.encode())
            self.items[item] = RankedItem(gaussian_factors(self.seed ^ 0x72616E6B, hashed, 0.1, self.k))
        return self.items[item]

    def decayed(self, events: list[int]) -> float:
        """A decayed count as of the event before this one; each event halves in 1000."""
        return sum(math.exp2((e - self.n) / 1000) for e in events)

    def q(self, item: str) -> tuple[float, float, float]:
        """q1, q0 and Q of an item."""
        row = self.items[item]
        # D and C are as after their latest event: C is not decayed up to now, so neither is its sum here.
        everything = sum(2.0 ** ((e + 1 - self.n) / 1000) for e in range(self.n))
        q1, q0 = self.decayed(row.events) / everything, len(row.events) / self.n
        known = sum(1 for row in self.items.values() if row.events)
        return q1, q0, self.pi * q1 + (1 - self.pi) * q0 + 0.05 / known

    def context(self, user: str) -> list[tuple[str, float]]:
        """The user's last five items, newest first, each with its share."""
        last = self.user(user).taken[-5:][::-1]
        weights = [0.7**place * (1 if high else 0.5) for place, (_, high) in enumerate(last)]
        return [(item, w / sum(weights)) for (item, _), w in zip(last, weights, strict=True)]

    def h(self, user: str) -> Vector:
        h = self.user(user).p.copy()
        for item, share in self.context(user):
            h += share * self.items[item].y
        return h

    def candidates(self, user: str, item: str) -> list[str]:
        chosen = [item]
        taken = {name for name, _ in self.user(user).taken[-16:]}
        key = fmix64(self.n ^ fmix64(self.seed))
        for draw in range(16):
            width = min(self.n, 4096)
            slot = (fmix64((key + (draw + 1) * 0x9E3779B97F4A7C15) & MASK) >> 32) * width >> 32
            place = max(e for e in range(max(0, self.n - 4096), self.n) if e % 4096 == slot)
            other, name, _ = self.history[place]
            if name != item and other != user and name not in taken:
                chosen.append(name)
        return chosen

    def take(self, user: str, item: str, rating: float) -> None:
        u, b = self.user(user), self.item(item)
        high = not self.history or rating >= np.mean([r for _, _, r in self.history])
        self.touched = {item}
        if self.n > 50 and b.events:
            q1, q0, _ = self.q(item)
            expected = self.pi * q1 / (self.pi * q1 + (1 - self.pi) * q0)
            chosen = self.candidates(user, item)
            if len(chosen) > 1:
                self.step(user, chosen)
            self.pi += max(0.0025, 1 / (self.n + 20)) * (expected - self.pi)
        b.events.append(self.n)
        self.history.append((user, item, rating))
        u.taken.append((item, bool(high)))

    def step(self, user: str, chosen: list[str]) -> None:
        u, h, context = self.user(user), self.h(user), self.context(user)
        known = sum(1 for row in self.items.values() if row.events)
        e = []
        for c in chosen:
            q1, _, q = self.q(c)
            e.append(math.exp(h @ self.items[c].y) * q / (q1 + 0.01 / known))
        total = np.zeros(self.k)
        for place, c in enumerate(chosen):
            row = self.items[c]
            g = (1 if place == 0 else 0) - e[place] / sum(e)
            total += g * row.y
            row.a += g**2 * float(h @ h) / self.k
            row.y = row.y + 0.2 * g * h / math.sqrt(1 + row.a)
        size = float(total @ total) / self.k
        u.a += size
        u.p = u.p + 0.2 * total / math.sqrt(1 + u.a)
        for item, share in context:
            row = self.items[item]
            row.a += share**2 * size
            row.y = row.y + 0.2 * share * total / math.sqrt(1 + row.a)
        self.touched |= {*chosen, *(item for item, _ in context)}

    def forget(self, user: str) -> None:
        self.users.pop(user, None)
        self.touched = set()
