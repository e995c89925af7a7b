"""``lfm-online explain``."""

from __future__ import annotations

import click

from worker.api.explain import explain_answer
from worker.cli.lookup import AS_JSON, AT, HOW_MANY, ITEM, USER, model_of, print_json, print_table
from worker.cli.options import settings_options
from worker.cli.predict import print_prediction
from worker.settings import Settings


@click.command()
@USER
@ITEM
@HOW_MANY
@AT
@AS_JSON
@settings_options("store", "model")
def explain(settings: Settings, user: str, item: str, n: int, at: int | None, as_json: bool) -> None:
    """What a prediction of USER for ITEM is made of, and the user's own rated items nearest to it.

    \b
    Example:
      lfm-online explain 42 318 --model movies
    """
    with model_of(settings) as replica:
        answer = explain_answer(replica, user, item, n, at)
    if as_json:
        print_json(answer)
        return
    print_prediction(answer)
    if answer.nearest:
        click.echo("\nnearest of the user's own ratings")
        rows = [(each.item, f"{each.rating:g}", f"{each.similarity:.3f}") for each in answer.nearest]
        print_table(rows, "item", "rating", "similarity")
