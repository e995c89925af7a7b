"""A made backlog: users uniform, items by Zipf's law, ratings that the model can learn."""

from __future__ import annotations

import numpy as np

from lfm_online.ratings_file import RatingsTable

USERS, ITEMS = 100_000, 20_000


def backlog(events: int, seed: int = 1, users: int = USERS) -> RatingsTable:
    """``events`` ratings of so many users (uniform) and 20,000 items (Zipf, exponent 1)."""
    rng = np.random.default_rng(seed)
    weight = 1.0 / np.arange(1, ITEMS + 1)
    user = rng.integers(0, users, events)
    item = rng.choice(ITEMS, events, p=weight / weight.sum())
    taste = rng.normal(0, 0.5, users)[user] + rng.normal(0, 0.5, ITEMS)[item] + rng.normal(0, 0.8, events)
    ratings = np.clip(np.rint(2 * (3.5 + taste)) / 2, 0.5, 5.0)
    times = 1_600_000_000_000 + np.arange(events, dtype=np.int64) * 1000
    return RatingsTable([f"u{u}" for u in user], [f"i{i}" for i in item], ratings, times)
