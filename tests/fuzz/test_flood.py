"""A short flood of records of every kind through a real worker; `make fuzz RECORDS=n` sends many."""

import random

from rich.progress import Progress

from tests.fuzz.flood import flood
from tests.fuzz.made_badly import BadProducer

RECORDS = 4000


def test_each_record_of_a_flood_is_learned_once_or_dead() -> None:
    with Progress(disable=True) as progress:
        found = flood(RECORDS, 0, 1, real=False, progress=progress)
    assert found.complete, found
    assert min(found.learned, found.dead) > RECORDS / 4, "the flood is of both"


def test_the_same_seed_sends_the_same_records() -> None:
    one, other = (BadProducer(random.Random(7)) for _ in range(2))
    assert [one.record() for _ in range(500)] == [other.record() for _ in range(500)]
