"""The worker's loop in a made world: whatever breaks, each event counts exactly once.

`make simulate RUNS=n` runs many; a failing seed prints its trace and how to see it again.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterator

import pytest

from tests.simulation.checks import check
from tests.simulation.made_store import HeadlessServer
from tests.simulation.runs import Failure, run_seed, shortest
from tests.simulation.world import World

CHUNK = 20
CHUNKS = 10
HEADLESS_SEEDS = 1000


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    logging.disable()
    yield
    logging.disable(logging.NOTSET)


def run_seeds(seeds: range) -> Counter[str]:
    """What happened in them; a failure is shown with the shortest trace that it has."""
    counts: Counter[str] = Counter()
    for seed in seeds:
        found = run_seed(seed)
        if isinstance(found, Failure):
            pytest.fail(str(shortest(found)))
        counts += found
    return counts


@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_whatever_breaks_each_event_counts_exactly_once(chunk: int) -> None:
    run_seeds(range(chunk * CHUNK, (chunk + 1) * CHUNK))


def test_a_few_seeds_meet_every_kind_of_trouble() -> None:
    # Two of these meet a replica that has read from a store that then fell back, which few do.
    counts = run_seeds(range(1100, 1170))
    kinds = {
        "added partitions",
        "emptied stores",
        "fall-backs",
        "kills between steps",
        "kills within a step",
        "late commits that were done",
        "late commits that were refused",
        "lookups",
        "old primaries that went on",
        "outages of the dead-letter topic",
        "refusals",
        "store away",
        "turns waited for",
        "workers that stopped for an emptied store",
        "zombies",
    }
    assert kinds <= counts.keys()


def test_a_seed_repeats_itself() -> None:
    worlds = [World(7), World(7)]
    for world in worlds:
        world.run()
        check(world)
    assert worlds[0].trace == worlds[1].trace
    assert worlds[0].server.rows == worlds[1].server.rows
    assert worlds[0].counts == worlds[1].counts


def test_without_the_comparison_of_the_head_a_seed_fails_and_its_trace_is_short() -> None:
    for seed in range(HEADLESS_SEEDS):
        found = run_seed(seed, server=HeadlessServer)
        if isinstance(found, Failure):
            short = shortest(found, HeadlessServer)
            assert run_seed(seed, short.events, HeadlessServer) == short, "it fails in the same way again"
            assert f"--seed {seed} --events {short.events}" in str(short)
            return
    pytest.fail("no seed noticed it")
