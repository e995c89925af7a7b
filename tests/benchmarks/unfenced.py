"""What exactly once costs: the worker beside itself with commits that nothing guards.

Topic, client and rows are the same. One peer writes the rows of a commit by an MSET of each kind. The other
writes them by the worker's own commands of some keys each, which the server is done with one by one, with all
that it needs in its processor's caches: what is lost beside that one is the price of any commit that is one
step, since its commands wait for each other in memory (docs/decisions/0035).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import click

from lfm_online.store.resp import AT_ONCE
from tests.benchmarks.bench import Bench
from tests.benchmarks.end_to_end import VARIANTS
from tests.benchmarks.figure import Figure
from tests.benchmarks.filled import filled
from tests.benchmarks.learned import environment, learn, store_of_its_own
from worker.demo.run import Run

ROUNDS: Final = 3
GUARDED: Final = "worker.cli"
PEERS: Final = {
    "unfenced, an MSET of the same rows": "tests.benchmarks.unfenced_mset_worker",
    f"unfenced, {AT_ONCE} rows a command": "tests.benchmarks.unfenced_worker",
}


def measure(bench: Bench) -> Iterator[Figure]:
    """Events a second from the first commit to the last, best of three taken in turns."""
    best: dict[tuple[str, str], float] = {}
    with Run() as run:
        settings = filled(bench, run)
        for round_ in range(ROUNDS):
            for variant, extra in VARIANTS.items():
                for module in (GUARDED, *PEERS.values()):
                    model = f"{module}-{variant}-{round_}"
                    named = settings.model_copy(update={"model": model, "group": model})
                    with store_of_its_own(bench, named) as (apart, own):
                        rate = learn(apart, environment(own) | extra, own, bench.events, module)
                    click.echo(f"{model}: {rate:,.0f}/s", err=True)
                    best[module, variant] = max(best.get((module, variant), 0.0), rate)
    for peer, module in PEERS.items():
        for variant in VARIANTS:
            guarded, unfenced = best[GUARDED, variant], best[module, variant]
            yield Figure(f"exactly_once_{variant}", guarded, "events/s", peer, unfenced)
