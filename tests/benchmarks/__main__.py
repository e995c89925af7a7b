"""``python -m tests.benchmarks``: each figure as a ratio to a peer or a ceiling in the same run."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from dataclasses import asdict

import click

from tests.benchmarks import commit, end_to_end, latency, steps
from tests.benchmarks.bench import Bench
from tests.benchmarks.figure import Figure

BENCHMARKS: dict[str, Callable[[Bench], Iterator[Figure]]] = {
    "end_to_end": end_to_end.measure,
    "latency": latency.measure,
    "commit": commit.measure,
    "fetch": steps.fetch,
    "decode": steps.decode,
    "ids": steps.ids,
    "learn": steps.learn,
    "live_hits": steps.live_hits,
}


@click.command()
@click.option(
    "--only", type=click.Choice(list(BENCHMARKS)), multiple=True, help="Run this one; may be repeated."
)
@click.option("--events", default=1_000_000, show_default=True, help="Size of the backlog.")
@click.option(
    "--servers",
    type=click.Choice(["embedded", "real"]),
    default="embedded",
    show_default=True,
    help="real: Apache Kafka and redis-server (make setup-real).",
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
def main(only: tuple[str, ...], events: int, servers: str, as_json: bool) -> None:
    """Measure, and print each figure with what it is measured against.

    \b
    Example:
      python -m tests.benchmarks --only end_to_end --events 200000
    """
    click.echo(f"load of this machine before: {os.getloadavg()[0]:.2f} on {os.cpu_count()} cores", err=True)
    for name in only or BENCHMARKS:
        for figure in BENCHMARKS[name](Bench(events, real=servers == "real")):
            if as_json:
                click.echo(json.dumps(asdict(figure) | {"ratio": figure.ratio}))
            else:
                click.echo(str(figure))


main()
