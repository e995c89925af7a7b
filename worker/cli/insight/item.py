"""``lfm-online insight item``."""

from __future__ import annotations

from pathlib import Path

import click

from worker.cli.insight.profile import show_profile
from worker.cli.lookup import HOW_MANY, ITEM
from worker.cli.options import settings_options
from worker.cli.reading import AXES, CATALOGUE, JSON, LEAST
from worker.settings import Settings


@click.command()
@ITEM
@HOW_MANY
@AXES
@LEAST
@CATALOGUE
@JSON
@settings_options("store", "model")
def item(
    settings: Settings, item: str, n: int, n_axes: int, least: int, catalogue_file: Path | None, as_json: bool
) -> None:
    """What the model knows of ITEM: how it is liked, its place on each axis of taste, items of like appeal.

    \b
    Example:
      lfm-online insight item 318 --catalogue movies.csv
    """
    show_profile(settings, "item", item, n, n_axes, least, catalogue_file, as_json=as_json)
