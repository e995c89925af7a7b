"""Runs of made worlds by seed, and what is told of one that fails."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import NamedTuple

from tests.simulation.checks import check
from tests.simulation.made_store import MadeServer
from tests.simulation.world import EVENTS, World

SHOWN_LINES = 40


class Failure(NamedTuple):
    """A seed that fails."""

    seed: int
    events: int
    error: str
    trace: list[str]

    def __str__(self) -> str:
        """What a person needs to see it again."""
        again = f"python -m tests.simulation --seed {self.seed} --events {self.events}"
        return "\n".join([f"seed {self.seed}: {self.error}", *self.trace[-SHOWN_LINES:], f"again: {again}"])


def run_seed(
    seed: int, events: int = EVENTS, server: Callable[[], MadeServer] = MadeServer
) -> Failure | Counter[str]:
    """Run one seed to the end; how it fails, or what happened in it."""
    world = World(seed, events, server)
    try:
        world.run()
        check(world)
    except Exception as error:  # noqa: BLE001 - whatever the loop raises is a failure of this seed
        return Failure(seed, events, f"{type(error).__name__}: {error}", world.trace)
    return world.counts


def shortest(failure: Failure, server: Callable[[], MadeServer] = MadeServer) -> Failure:
    """The same seed with as few events as still fail; the fewer, the shorter its trace."""
    for events in range(1, failure.events):
        found = run_seed(failure.seed, events, server)
        if isinstance(found, Failure):
            return found
    return failure
