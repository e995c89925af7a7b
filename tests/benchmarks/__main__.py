"""``python -m tests.benchmarks``: each figure as a ratio to a peer or a ceiling in the same run."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Final

import click

from lfm_online.compare.extra import PeerMissingError
from tests.benchmarks import (
    commit,
    document,
    end_to_end,
    instructions,
    latency,
    movielens,
    one_step,
    replica_load,
    rows,
    soak,
    start_up,
    steps,
    unfenced,
    workers,
)
from tests.benchmarks.bench import Bench
from tests.benchmarks.figure import Figure

BENCHMARKS: Final[dict[str, Callable[[Bench], Iterator[Figure]]]] = {
    "end_to_end": end_to_end.measure,
    "end_to_end_librdkafka": end_to_end.measure_librdkafka,
    "latency": latency.measure,
    "commit": commit.measure,
    "one_step": one_step.measure,
    "fetch": steps.fetch,
    "decode": steps.decode,
    "ids": steps.ids,
    "lay_out": steps.lay_out,
    "learn": steps.learn,
    "learn_movielens": movielens.learn_movielens,
    "textbook_kernel": movielens.textbook_kernel,
    "factors": movielens.factors,
    "river": movielens.river,
    "instructions": instructions.measure,
    "rows": rows.rows,
    "rows_missed": rows.rows_missed,
    "live_hits": steps.live_hits,
    "start_up": start_up.measure,
    "replica_load": replica_load.measure,
    "unfenced": unfenced.measure,
    "workers": workers.measure,
    "soak": soak.measure,
}


@click.command()
@click.option(
    "--only", type=click.Choice(list(BENCHMARKS)), multiple=True, help="Run this one; may be repeated."
)
@click.option("--events", default=1_000_000, show_default=True, help="Size of the backlog.")
@click.option("--rows", "most_rows", default=10_000_000, show_default=True, help="Most rows of one kind.")
@click.option(
    "--servers",
    type=click.Choice(["embedded", "real"]),
    default="embedded",
    show_default=True,
    help="real: Apache Kafka and redis-server (make setup-real).",
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
@click.option(
    "--write",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Put the figures into a document, in place of those that were measured anew.",
)
def main(
    only: tuple[str, ...], events: int, most_rows: int, servers: str, as_json: bool, write: Path | None
) -> None:
    """Measure, and print each figure with what it is measured against.

    \b
    Example:
      python -m tests.benchmarks --only end_to_end --events 200000
    """
    load = os.getloadavg()[0]
    click.echo(f"load of this machine before: {load:.2f} on {os.cpu_count()} cores", err=True)
    bench, found = Bench(events, real=servers == "real", rows=most_rows), list[tuple[str, Figure]]()
    for name in only or BENCHMARKS:
        click.echo(f"{name} …", err=True)
        try:
            for figure in BENCHMARKS[name](bench):
                found.append((name, figure))
                click.echo(json.dumps(asdict(figure) | {"ratio": figure.ratio}) if as_json else str(figure))
        except PeerMissingError as error:
            if name in only:
                raise click.ClickException(str(error)) from error
            click.echo(f"{name} is left out: {error}", err=True)
    if write is not None:
        document.write(write, list(BENCHMARKS), found, document.of_this_machine(events, load))


main()
