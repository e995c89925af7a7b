"""``lfm-online insight user``."""

from __future__ import annotations

from pathlib import Path

import click

from worker.cli.insight.profile import show_profile
from worker.cli.lookup import HOW_MANY, USER
from worker.cli.options import settings_options
from worker.cli.reading import AXES, CATALOGUE, JSON, LEAST
from worker.settings import Settings


@click.command()
@USER
@HOW_MANY
@AXES
@LEAST
@CATALOGUE
@JSON
@settings_options("store", "model")
def user(
    settings: Settings, user: str, n: int, n_axes: int, least: int, catalogue_file: Path | None, as_json: bool
) -> None:
    """What the model knows of USER: generosity, the place on each axis of taste, users of like taste.

    \b
    Example:
      lfm-online insight user 42 --catalogue movies.csv
    """
    show_profile(settings, "user", user, n, n_axes, least, catalogue_file, as_json=as_json)
