"""What exactly once costs: the worker beside itself with commits that nothing guards.

Topic, client and writes are the same; the peer's go as a plain pipeline. The aim: at most 10% of the events
a second.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import click

from tests.benchmarks.bench import Bench
from tests.benchmarks.end_to_end import VARIANTS
from tests.benchmarks.figure import Figure
from tests.benchmarks.filled import filled
from tests.benchmarks.learned import empty_store, environment, learn
from worker.demo.run import Run

ROUNDS: Final = 3
WORKERS: Final = {"guarded": "worker.cli", "unfenced": "tests.benchmarks.unfenced_worker"}
SHOWN: Final = ("defaults", "without_ranking")


def measure(bench: Bench) -> Iterator[Figure]:
    """Events a second from the first commit to the last, best of three taken in turns."""
    best: dict[tuple[str, str], float] = {}
    with Run() as run:
        settings, _ = filled(bench, run)
        for round_ in range(ROUNDS):
            for variant in SHOWN:
                for name, module in WORKERS.items():
                    model = f"{name}-{variant}-{round_}"
                    own = settings.model_copy(update={"model": model, "group": model})
                    rate = learn(run, environment(own) | VARIANTS[variant], own, bench.events, module)
                    click.echo(f"{model}: {rate:,.0f}/s", err=True)
                    best[name, variant] = max(best.get((name, variant), 0.0), rate)
                    empty_store(settings)
    for variant in SHOWN:
        guarded, unfenced = (best[name, variant] for name in WORKERS)
        yield Figure(f"exactly_once_{variant}", guarded, "events/s", "unfenced", unfenced)
