"""A file of ratings as the commands read it: what lies outside the range is told of."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

import click

if TYPE_CHECKING:
    from lfm_online.ratings_file import RatingsTable
    from worker.settings import RatingRange


class Fate(NamedTuple):
    """What becomes of ratings outside the range, of one and of several."""

    one: str
    several: str


LEFT_OUT: Final = Fate("is left out", "are left out")
DEAD_LETTERS: Final = Fate("becomes a dead letter", "become dead letters")


def ratings_of(file: Path, limits: RatingRange) -> RatingsTable:
    """All ratings of a file; standard error is told of those outside the range.

    Raises:
        RatingsFileError: the file can't be read.
        NoRatingsError: it holds no ratings, or none within the range.
    """
    from lfm_online.ratings_file import read_ratings

    ratings = read_ratings(file)
    tell_outside(ratings, limits, str(file), LEFT_OUT)
    return ratings


def tell_outside(ratings: RatingsTable, limits: RatingRange, name: str, fate: Fate) -> None:
    """Say on standard error how many ratings lie outside the range, if any do.

    Raises:
        NoRatingsError: all of them, or there are none.
    """
    from lfm_online.rating_range import places_within, span

    outside = len(ratings) - len(places_within(ratings, *limits, name))
    if outside:
        lie, become = ("lies", fate.one) if outside == 1 else ("lie", fate.several)
        click.echo(
            f"{outside:,} of {len(ratings):,} ratings ({span(ratings)}) {lie} outside {limits} and {become} "
            "(--range)",
            err=True,
        )
