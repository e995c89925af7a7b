"""Kill -9 of the worker, and of the store, at random moments of a replay.

``make kills`` runs the full numbers: KILLS kills of workers, STORE_KILLS of stores.
"""

import os
import random
import time
from itertools import pairwise
from pathlib import Path

import pytest

from tests.acceptance.workers import FINE_SECONDS, Play, ratings, until
from tests.commands import StartCommand
from worker.demo.embedded import EmbeddedStore

KILLS = int(os.environ.get("KILLS", "4"))
STORE_KILLS = int(os.environ.get("STORE_KILLS", "2"))
KILLS_OF_ONE_REPLAY = 5
"""More are more replays, which run side by side."""
EVENTS_BETWEEN = 500
EVENTS_AFTER = 8000
"""Behind the last kill, so that the replay is still going on when it comes, on a busy machine too."""
SMALL_COMMITS = ("--commit-events", "10")
"""So that a replay takes many, and a kill finds every moment of one."""


def shares(kills: int) -> list[int]:
    """How many kills each replay takes."""
    whole, rest = divmod(kills, KILLS_OF_ONE_REPLAY)
    return [KILLS_OF_ONE_REPLAY] * whole + ([rest] if rest else [])


def moments(rng: random.Random, kills: int) -> list[int]:
    """After how many learned offsets to kill, ascending."""
    return [EVENTS_BETWEEN * (n + 1) + rng.randrange(EVENTS_BETWEEN) for n in range(kills)]


def within_a_commit(rng: random.Random) -> None:
    """Let a random part of a commit's few milliseconds pass."""
    time.sleep(rng.random() * 0.005)


@pytest.mark.parametrize(("replay", "kills"), list(enumerate(shares(KILLS))))
def test_killed_workers_lose_and_double_nothing(
    broker: str, store: str, topic: str, process: StartCommand, replay: int, kills: int
) -> None:
    rng = random.Random(replay)
    play = Play(broker, store, topic, process)
    events = EVENTS_BETWEEN * kills + EVENTS_AFTER
    play.produce(ratings(events, seed=replay))
    for at in moments(rng, kills):
        worker = play.worker(*SMALL_COMMITS)
        until(lambda at=at: play.learned() >= at, worker, every_seconds=FINE_SECONDS)  # type: ignore[misc]  # mypy can't infer the default
        within_a_commit(rng)
        worker.kill()
        worker.wait()
        assert play.learned() < events, "it was killed in the midst of the replay"
    worker = play.worker(*SMALL_COMMITS)
    play.wait_learned(events, worker)
    play.verified(events)


@pytest.mark.parametrize(("replay", "kills"), list(enumerate(shares(STORE_KILLS))))
def test_a_killed_store_loses_and_doubles_nothing_though_it_falls_back(
    broker: str, fresh_store: EmbeddedStore, topic: str, process: StartCommand, replay: int, kills: int
) -> None:
    rng = random.Random(replay)
    play = Play(broker, fresh_store.url, topic, process)
    events = EVENTS_BETWEEN * kills + EVENTS_AFTER
    play.produce(ratings(events, seed=replay))
    worker = play.worker(*SMALL_COMMITS)
    for number, at in enumerate(moments(rng, kills)):
        until(lambda at=at: play.learned() >= at, worker, every_seconds=FINE_SECONDS)  # type: ignore[misc]  # mypy can't infer the default
        within_a_commit(rng)
        fresh_store.kill()
        # A process that is killed loses nothing that it wrote; a machine that fails loses the last second.
        if number % 2 == 0:
            lose_tail(fresh_store.directory, rng)
        fresh_store.start()
    play.wait_learned(events, worker)
    play.verified(events)
    play.wait_drained(worker)


def lose_tail(directory: Path, rng: random.Random) -> None:
    """Cut the append-only file somewhere within its last commits, if a rewrite has not just begun it."""
    file = max(directory.rglob("*.incr.aof"), key=os.path.getmtime)  # a rewrite may have left an older one
    size = file.stat().st_size
    os.truncate(file, size - rng.randint(0, min(100_000, size)))


def test_kills_are_shared_out_and_spread_over_the_replay() -> None:
    assert shares(12) == [5, 5, 2]
    assert all(later > earlier for earlier, later in pairwise(moments(random.Random(1), 20)))
