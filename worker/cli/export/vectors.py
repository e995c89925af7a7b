"""``lfm-online export vectors``."""

from __future__ import annotations

import contextlib
from pathlib import Path

import click

from worker.cli.options import settings_options
from worker.cli.reading import CATALOGUE, Bar, in_words, read_titles
from worker.settings import Settings


@click.command()
@click.argument("directory", type=click.Path(exists=True, file_okay=False, path_type=Path))
@CATALOGUE
@settings_options("store", "model")
def vectors(settings: Settings, directory: Path, catalogue_file: Path | None) -> None:
    """Write users.parquet and items.parquet to DIRECTORY: a row for each user and each item.

    \b
    Example:
      lfm-online export vectors . --catalogue movies.csv
    """
    from lfm_online.export.parquet import ExportError
    from lfm_online.export.vectors import export_vectors
    from worker.access import open_store

    with (
        in_words(ExportError),
        contextlib.closing(open_store(settings)) as store,
    ):
        catalogue = read_titles(catalogue_file)
        with Bar() as bar:
            counts = export_vectors(store, settings.model, directory, catalogue, bar.show)
    for file, count in counts.items():
        click.echo(f"{count:,} rows in {directory / file}")
