"""``lfm-online recommend``."""

from __future__ import annotations

import click

from worker.api.recommend import recommend_answer
from worker.cli.lookup import AS_JSON, AT, HOW_MANY, USER, model_of, print_json, print_table
from worker.cli.options import settings_options
from worker.settings import Settings


@click.command()
@USER
@HOW_MANY
@click.option("--seen", is_flag=True, help="Keep the items of the user's history.")
@AT
@AS_JSON
@settings_options("store", "model")
def recommend(settings: Settings, user: str, n: int, seen: bool, at: int | None, as_json: bool) -> None:
    """The best items for USER, best first, without those of the user's history.

    \b
    Example:
      lfm-online recommend 42 -n 20 --model movies
    """
    with model_of(settings) as replica:
        answer = recommend_answer(replica, user, n, seen=seen, at=at)
    if as_json:
        print_json(answer)
        return
    if not answer.known_user:
        click.echo(f"the model knows no ratings of {user}: these are the best liked by all")
    rows = [(each.item, f"{each.score:.3f}", str(each.item_ratings)) for each in answer.items]
    print_table(rows, "item", "score", "ratings")
