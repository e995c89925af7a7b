"""Predictions and recommendations of the adaptive rule from raw rows, by their documented byte offsets.

    python brute_force.py redis://127.0.0.1:6379/0 MODEL predict USER ITEM
    python brute_force.py redis://127.0.0.1:6379/0 MODEL recommend USER N
    python brute_force.py redis://127.0.0.1:6379/0 MODEL next USER N C
    python brute_force.py redis://127.0.0.1:6379/0 MODEL basket N C ITEM...
    python brute_force.py redis://127.0.0.1:6379/0 MODEL popular N

prints JSON. It knows the project's documents alone, none of its code: what it finds, any other program could.
"""

import hashlib
import json
import math
import struct
import sys
from typing import Any, NamedTuple

import numpy as np
import redis

HEADER = 28  # bytes of a row before the rule's record
EMPTY = 65535  # a slot of the history whose rating was taken back
MASK = 2**64 - 1


class User(NamedTuple):
    ratings: int
    time_ms: int
    average: float  # shrunk, rating units
    b: float
    a: float
    s: float
    f: float
    cov: np.ndarray[Any, Any]  # 4 x 4, of (b, a, s, f)
    v_p: float
    nu: float
    p: np.ndarray[Any, Any]


class Item(NamedTuple):
    ratings: int
    average: float
    b: float
    v_b: float
    v_q: float
    q: np.ndarray[Any, Any]


class Globals(NamedTuple):
    n: float
    mean: float
    m2: float
    newest_ms: int
    m: float
    log_gap_sum: float
    gaps: float
    widths: list[float]  # stated deviation, and half-widths of the 50, 80 and 90% bands, by sd sqrt(S)
    W: np.ndarray[Any, Any]


class Limits(NamedTuple):
    low: float
    high: float
    seed: int
    factors: int
    history: int


def read_limits(meta: bytes) -> Limits:
    m = json.loads(meta)
    assert m["rule"] == "adaptive"
    return Limits(m["low"], m["high"], m["seed"], m["factors"], m["history"])


def read_globals(value: bytes) -> Globals:
    assert value[0] == 1  # format
    n, mean, m2, newest = struct.unpack_from("<3dq", value, 8)
    widths = list(struct.unpack_from("<4d", value, 152))
    m, log_gap_sum, gaps, *w = struct.unpack_from("<18d", value, 184)
    return Globals(n, mean, m2, newest, m, log_gap_sum, gaps, widths, np.array(w))


def read_user(value: bytes | None, limits: Limits, g: Globals) -> User:
    if value is None:
        cov = np.diag([0.06 * math.exp(g.W[8]), 0.2, 0.02, 0.05])
        return User(0, 0, 0.0, 0.0, 0.0, 0.0, 0.0, cov, 0.35, 1.0, np.zeros(limits.factors))
    ratings, time_ms, bias_sum = struct.unpack_from("<Iqf", value, 12)
    b, a, s, f, *packed, v_p, nu = struct.unpack_from("<16f", value, HEADER)
    cov = np.zeros((4, 4))
    cov[np.triu_indices(4)] = packed
    cov = np.triu(cov) + np.triu(cov, 1).T
    if ratings == 0:
        cov[0, 0] = 0.06 * math.exp(g.W[8])
    p = np.frombuffer(value, "<f4", limits.factors, HEADER + 64)
    return User(ratings, time_ms, bias_sum / (ratings + 5), b, a, s, f, cov, v_p, nu, p)


def read_item(value: bytes | None, item: str, limits: Limits) -> Item:
    if value is None:
        return Item(0, 0.0, 0.0, 0.14, 0.09, 0.028 * _gaussian(limits.seed, item, limits.factors))
    ratings, _, bias_sum = struct.unpack_from("<Iqf", value, 12)
    b, v_b, v_q = struct.unpack_from("<3f", value, HEADER)
    q = np.frombuffer(value, "<f4", limits.factors, HEADER + 12)
    return Item(ratings, bias_sum / (ratings + 5), b, v_b, v_q, q)


def _fmix64(x: int) -> int:
    x ^= x >> 33
    x = x * 0xFF51AFD7ED558CCD & MASK
    x ^= x >> 33
    x = x * 0xC4CEB9FE1A85EC53 & MASK
    return x ^ x >> 33


def _gaussian(seed: int, item: str, factors: int) -> np.ndarray[Any, Any]:
    digest = hashlib.blake2b(item.encode(), digest_size=8, person=b"lfm-item").digest()
    key = _fmix64(int.from_bytes(digest, "little") ^ _fmix64(seed))
    out = np.zeros(factors + 1)
    for j in range(0, factors, 2):
        bits = _fmix64(key + (j + 1) * 0x9E3779B97F4A7C15 & MASK)
        radius = math.sqrt(-2 * math.log(((bits >> 32) + 1) / 2**32))
        angle = 2 * math.pi * (bits & 0xFFFFFFFF) / 2**32
        out[j], out[j + 1] = radius * math.cos(angle), radius * math.sin(angle)
    return out[:factors]


