"""``lfm-online evaluate``."""

from __future__ import annotations

from pathlib import Path

import click
import msgspec
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from lfm_online.evaluate.prequential import Evaluation
from lfm_online.evaluate.prequential import evaluate as evaluated
from lfm_online.ratings_file import RatingsFileError, read_ratings
from worker.cli.options import settings_options
from worker.rule_options import rule_of
from worker.settings import Settings


@click.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--json", "as_json", is_flag=True, help="Print one JSON object; the table goes to standard error."
)
@settings_options(
    "rule",
    "factors",
    "rating_range",
    "seed",
    "sgd_link",
    "sgd_step_bias",
    "sgd_step_factors",
    "sgd_regularisation_bias",
    "sgd_regularisation_factors",
)
def evaluate(settings: Settings, file: Path, as_json: bool) -> None:
    """Measure a rule on a file of ratings, in this process alone: no Kafka, no store.

    Prequential: sorted by time (those of one time in the file's order), each rating is predicted before it is
    learned from. Shown beside the rule: the running mean, and the bias-only guess (shrunk running means of
    user and item). Ratings outside the range are refused and counted. Events/s are those of the compiled
    kernel.

    FILE is a table with a header line, separated by commas, tabs or semicolons, with columns for user, item,
    rating and timestamp.

    \b
    Example:
      lfm-online evaluate ratings.csv --range 1,5 --rule sgd --json
    """
    console = Console(stderr=True)
    bar = Progress(
        TextColumn("evaluated"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(), console=console
    )
    try:
        ratings = read_ratings(file)
        with bar:
            task = bar.add_task("evaluated", total=len(ratings))
            result = evaluated(
                ratings,
                rule_of(settings),
                settings.factors,
                on_progress=lambda done: bar.update(task, completed=done),
            )
            bar.update(task, completed=len(ratings))
    except (RatingsFileError, ValueError) as error:
        raise click.ClickException(str(error)) from None
    (console if as_json else Console()).print(_table(settings, result))
    if as_json:
        click.echo(msgspec.json.encode(_summary(result)))


def _summary(result: Evaluation) -> dict[str, float]:
    return {
        "events": result.events,
        "refused": result.refused,
        "rmse": result.model.whole.rmse,
        "mae": result.model.whole.mae,
        "rmse_last_half": result.model.last_half.rmse,
        "rmse_mean": result.mean.whole.rmse,
        "rmse_bias": result.bias.whole.rmse,
        "events_per_second": result.events_per_second,
    }


def _table(settings: Settings, result: Evaluation) -> Table:
    table = Table(
        title=f"{result.events:,} ratings learned, {result.refused:,} refused",
        caption=f"{result.events_per_second:,.0f} events/s in the kernel",
    )
    table.add_column("predictor")
    for heading in ("RMSE", "MAE", "RMSE, last half", "MAE, last half"):
        table.add_column(heading, justify="right")
    rows = {
        f"{settings.rule}, {settings.factors} factors": result.model,
        "running mean": result.mean,
        "bias-only guess": result.bias,
    }
    for name, scores in rows.items():
        table.add_row(name, *(f"{value:.4f}" for errors in scores for value in errors))
    return table
