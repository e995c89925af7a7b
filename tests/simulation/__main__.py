"""Many runs over all cores: `make simulate RUNS=n`, or `python -m tests.simulation --seed n` for one."""

from __future__ import annotations

import argparse
import logging
import os
import sys
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from itertools import islice

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from tests.simulation.made_store import HeadlessServer, MadeServer
from tests.simulation.runs import Failure, run_seed, shortest
from tests.simulation.world import EVENTS

CHUNK = 50
"""Seeds that a process is given at a time."""
SHOWN_FAILURES = 3


def run_chunk(seeds: range, events: int, headless: bool) -> tuple[Counter[str], list[Failure]]:
    """What happened in these seeds, and which failed."""
    logging.disable()
    server = HeadlessServer if headless else MadeServer
    counts: Counter[str] = Counter()
    failures = []
    for seed in seeds:
        found = run_seed(seed, events, server)
        if isinstance(found, Failure):
            failures.append(shortest(found, server))
            counts["runs"] += 1
        else:
            counts += found
    return counts, failures


def run_all(
    first: int, runs: int, events: int, headless: bool, jobs: int
) -> tuple[Counter[str], list[Failure]]:
    """All seeds, until some have failed."""
    chunks: Iterator[range] = (
        range(start, min(start + CHUNK, first + runs)) for start in range(first, first + runs, CHUNK)
    )
    counts: Counter[str] = Counter()
    failures: list[Failure] = []
    columns = (TextColumn("runs"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with (
        Progress(*columns, console=Console(stderr=True)) as progress,
        ProcessPoolExecutor(jobs) as pool,
    ):
        bar = progress.add_task("runs", total=runs)
        waiting: set[Future[tuple[Counter[str], list[Failure]]]] = {
            pool.submit(run_chunk, chunk, events, headless) for chunk in islice(chunks, 2 * jobs)
        }
        while waiting:
            done, waiting = wait(waiting, return_when=FIRST_COMPLETED)
            for future in done:
                found, failed = future.result()
                counts += found
                failures += failed
                progress.update(bar, completed=counts["runs"])
            if len(failures) < SHOWN_FAILURES:
                waiting |= {
                    pool.submit(run_chunk, chunk, events, headless) for chunk in islice(chunks, len(done))
                }
    return counts, failures


def main() -> int:
    """The command line; 1 if a seed failed."""
    parser = argparse.ArgumentParser("python -m tests.simulation", description=__doc__)
    parser.add_argument("--runs", type=int, default=1000)
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument("--seed", type=int, help="this seed alone, with its whole trace")
    parser.add_argument("--events", type=int, default=EVENTS, help="records of a run")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--headless", action="store_true", help="a store that does not compare the head")
    a = parser.parse_args()
    out = Console()
    if a.seed is not None:
        logging.disable()
        found = run_seed(a.seed, a.events, HeadlessServer if a.headless else MadeServer)
        out.print(str(found) if isinstance(found, Failure) else dict(found), markup=False, soft_wrap=True)
        return int(isinstance(found, Failure))
    began = time.monotonic()
    counts, failures = run_all(a.first, a.runs, a.events, a.headless, a.jobs)
    seconds = time.monotonic() - began
    table = Table("what happened", "how often")
    for what, count in counts.most_common():
        table.add_row(what, f"{count:,}")
    out.print(table)
    for failure in failures[:SHOWN_FAILURES]:
        out.print(str(failure), markup=False, soft_wrap=True)
    out.print(f"{len(failures)} of {counts['runs']:,} seeds failed; {counts['runs'] / seconds:.1f} runs/s")
    return int(bool(failures))


if __name__ == "__main__":
    sys.exit(main())
