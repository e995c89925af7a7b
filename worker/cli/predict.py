"""``lfm-online predict``."""

from __future__ import annotations

import click

from worker.api.answers import PredictionBody
from worker.api.predict import predict_answer
from worker.cli.lookup import AS_JSON, AT, ITEM, USER, known, model_of, print_json, print_table
from worker.cli.options import settings_options
from worker.settings import Settings


@click.command()
@USER
@ITEM
@AT
@AS_JSON
@settings_options("store", "model")
def predict(settings: Settings, user: str, item: str, at: int | None, as_json: bool) -> None:
    """What USER would rate ITEM, with its standard deviation, bands, and the parts of the score.

    An unknown user or item is answered for as a newcomer.

    \b
    Example:
      lfm-online predict 42 318 --model movies
    """
    with model_of(settings) as replica:
        answer = predict_answer(replica, user, item, at)
    if as_json:
        print_json(answer)
    else:
        print_prediction(answer)


def print_prediction(answer: PredictionBody) -> None:
    """The rating, what it rests on, and its parts."""
    click.echo(
        f"{answer.user} would rate {answer.item} {answer.rating:.2f}, give or take {answer.deviation:.2f} "
        f"(from {known(answer.user_ratings, 'user', answer.user_basis)} "
        f"and {known(answer.item_ratings, 'item', answer.item_basis)})"
    )
    bands = (f"{band}% from {low:.2f} to {high:.2f}" for band, (low, high) in answer.bands.items())
    click.echo(f"of such ratings, {', '.join(bands)}")
    rows = [(name.replace("_", " "), f"{value:+.3f}") for name, value in answer.parts.items()]
    print_table([*rows, ("score", f"{answer.score:+.3f}")], "part", "adds")