def _drifted(user: User, g: Globals, at_ms: int) -> tuple[float, np.ndarray[Any, Any]]:
    """The fast bias and the covariance as they stand at that time."""
    cov = user.cov.copy()
    v_bu0 = 0.06 * math.exp(g.W[8])
    if user.ratings == 0:
        return user.f, cov
    if cov[0, 0] < v_bu0:
        cov[0, 0] = min(cov[0, 0] + 5e-4, v_bu0)
    rho = 0.98
    gap = at_ms - user.time_ms
    if gap > 0:
        mean_gap = math.exp((g.log_gap_sum + math.log(gap)) / (g.gaps + 1))
        rho *= math.exp(-gap / (4 * mean_gap))
    cov[3, :3] *= rho
    cov[:3, 3] *= rho
    cov[3, 3] = rho * rho * cov[3, 3] + (1 - rho * rho) * 0.05
    return rho * user.f, cov


def predict(user: User, item: Item, g: Globals, limits: Limits, at_ms: int) -> dict[str, Any]:
    """Score, rating, deviation, bands, and the score's parts in their order."""
    middle, quarter = (limits.low + limits.high) / 2, (limits.high - limits.low) / 4
    c0 = (g.n * g.mean + 10 * middle) / (g.n + 10)
    sd = math.sqrt((g.m2 + 10 * quarter**2) / (g.n + 10))
    fast, cov = _drifted(user, g, at_ms)
    log_count = math.log1p(item.ratings)
    x = (log_count - (g.m + (log_count - g.m) / (g.n + 1))) / 2
    q, p = item.q.astype(float), user.p.astype(float)
    terms = np.array([fast, user.a * item.b, user.s * x, p @ q, 1, x, 1 / (1 + user.ratings), item.b])
    averages = g.W[9:11] * [user.average, item.average]
    interactions = g.W[11:15] @ [item.b * x, user.b * item.b, user.b * x, fast * x]
    parts = [c0, sd * user.b, sd * item.b, *(sd * g.W[:8] * terms), *averages, sd * interactions]
    h = np.array([1, g.W[1] * item.b, g.W[2] * x, g.W[0]])
    s_a = 1 + g.W[7] + g.W[1] * user.a
    v_bi = min(item.v_b + 1.3e-4, 0.14)
    bilinear = g.W[3] ** 2 * (user.v_p * (q @ q) + item.v_q * (p @ p))
    variance = 0.55 * user.nu + h @ cov @ h + v_bi * s_a**2 + bilinear
    score = float(sum(parts))
    rating = min(max(score, limits.low), limits.high)
    deviation, *widths = (sd * math.sqrt(variance) * width for width in g.widths)
    return {
        "score": score,
        "rating": rating,
        "deviation": deviation,
        "bands": {
            level: [max(rating - width, limits.low), min(rating + width, limits.high)]
            for level, width in zip(("50", "80", "90"), widths, strict=True)
        },
        "parts": [float(part) for part in parts],
        "user_ratings": user.ratings,
        "item_ratings": item.ratings,
    }


