"""``lfm-online insight map``."""

from __future__ import annotations

from pathlib import Path

import click

from worker.cli.options import settings_options, svg_file
from worker.cli.reading import CATALOGUE, in_words, read_whole_model
from worker.settings import Settings


@click.command()
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path), callback=svg_file)
@click.option(
    "-n",
    "n",
    type=click.IntRange(1, 10_000),
    default=150,
    show_default=True,
    help="How many items, those with the most ratings.",
)
@CATALOGUE
@settings_options("store", "model")
def map(settings: Settings, file: Path, n: int, catalogue_file: Path | None) -> None:  # noqa: A001 - its name
    """Draw the two main axes of taste to FILE, an SVG: well-known items, named where there is room.

    \b
    Example:
      lfm-online insight map map.svg --catalogue movies.csv
    """
    from lfm_online.insight.axes import NoAxesError, axes_of
    from lfm_online.insight.map import draw_map

    with in_words(NoAxesError):
        model, catalogue = read_whole_model(settings, catalogue_file)
        drawn = draw_map(model, axes_of(model), catalogue, n)
    try:
        file.write_text(drawn, encoding="utf-8")
    except OSError as error:
        raise click.ClickException(f"{file} cannot be written: {error.strerror}") from None
    click.echo(f"drawn to {file}")
