"""A round's scenario: what breaks, and when, all drawn from the round's seed."""

from __future__ import annotations

import random
from typing import Final, NamedTuple

ROUND_SECONDS: Final = 6.0
"""How long a round's events stream."""
LONGEST_LAG_SECONDS: Final = 5.0
WORKER: Final = ("kill worker", "terminate worker", "stop worker", "add worker", "remove worker")
STORE: Final = ("kill store", "terminate store", "stop store", "fail over")
NETWORK: Final = ("cut network", "delay network", "close network")
EVENTS: Final = ("bad events",)
BROKER: Final = ("kill broker", "terminate broker", "stop broker")
KINDS: Final = (*WORKER, *STORE, *NETWORK, *EVENTS)


class Action(NamedTuple):
    """Something that breaks."""

    at_seconds: float  # from the round's beginning; later if the one before took longer
    kind: str
    share: float  # from 0 to 1: how long it lasts, or which one it meets

    def __str__(self) -> str:
        return f"{self.at_seconds:.1f} s {self.kind}"


def draw(rng: random.Random, kinds: tuple[str, ...], *, most: int = 4) -> list[Action]:
    """One to ``most`` actions, in their order.

    Args:
        rng: Draws them.
        kinds: What may happen.
        most: How many.
    """
    times = sorted(rng.uniform(0.0, 0.8 * ROUND_SECONDS) for _ in range(rng.randint(1, most)))
    return [Action(at, rng.choice(kinds), rng.random()) for at in times]
