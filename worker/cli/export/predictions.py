"""``lfm-online export predictions``."""

from __future__ import annotations

import contextlib
from pathlib import Path

import click

from worker.cli.lookup import AT, checked_id
from worker.cli.options import settings_options
from worker.cli.reading import Bar, in_words
from worker.settings import Settings


@click.command()
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.option(
    "--user",
    "users",
    required=True,
    multiple=True,
    callback=lambda context, param, values: [checked_id(context, param, each) for each in values],
    help="A user's id; give the option once for each user.",
)
@AT
@settings_options("store", "model")
def predictions(settings: Settings, file: Path, users: list[str], at: int | None) -> None:
    """Write what each of the users would rate each item to FILE, those that they have rated included.

    \b
    Example:
      lfm-online export predictions predictions.parquet --user 42 --user 518
    """
    from lfm_online.export.parquet import ExportError
    from lfm_online.export.predictions import UnknownUsersError, export_predictions
    from worker.access import open_store

    with (
        in_words(ExportError, UnknownUsersError),
        contextlib.closing(open_store(settings)) as store,
        Bar() as bar,
    ):
        count = export_predictions(store, settings.model, users, file, at, bar.show)
    click.echo(f"{count:,} predictions in {file}")
