"""Slow, obvious twins of the rules, in plain Python and float64, from the equations of docs/model.md."""

# ruff: noqa: N806 (names are those of the equations)

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lfm_online.hashing import id_hash
from lfm_online.layout import Kind
from tests.naive_bytes import MASK, fmix64
from tests.series import Series

Vector = NDArray[np.float64]


def gaussian_factors(seed: int, row_hash: int, sd: float, k: int) -> Vector:
    key = fmix64(row_hash ^ fmix64(seed))
    numbers: list[float] = []
    for pair in range((k + 1) // 2):
        bits = fmix64((key + (2 * pair + 1) * 0x9E3779B97F4A7C15) & MASK)
        radius = sd * math.sqrt(-2 * math.log(((bits >> 32) + 1) / 2**32))
        angle = 2 * math.pi * (bits % 2**32) / 2**32
        numbers += [radius * math.cos(angle), radius * math.sin(angle)]
    return np.array(numbers[:k])


@dataclass
class Row:
    """What every rule keeps of a user or an item, and the rule's own terms by name."""

    events: int = 0
    digest: int = 0
    ratings: int = 0
    time_ms: int = 0
    bias_sum: float = 0.0
    terms: dict[str, Any] = field(default_factory=dict)

    def bias(self) -> float:
        return self.bias_sum / (self.ratings + 5)


class Twin(ABC):
    """A model that learns one event at a time; rows by id."""

    def __init__(self, low: float, high: float, seed: int, k: int) -> None:
        self.low, self.high, self.seed, self.k = low, high, seed, k
        self.users: dict[str, Row] = {}
        self.items: dict[str, Row] = {}
        self.learned = Series()
        self.scored: list[tuple[bool, Vector]] = []  # cold, squared errors of model, mean, bias
        self.deviation = math.nan  # the rule's own, of the last prediction, in rating units
        self.widths = np.array([1, 0.67448975, 1.28155157, 1.64485363])  # of the deviation, 50, 80, 90%
        self.stated: list[Vector] = []  # the same, in rating units
        self.events = 0

    @abstractmethod
    def new_terms(self, kind: Kind, row_id: str) -> dict[str, Any]: ...

    @abstractmethod
    def predict_and_learn(self, u: Row, i: Row, r: float, time_ms: int) -> float: ...

    def row(self, kind: Kind, row_id: str) -> Row:
        rows = self.users if kind == "user" else self.items
        if row_id not in rows:
            rows[row_id] = Row(terms=self.new_terms(kind, row_id))
        return rows[row_id]

    def gaussian(self, kind: Kind, row_id: str, sd: float) -> Vector:
        return gaussian_factors(self.seed, id_hash(kind, row_id.encode()), sd, self.k)

    def level(self) -> tuple[float, float]:
        """c0 and sd."""
        n, mid, quarter = len(self.learned), (self.low + self.high) / 2, (self.high - self.low) / 4
        c0 = (self.learned.sum + 10 * mid) / (n + 10)
        return c0, math.sqrt((self.learned.deviations() + 10 * quarter**2) / (n + 10))

    def clip(self, value: float) -> float:
        return min(max(value, self.low), self.high)

    def rate(self, user: str, item: str, r: float, time_ms: int, digest: int) -> Vector:
        """Learn a rating; what model, mean and bias-only guess said of it before."""
        u, i = self.row("user", user), self.row("item", item)
        self.events += 1
        for row in (u, i):
            row.events += 1
            row.digest = (row.digest + digest) % 2**32
        c0, _ = self.level()
        bias = self.clip(c0 + u.bias() + i.bias())
        guesses = np.array([self.predict_and_learn(u, i, r, time_ms), c0, bias])
        self.learn_bands(abs(r - guesses[0]))
        self.scored.append((u.ratings == 0 or i.ratings == 0, (r - guesses) ** 2))
        b_u, b_i = u.bias(), i.bias()
        u.bias_sum += r - c0 - b_i
        i.bias_sum += r - c0 - b_u
        for row in (u, i):
            row.time_ms = max(row.time_ms, time_ms) if row.ratings else time_ms
            row.ratings += 1
        self.learned.append(r)
        return guesses

    def learn_bands(self, error: float) -> None:
        """State the bands of a prediction, then widen those that its error missed, and narrow the others."""
        self.stated.append(self.deviation * self.widths)
        miss = error > self.stated[-1]
        steps = np.array([0.001, 0.002, 0.002, 0.002]) + 1 / (len(self.learned) + 10)
        self.widths = self.widths * (1 + steps * (miss - (1 - np.array([0.68268949, 0.5, 0.8, 0.9]))))
        self.widths = np.clip(self.widths, 0.01, 100)
        self.widths[1:] = np.maximum.accumulate(self.widths[1:])

    def retract(self, user: str, digest: int) -> None:
        row = self.row("user", user)
        self.events += 1
        row.events += 1
        row.digest = (row.digest + digest) % 2**32

    def forget(self, user: str) -> None:
        self.events += 1
        self.users.pop(user, None)
        self.row("user", user)

    def squared_error(self) -> Vector:
        """Sums by predictor and cohort (warm, cold)."""
        sums = np.zeros((3, 2))
        for cold, squares in self.scored:
            sums[:, int(cold)] += squares
        return sums

    def recent(self) -> tuple[float, Vector]:
        """The weight of the scored ratings, halved every 10,000, and their squared errors so weighted."""
        ages = np.arange(len(self.scored))[::-1]
        weights = 2.0 ** (-ages / 10_000)
        return weights.sum(), weights @ np.array([squares for _, squares in self.scored])


class Sgd(Twin):
    """The textbook rule."""

    def __init__(
        self,
        low: float,
        high: float,
        seed: int,
        k: int,
        link: str = "clip",
        margin: float = 0.0,
        biases: float = 1.0,
        **steps: float,
    ) -> None:
        super().__init__(low, high, seed, k)
        self.link = link
        self.bottom, self.top = low - margin, high + margin
        self.has_biases = bool(biases)
        self.steps = {
            "step_bias": 0.01,
            "step_factors": 0.01,
            "regularisation_bias": 0.02,
            "regularisation_factors": 0.02,
        } | steps

    def new_terms(self, kind: Kind, row_id: str) -> dict[str, Any]:
        return {"b": 0.0, "factors": self.gaussian(kind, row_id, 0.05)}

    def predict_and_learn(self, u: Row, i: Row, r: float, time_ms: int) -> float:
        mu, sd = self.level()
        self.deviation = sd
        if self.scored:
            weight, squares = self.recent()
            self.deviation = math.sqrt(squares[0] / weight)
        return self.descend(u, i, r, mu)

    def linked(self, u: Row, i: Row, mu: float) -> tuple[float, float]:
        """The prediction before it is clipped, and its slope by the score."""
        bottom, top = self.bottom, self.top
        if self.link == "sigmoid_range":
            mu = math.log((mu - bottom) / (top - mu))
        score = mu + u.terms["b"] + i.terms["b"] + u.terms["factors"] @ i.terms["factors"]
        if self.link == "clip":
            return score, 1.0
        sigmoid = 1 / (1 + math.exp(-score))
        return bottom + (top - bottom) * sigmoid, (top - bottom) * sigmoid * (1 - sigmoid)

    def descend(self, u: Row, i: Row, r: float, mu: float) -> float:
        x, slope = self.linked(u, i, mu)
        d = (r - x) * slope
        b_u, b_i, p, q = u.terms["b"], i.terms["b"], u.terms["factors"], i.terms["factors"]
        s = self.steps
        if self.has_biases:
            u.terms["b"] = b_u + s["step_bias"] * (d - s["regularisation_bias"] * b_u)
            i.terms["b"] = b_i + s["step_bias"] * (d - s["regularisation_bias"] * b_i)
        u.terms["factors"] = p + s["step_factors"] * (d * q - s["regularisation_factors"] * p)
        i.terms["factors"] = q + s["step_factors"] * (d * p - s["regularisation_factors"] * q)
        return self.clip(x)

    def losses(self, ratings: list[tuple[str, str, float]], mu: float) -> Vector:
        """Squared error, weight decay of biases and of factors, and the squared error once clipped."""
        sums = np.zeros(4)
        for user, item, r in ratings:
            u, i = self.row("user", user), self.row("item", item)
            x, _ = self.linked(u, i, mu)
            for row in (u, i):
                sums[1] += self.steps["regularisation_bias"] * row.terms["b"] ** 2
                sums[2] += self.steps["regularisation_factors"] * np.sum(row.terms["factors"] ** 2)
            sums += [(r - x) ** 2, 0, 0, (r - self.clip(x)) ** 2]
        return sums


class Adaptive(Twin):
    """The adaptive rule; the numbers in the comments are the steps of docs/model.md."""

    def __init__(self, low: float, high: float, seed: int, k: int) -> None:
        super().__init__(low, high, seed, k)
        self.W = np.array([1] * 4 + [0] * 11, float)
        self.R = np.full(15, 0.03)
        self.log_gaps = Series()
        self.log_counts = Series()

    def new_terms(self, kind: Kind, row_id: str) -> dict[str, Any]:
        if kind == "user":
            return {
                "state": np.zeros(4),
                "C": np.diag([0.06, 0.2, 0.02, 0.05]),
                "v_p": 0.35,
                "nu": 1.0,
                "factors": np.zeros(self.k),
            }
        return {"b": 0.0, "v_b": 0.14, "v_q": 0.09, "factors": self.gaussian(kind, row_id, 0.028)}

    def predict_and_learn(self, u: Row, i: Row, r: float, time_ms: int) -> float:
        W, R = self.W.copy(), self.R.copy()
        c0, sd = self.level()  # 1
        user, C = self.drifted(u, time_ms)  # 2, 3
        b_u, a_u, s_u, f = user
        b_i, v_p, v_q = i.terms["b"], u.terms["v_p"], i.terms["v_q"]
        v_bi = min(i.terms["v_b"] + 1.3e-4, 0.14)
        p, q = u.terms["factors"], i.terms["factors"]
        log_count = math.log(1 + i.ratings)  # 4
        self.log_counts.append(log_count)
        x = (log_count - self.log_counts.mean()) / 2
        y = 1 / (1 + u.ratings)
        v_bu0 = 0.06 * math.exp(W[8])
        terms = [f, a_u * b_i, s_u * x, p @ q, 1, x, y, b_i, b_u * min(C[0, 0] / v_bu0, 1)]
        averages = [u.bias() / sd, i.bias() / sd]
        X = np.array([*terms, *averages, b_i * x, b_u * b_i, b_u * x, f * x])
        z = b_u + b_i + W @ X - W[8] * X[8]  # 5
        h = np.array([1, W[1] * b_i, W[2] * x, W[0]])  # 6
        s_a = 1 + W[7] + W[1] * a_u
        g = C @ h
        noise = 0.55 * u.terms["nu"]
        S = noise + h @ g + v_bi * s_a**2 + W[3] ** 2 * (v_p * (q @ q) + v_q * (p @ p))
        self.deviation = sd * math.sqrt(S)
        e = min(max((r - c0) / sd - z, -4 * math.sqrt(S)), 4 * math.sqrt(S))  # 7
        D = S + R @ X**2  # 8
        self.W = W + R * X * e / D
        self.R = np.minimum(R + 1e-7 - (R * X) ** 2 / D, 0.03)
        self.W[:4] = np.clip(self.W[:4], 0, 2)
        self.W[7] = np.clip(self.W[7], -0.5, 1)
        self.W[8] = np.clip(self.W[8], -2, 2)
        self.W[9:] = np.clip(self.W[9:], -1, 1)
        u.terms["nu"] *= 1 + noise / S * (e**2 / S - 1) / (101 + u.ratings)  # 9
        u.terms["state"] = user + g * e / S  # 10
        u.terms["C"] = C - np.outer(g, g) / S
        i.terms["b"] = b_i + v_bi * s_a * e / S  # 11
        i.terms["v_b"] = v_bi - (v_bi * s_a) ** 2 / S
        u.terms["factors"] = p + v_p * W[3] * (e / S) * q  # 12
        i.terms["factors"] = q + v_q * W[3] * (e / S) * p
        u.terms["v_p"] = v_p - (v_p * W[3]) ** 2 * (q @ q) / (self.k * S)
        i.terms["v_q"] = v_q - (v_q * W[3]) ** 2 * (p @ p) / (self.k * S)
        return self.clip(c0 + sd * z)

    def drifted(self, u: Row, time_ms: int) -> tuple[Vector, Vector]:
        """Steps 2 and 3: the user's state and its covariance as they stand at that time."""
        state, C = u.terms["state"].copy(), u.terms["C"].copy()
        v_bu0 = 0.06 * math.exp(self.W[8])
        if u.ratings == 0:
            return state, np.diag([v_bu0, 0.2, 0.02, 0.05])
        if C[0, 0] < v_bu0:
            C[0, 0] = min(C[0, 0] + 5e-4, v_bu0)
        rho = 0.98
        gap = time_ms - u.time_ms
        if gap > 0:
            self.log_gaps.append(math.log(gap))
            rho *= math.exp(-gap / (4 * math.exp(self.log_gaps.mean())))
        state[3] *= rho
        C[3, :3] *= rho
        C[:3, 3] *= rho
        C[3, 3] = rho**2 * C[3, 3] + (1 - rho**2) * 0.05
        return state, C
