"""``lfm-online insight biases``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from worker.cli.insight.show import bias_row, note_on_variances, print_columns
from worker.cli.lookup import HOW_MANY, print_json
from worker.cli.options import settings_options
from worker.cli.reading import CATALOGUE, JSON, in_words, read_whole_model
from worker.settings import Settings

if TYPE_CHECKING:
    from lfm_online.insight.biases import Biases


@click.command()
@HOW_MANY
@CATALOGUE
@JSON
@settings_options("store", "model")
def biases(settings: Settings, n: int, catalogue_file: Path | None, as_json: bool) -> None:
    """The most and least generous users, and the items liked best and worst beyond their popularity.

    Ranked by the end of the 90% interval nearer to zero, so that what rests on two ratings does not win.

    \b
    Example:
      lfm-online insight biases --catalogue movies.csv -n 5
    """
    from lfm_online.insight.biases import read_biases

    with in_words():
        model, catalogue = read_whole_model(settings, catalogue_file)
        found = read_biases(model, catalogue, n)
    if as_json:
        print_json(found)
    else:
        _print(found)


def _print(found: Biases) -> None:
    for title, kind, rows in (
        ("most generous users", "user", found.generous_users),
        ("least generous users", "user", found.strict_users),
        ("items liked best, beyond their popularity", "item", found.liked_items),
        ("items liked worst, beyond their popularity", "item", found.disliked_items),
    ):
        print_columns(title, [bias_row(each) for each in rows], kind, "bias", "90% interval", "ratings")
    click.echo(f"in {found.units}{note_on_variances(found.rule, found.liked_items)}")
