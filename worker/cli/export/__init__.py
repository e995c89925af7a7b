"""``lfm-online export``: a model as Parquet."""

from __future__ import annotations

import click

from worker.cli.lazy_group import LazyGroup

# Each is a click command of that name in the module of that name in this package.
EXPORTS = {
    "vectors": "All users and items: counts, biases, factors, variances.",
    "predictions": "What given users would rate every item.",
}


@click.group(cls=LazyGroup, package=__name__, texts=EXPORTS)
def export() -> None:
    """Write a model's vectors or predictions to Parquet files. Nothing is written to the store.

    \b
    Example:
      lfm-online export vectors out/ --model movies
    """
