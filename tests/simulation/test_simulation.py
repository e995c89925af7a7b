"""The worker's loop in a made world: whatever breaks, each event counts exactly once.

``SIMULATIONS=1000 pytest tests/simulation`` runs more; a failing seed prints its trace, and
``SIMULATION_SEED=n`` runs that one alone.
"""

from __future__ import annotations

import os
from typing import Any

import numpy as np
import pytest

from lfm_online.batch import FORGET, RATING
from lfm_online.layout import HEADER
from lfm_online.ledger import event_digests, topic_crc
from lfm_online.store.memory import MemoryServer
from tests.simulation.replay import replay
from tests.simulation.world import PARTITIONS, SETTINGS, World
from worker.decode import Decoder
from worker.events import Events
from worker.source.made import MadeSource

SEEDS = (
    [int(os.environ["SIMULATION_SEED"])]
    if "SIMULATION_SEED" in os.environ
    else range(int(os.environ.get("SIMULATIONS", "60")))
)


@pytest.mark.parametrize("seed", SEEDS)
def test_whatever_breaks_each_event_counts_exactly_once(seed: int) -> None:
    world = World(seed)
    try:
        world.run()
        parts = decode_log(world)
        check_ledgers(world.server, parts)
        check_letters(world, parts)
        again = replay(world.server.feed, parts)
        assert again.rows == world.server.rows
        assert again.items == world.server.items
        assert again.globals == world.server.globals
        assert again.ring == world.server.ring
        assert again.histories == world.server.histories
    except Exception as error:
        raise AssertionError(f"seed {seed}: {error}\n" + "\n".join(world.trace[-40:])) from error


def test_a_seed_repeats_itself() -> None:
    worlds = [World(7), World(7)]
    for world in worlds:
        world.run()
    assert worlds[0].server.rows == worlds[1].server.rows
    assert worlds[0].trace == worlds[1].trace


def decode_log(world: World) -> list[Events | None]:
    """Each partition's events, decoded at once; None for an empty one."""
    source, decoder = MadeSource(world.log), Decoder(SETTINGS)
    source.assign(range(PARTITIONS))
    for partition in range(PARTITIONS):
        source.seek(partition, 0)
    found = {r.partition: decoder.decode(r) for r in source.poll(0.0, 10**9)}
    return [found.get(p) for p in range(PARTITIONS)]


def check_ledgers(server: MemoryServer, parts: list[Events | None]) -> None:
    """Items' counts and digests are those of all their events; users' too unless they were forgotten."""
    expected: dict[tuple[str, str], tuple[int, int]] = {}
    forgotten: set[str] = set()
    crc = topic_crc(SETTINGS.topic)
    for events in parts:
        if events is None:
            continue
        digests = event_digests(crc, events.partition, events.offset)
        for what, user, item, digest in zip(events.what, events.users, events.items, digests, strict=True):
            if what == FORGET:
                forgotten.add(user)
                continue
            rows = [("user", user)] + ([("item", item)] if what == RATING else [])
            for row in rows:
                count, total = expected.get(row, (0, 0))
                expected[row] = (count + 1, (total + int(digest)) % 2**32)
    found = {
        (kind, row_id): ledger(value)
        for kind in ("user", "item")
        for row_id, value in server.rows[kind].items()
    }
    certain = {row: value for row, value in expected.items() if row[0] == "item" or row[1] not in forgotten}
    assert {row: found.get(row) for row in certain} == certain
    assert found.keys() <= expected.keys()


def ledger(value: bytes) -> tuple[int, int]:
    header: Any = np.frombuffer(value[: HEADER.itemsize], HEADER)[0]
    return int(header["events"]), int(header["digest"])


def check_letters(world: World, parts: list[Events | None]) -> None:
    """Every bad event is in the dead-letter topic, and nothing else is."""
    sent = {(letter.partition, letter.offset) for letter in world.dead_topic.letters}
    assert sent == {
        (letter.partition, letter.offset) for events in parts if events for letter in events.letters
    }
