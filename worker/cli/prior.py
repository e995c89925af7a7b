"""``lfm-online prior``."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

import click

from worker.cli.lookup import print_json
from worker.cli.options import settings_options
from worker.cli.reading import JSON, Bar, in_words, read_titles
from worker.settings import Settings


@click.command()
@click.argument("catalogue", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@JSON
@settings_options("store", "model", "feed_entries")
def prior(settings: Settings, catalogue: Path, as_json: bool) -> None:
    """Let items of CATALOGUE that nobody has rated yet start from their genres and year.

    By a ridge regression from the attributes to bias and factors of the items that the model knows. Workers
    take the result over with their next commit, lookup servers at once; run it again now and then.
    CATALOGUE is a CSV file of item, title, genres (separated by |) and year.

    \b
    Example:
      lfm-online prior movies.csv --model movies
    """
    from lfm_online.cold.adopt import adopt_priors
    from lfm_online.cold.attributes import TooLittleKnownError, fit_priors
    from lfm_online.insight.whole import read_items
    from worker.access import open_store

    with in_words(TooLittleKnownError):
        told = read_titles(catalogue)
        with contextlib.closing(open_store(settings)) as store:
            with Bar() as bar:
                model = read_items(store, settings.model, bar.show).model
            fitted = fit_priors(model, told)
            adopt_priors(
                store,
                model,
                fitted.priors,
                feed_entries=settings.feed_entries,
                new_id=lambda: os.urandom(16),
            )
    if as_json:
        print_json({"known": fitted.known, "items": len(fitted.priors), "explained": fitted.explained})
    else:
        click.echo(
            f"{len(fitted.priors):,} items start from their attributes now. Of {fitted.known:,} rated items "
            f"they explain {fitted.explained:.0%} of how the biases differ."
        )
