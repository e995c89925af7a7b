"""``lfm-online cold-start``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click
import msgspec
from rich.console import Console
from rich.table import Table

from worker.cli.options import settings_options
from worker.cli.ratings import ratings_of
from worker.cli.reading import CATALOGUE, JSON, Bar, in_words, read_titles
from worker.settings import Settings

if TYPE_CHECKING:
    from lfm_online.cold.asking import Asking
    from lfm_online.cold.curve import ColdCurve
    from lfm_online.cold.first_ratings import FirstRatings


@click.command("cold-start")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@CATALOGUE
@JSON
@settings_options("rule", "factors", "rating_range", "seed")
def cold_start(settings: Settings, file: Path, catalogue_file: Path | None, as_json: bool) -> None:
    """Measure on a file of ratings how fast newcomers become known, in this process alone.

    The cold curve: RMSE after 0 to 20 ratings by users held out in five folds. The questionnaire (insight
    questionnaire) beside asking for popular and for random items; rule adaptive only. With a catalogue: what
    starting new items from their attributes (prior) buys on their first ratings. FILE is read as by evaluate.

    \b
    Example:
      lfm-online cold-start ratings.csv --range 1,5 --catalogue movies.csv
    """
    from lfm_online.cold.asking import measure_asking
    from lfm_online.cold.curve import cold_curve
    from lfm_online.cold.first_ratings import measure_first_ratings
    from lfm_online.rules import adaptive_start
    from worker.rule_options import rule_of

    # ValueError covers what each of them says of a file that is too small, or of another range.
    with in_words(ValueError):
        catalogue = read_titles(catalogue_file)
        ratings = ratings_of(file, settings.rating_range)
        rule, factors = rule_of(settings), settings.factors
        asking, first = None, None
        with Bar() as bar:
            curve = cold_curve(ratings, rule, factors, bar.show)
            if rule.name == adaptive_start.NAME:
                asking = measure_asking(ratings, rule, factors, bar.show)
            if len(catalogue):
                first = measure_first_ratings(ratings, catalogue, rule, factors, bar.show)
    if as_json:
        found = {"curve": curve, "questionnaire": asking, "attributes": first}
        click.echo(msgspec.json.encode({what: each for what, each in found.items() if each is not None}))
        return
    console = Console()
    console.print(_curve_table(curve))
    if asking is not None:
        for table in _asking_tables(asking):
            console.print(table)
    if first is not None:
        console.print(_first_table(first))


def _table(title: str, *columns: str) -> Table:
    table = Table(title=title, title_justify="left")
    for place, column in enumerate(columns):
        table.add_column(column, justify="right" if place else "left")
    return table


def _curve_table(curve: ColdCurve) -> Table:
    title = f"Cold curve: {curve.users:,} users held out, {curve.ratings:,} ratings predicted"
    table = _table(title, "ratings given", "RMSE, model", "RMSE, bias only")
    for point in curve.points:
        table.add_row(str(point.given), f"{point.rmse:.4f}", f"{point.rmse_bias:.4f}")
    return table


def _asking_tables(asking: Asking) -> list[Table]:
    """By how many were answered (with the questions that took), and by how many were asked."""
    title = f"Asking {asking.users:,} users, RMSE over {asking.ratings:,} ratings"
    by_answers = _table(f"{title}: after so many answers (questions of the median user)", "way")
    by_questions = _table(f"{title}: after so many questions (answers on average)", "way")
    for table, stops in ((by_answers, asking.answers), (by_questions, asking.questions)):
        for stop in stops:
            table.add_column(str(stop), justify="right")
    for way in asking.ways:
        pairs = zip(way.rmse_by_answers, way.questions_by_answers, strict=True)
        by_answers.add_row(way.way, *(f"{error:.4f} ({count:.0f})" for error, count in pairs))
        pairs = zip(way.rmse_by_questions, way.answers_by_questions, strict=True)
        by_questions.add_row(way.way, *(f"{error:.4f} ({count:.1f})" for error, count in pairs))
    return [by_answers, by_questions]


def _first_table(first: FirstRatings) -> Table:
    title = f"{first.items:,} items that came after the first tenth of the file"
    table = _table(title, "RMSE over", "ratings", "without attributes", "with attributes")
    named = {f"their first {n}": gain for n, gain in first.first.items()} | {"the whole file": first.all}
    for name, gain in named.items():
        table.add_row(name, f"{gain.ratings:,}", f"{gain.rmse:.4f}", f"{gain.rmse_attributes:.4f}")
    return table
