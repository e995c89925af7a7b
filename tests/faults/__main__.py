"""Rounds of faults: `make faults ROUNDS=n`. One line a round, a table at the end."""

from __future__ import annotations

import argparse
import logging
import sys
import time
from collections import Counter
from collections.abc import Iterator
from itertools import pairwise
from queue import SimpleQueue
from threading import Thread

from rich.console import Console
from rich.table import Table

from tests.faults.rounds import Round, play_rounds
from tests.servers.kafka import JARS


def line(played: Round) -> str:
    """A round in one line."""
    what = ", ".join(str(action) for action in played.actions)
    end = "PROVED" if not played.error else f"FAILED: {played.error}"
    return (
        f"seed {played.seed}: {end}; sent {played.good:,} good and {played.bad:,} bad in all, learned "
        f"{played.learned:,}, dead {played.letters:,}; {played.seconds:.0f} s; {what}"
    )


def play_all(first: int, rounds: int, stages: int, *, real: bool) -> Iterator[Round]:
    """Rounds over several stages at a time, each with its share of the seeds until one fails."""
    played: SimpleQueue[Round | BaseException | None] = SimpleQueue()

    def play(start: int, end: int) -> None:
        try:
            for each in play_rounds(start, end - start, real=real):
                played.put(each)
            played.put(None)
        except BaseException as error:  # noqa: BLE001 - raised again where it is waited for
            played.put(error)

    bounds = [first + rounds * number // stages for number in range(stages + 1)]
    for start, end in pairwise(bounds):
        Thread(target=play, args=(start, end)).start()
    left = stages
    while left:
        each = played.get()
        if isinstance(each, BaseException):
            raise each
        if each is None:
            left -= 1
        else:
            yield each


def main() -> int:
    """The command line; 1 if a round failed."""
    parser = argparse.ArgumentParser("python -m tests.faults", description=__doc__)
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--first", type=int, default=0, help="the first round's seed")
    parser.add_argument(
        "--stages",
        type=int,
        default=1,
        help="brokers, stores and workers at a time, each with its share of the rounds, which mostly wait",
    )
    parser.add_argument(
        "--servers",
        choices=["embedded", "real"],
        default="embedded",
        help=f"real: Apache Kafka in {JARS.name} and redis-server (make setup-real), whose broker dies too",
    )
    a = parser.parse_args()
    logging.disable()  # Kafka clients tell of every broker that is away
    out, began = Console(soft_wrap=True), time.monotonic()
    done: list[Round] = []
    for played in play_all(a.first, a.rounds, a.stages, real=a.servers == "real"):
        done.append(played)
        out.print(line(played), markup=False, highlight=False)
    table = Table("what broke", "how often")
    for kind, count in sorted(Counter(action.kind for each in done for action in each.actions).items()):
        table.add_row(kind, str(count))
    out.print(table)
    failed = sum(bool(each.error) for each in done)
    out.print(
        f"{len(done)} rounds, {failed} failed, {time.monotonic() - began:.0f} s, on {a.servers} servers"
    )
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())
