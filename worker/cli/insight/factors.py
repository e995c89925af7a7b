"""``lfm-online insight factors``."""

from __future__ import annotations

from itertools import zip_longest
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from worker.cli.insight.show import correlation, named, print_columns
from worker.cli.lookup import print_json
from worker.cli.options import settings_options
from worker.cli.reading import AXES, CATALOGUE, JSON, in_words, read_whole_model
from worker.settings import Settings

if TYPE_CHECKING:
    from lfm_online.insight.factors import AxisReading, Factors, Place

SHOWN_GENRES: Final = 4


@click.command()
@AXES
@click.option(
    "-n",
    "n",
    type=click.IntRange(1, 1000),
    default=5,
    show_default=True,
    help="How many items of an end at most.",
)
@CATALOGUE
@JSON
@settings_options("store", "model")
def factors(settings: Settings, n_axes: int, n: int, catalogue_file: Path | None, as_json: bool) -> None:
    """The principal axes of taste: items at both ends, share of variance, and what goes with them.

    The factors are turned to their principal axes first, since the raw ones are only defined up to a
    rotation. Beside an item stands what it gains in the score of a user one deviation along the axis.

    \b
    Example:
      lfm-online insight factors --axes 3 --catalogue movies.csv
    """
    from lfm_online.insight.axes import NoAxesError, axes_of
    from lfm_online.insight.factors import read_factors

    with in_words(NoAxesError):
        model, catalogue = read_whole_model(settings, catalogue_file)
        found = read_factors(model, axes_of(model), catalogue, n_axes, n)
    if as_json:
        print_json(found)
    else:
        _print(found)


def _print(found: Factors) -> None:
    for axis in found.axes:
        rows = [
            (*_cells(low), *_cells(high)) for low, high in zip_longest(axis.low, axis.high, fillvalue=None)
        ]
        title = (
            f"axis {axis.axis}: {axis.share:.1%} of the variance of tastes, {axis.strength:.3f} {found.units}"
        )
        print_columns(title, rows, "low end", "", "high end", "", names=(0, 2))
        click.echo(f"  goes with {_goes_with(axis)}\n")


def _cells(place: Place | None) -> tuple[str, str]:
    return ("", "") if place is None else (named(place.id, place.title), f"{place.at:+.3f}")


def _goes_with(axis: AxisReading) -> str:
    plain = {"popularity": axis.popularity, "liking": axis.liking, "year": axis.year}
    genres = dict(list(axis.genres.items())[:SHOWN_GENRES])
    told = {name: value for name, value in {**plain, **genres}.items() if value is not None}
    return ", ".join(f"{name} {correlation(value)}" for name, value in told.items())
