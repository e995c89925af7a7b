"""``lfm-online recommend``."""

from __future__ import annotations

import click

from lfm_online.ranking.scores import DEFAULT_C
from lfm_online.recommend import By
from worker.api.problems import BadFieldError
from worker.api.recommend import recommend_answer
from worker.cli.lookup import AS_JSON, AT, HOW_MANY, USER, model_of, print_json, print_table
from worker.cli.options import settings_options
from worker.settings import Settings


@click.command()
@USER
@HOW_MANY
@click.option("--seen", is_flag=True, help="Keep the items of the user's history.")
@AT
@click.option(
    "--by",
    type=click.Choice(["next", "rating"]),
    help="Rank by what the user takes next, or by the predicted rating.  [default: next, if the model has a "
    "ranking head]",
)
@click.option(
    "--c",
    default=DEFAULT_C,
    show_default=True,
    type=click.FloatRange(0, 100),
    help="By next, the weight of the predicted rating: 0 what is taken next, 2 to 4 what is better liked.",
)
@AS_JSON
@settings_options("store", "model")
def recommend(
    settings: Settings, user: str, n: int, seen: bool, at: int | None, by: By | None, c: float, as_json: bool
) -> None:
    """The best items for USER, best first, without those of the user's history.

    \b
    Example:
      lfm-online recommend 42 -n 20 --model movies
    """
    with model_of(settings) as replica:
        try:
            answer = recommend_answer(replica, user, n, seen=seen, at=at, by=by, c=c)
        except BadFieldError as error:
            raise click.ClickException(str(error)) from None
    if as_json:
        print_json(answer)
        return
    if not answer.known_user:
        click.echo(f"the model knows no ratings of {user}: these are the best for all")
    rows = [
        (each.item, f"{each.score:.3f}", f"{each.rating:.2f}", str(each.item_ratings))
        for each in answer.items
    ]
    print_table(rows, "item", "score", "rating", "ratings")
