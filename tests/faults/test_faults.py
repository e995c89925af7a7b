"""A few rounds of faults on real processes; `make faults ROUNDS=n` plays many."""

import os
import random

from tests.faults.rounds import play_rounds
from tests.faults.scenario import KINDS, ROUND_SECONDS, draw

ROUNDS = int(os.environ.get("ROUNDS", "2"))
REAL_ROUNDS = int(os.environ.get("ROUNDS", "8"))


def test_whatever_breaks_in_a_round_each_event_is_learned_once_or_dead(real_servers: bool) -> None:
    for played in play_rounds(1, REAL_ROUNDS if real_servers else ROUNDS, real=real_servers):
        assert played.error == "", f"seed {played.seed}: {', '.join(map(str, played.actions))}"


def test_a_seed_gives_the_same_scenario_again() -> None:
    scenario = draw(random.Random(5), KINDS)
    assert scenario == draw(random.Random(5), KINDS)
    assert all(0 <= action.at_seconds < ROUND_SECONDS for action in scenario)
    assert {action.kind for seed in range(200) for action in draw(random.Random(seed), KINDS)} == set(KINDS)