def rated(recent: bytes, full: bytes | None, ratings: int, size: int) -> set[int]:
    """Numbers of the items of the last ``size`` ratings: full chunks of 32, then the open one."""
    ring = list(struct.iter_unpack("<IH", full or b""))
    chunks, done = -(-size // 32), ratings // 32
    slots = [slot for c in range(max(0, done - chunks), done) for slot in ring[32 * (c % chunks) :][:32]]
    slots += struct.iter_unpack("<IH", recent)
    return {item for item, code in slots[-size:] if code != EMPTY}


def popularity(section: bytes, head: tuple[float, ...]) -> float:
    """log Q of an item by its ranking head's section and the head's globals."""
    pi, everything, n, _, items = head
    recent, count, touched = struct.unpack_from("<fIq", section, 4)
    q1 = recent * 2 ** ((touched - n) / 1000) / everything
    return math.log(pi * q1 + (1 - pi) * count / n + 0.05 / items)


def near(context: list[int], y: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """The context's part of h: number + 1 of each item, newest first, negative where not liked."""
    weights = [0.7**place * (1 if entry > 0 else 0.5) for place, entry in enumerate(context)]
    h = np.zeros(y.shape[1])
    for entry, weight in zip(context, weights, strict=True):
        h += weight / sum(weights) * y[abs(entry) - 1]
    return h


class Server:
    """A model in Redis or Valkey."""

    def __init__(self, url: str, model: str) -> None:
        self.client = redis.Redis.from_url(url)
        self.base = f"lfm:{{{model}}}:"
        self.limits = read_limits(self.get("meta") or b"")
        self.globals = read_globals(self.get("globals") or b"")
        self.head = struct.unpack("<ddqdq", (self.get("globals") or b"")[-40:])  # pi, C, n, sum, items

    def get(self, key: str) -> bytes | None:
        value: Any = self.client.get(self.base + key)
        assert value is None or isinstance(value, bytes)
        return value

    def predict(self, user: str, item: str, at_ms: int | None = None) -> dict[str, Any]:
        u = read_user(self.get(f"u:{user}"), self.limits, self.globals)
        i = read_item(self.get(f"i:{item}"), item, self.limits)
        return predict(u, i, self.globals, self.limits, self.globals.newest_ms if at_ms is None else at_ms)

    def items(self) -> list[str]:
        names: Any = self.client.lrange(self.base + "items", 0, -1)
        return [name.decode() for name in names]

    def left_out(self, user: str) -> set[int]:
        """Numbers of the items of the user's history, which lies behind the row."""
        value = self.get(f"u:{user}") or b""
        k = self.limits.factors
        head_bytes = 72 + 4 * k if value[2:3] == b"\1" else 0
        ratings = read_user(value or None, self.limits, self.globals).ratings
        ring = (value[92 + 4 * k + head_bytes :], self.get(f"h:{user}"), ratings, self.limits.history)
        return rated(*ring) if self.limits.history else set()

    def recommend(self, user: str, n: int, *, seen: bool = False) -> list[tuple[str, float]]:
        items, out = self.items(), set() if seen else self.left_out(user)
        scored = [(-self.predict(user, item)["score"], j) for j, item in enumerate(items) if j not in out]
        return [(items[number], -score) for score, number in sorted(scored)[:n]]

    def sections(self) -> list[bytes]:
        """The ranking head's section of each item's row, by the item's number."""
        return [(self.get(f"i:{name}") or b"")[40 + 4 * self.limits.factors :] for name in self.items()]

    def y(self) -> np.ndarray[Any, Any]:
        k = self.limits.factors
        return np.array([np.frombuffer(section, "<f4", k, 20) for section in self.sections()], float)

    def next_items(self, user: str, n: int, c: float) -> list[tuple[str, float]]:
        """The best by what is taken next, without the user's history."""
        k, row, h = self.limits.factors, self.get(f"u:{user}"), np.zeros(self.limits.factors)
        if row is not None:
            own = row[92 + 4 * k :]
            seen, *last = struct.unpack_from("<I16i", own, 4)
            context = [last[e % 16] for e in range(seen - 1, max(seen - 6, -1), -1)]
            h = np.frombuffer(own, "<f4", k, 72) + near(context, self.y())
        return self._next(read_user(row, self.limits, self.globals), h, self.left_out(user), c)[:n]

    def basket(self, taken: list[str], n: int, c: float, *, seen: bool = False) -> list[tuple[str, float]]:
        """The best to go with items taken, oldest first, each once: the context alone, as of a newcomer."""
        names = self.items()
        numbers = [names.index(item) for item in taken if item in names]
        h = near([number + 1 for number in reversed(numbers)][:5], self.y())
        left_out = set() if seen else set(numbers)
        return self._next(read_user(None, self.limits, self.globals), h, left_out, c)[:n]

    def _next(self, user: User, h: np.ndarray[Any, Any], out: set[int], c: float) -> list[tuple[str, float]]:
        g, limits, names, y = self.globals, self.limits, self.items(), self.y()
        sd = math.sqrt((g.m2 + 10 * ((limits.high - limits.low) / 4) ** 2) / (g.n + 10))
        c0 = (g.n * g.mean + 10 * (limits.low + limits.high) / 2) / (g.n + 10)
        scored = []
        for number, section in enumerate(self.sections()):
            if number not in out:
                item = read_item(self.get(f"i:{names[number]}"), names[number], limits)
                z = (predict(user, item, g, limits, g.newest_ms)["score"] - c0) / sd
                scored.append((-float(h @ y[number]) - popularity(section, self.head) - c * z, number))
        return [(names[number], -score) for score, number in sorted(scored)]

    def popular(self, n: int) -> list[tuple[str, float]]:
        """The items with the highest Q."""
        names, shares = self.items(), [math.exp(popularity(s, self.head)) for s in self.sections()]
        return [(names[j], shares[j]) for j in sorted(range(len(names)), key=lambda j: (-shares[j], j))[:n]]


if __name__ == "__main__":
    url, model, what, *rest = sys.argv[1:]
    server = Server(url, model)
    answers: dict[str, Any] = {
        "predict": lambda: server.predict(rest[0], rest[1]),
        "recommend": lambda: server.recommend(rest[0], int(rest[1])),
        "next": lambda: server.next_items(rest[0], int(rest[1]), float(rest[2])),
        "basket": lambda: server.basket(rest[2:], int(rest[0]), float(rest[1])),
        "popular": lambda: server.popular(int(rest[0])),
    }
    print(json.dumps(answers[what]()))  # noqa: T201 - its answer
