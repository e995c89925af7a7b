"""``lfm-online recommend``."""

from __future__ import annotations

from collections.abc import Sequence

import click

from lfm_online.ranking.scores import DEFAULT_C
from lfm_online.recommend import By
from worker.api.basket import BasketAnswer, basket_answer
from worker.api.recommend import RecommendAnswer, RecommendedItem, recommend_answer
from worker.cli.finite import FiniteRange
from worker.cli.lookup import AS_JSON, AT, HOW_MANY, checked_id, model_of, print_json, print_table
from worker.cli.options import settings_options
from worker.settings import Settings


@click.command()
@click.argument("ids", nargs=-1, required=True, metavar="USER | --basket ITEM...")
@click.option(
    "--basket", is_flag=True, help="For a visitor without an id, who took these items, the latest last."
)
@HOW_MANY
@click.option("--seen", is_flag=True, help="Keep the items of the user's history, or of the basket.")
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
    type=FiniteRange(0, 100),
    help="By next, the weight of the predicted rating: 0 what is taken next, 2 to 4 what is better liked.",
)
@AS_JSON
@settings_options("store", "model")
@click.pass_context
def recommend(
    context: click.Context,
    settings: Settings,
    ids: Sequence[str],
    basket: bool,
    n: int,
    seen: bool,
    at: int | None,
    by: By | None,
    c: float,
    as_json: bool,
) -> None:
    """The best items for USER, best first, without those of the user's history; or to go with a basket.

    \b
    Example:
      lfm-online recommend 42 -n 20 --model movies
      lfm-online recommend --basket 318 50
    """
    if basket and (at is not None or by is not None):
        raise click.UsageError("--basket is ranked by what is taken next, now: without --at and --by")
    if not basket and len(ids) > 1:
        raise click.UsageError(f"{len(ids)} users; name one, or give --basket for items")
    kind = click.Argument(["item" if basket else "user"])
    checked = [checked_id(context, kind, each) for each in ids]
    answer: RecommendAnswer | BasketAnswer
    with model_of(settings) as replica:
        if basket:
            answer = basket_answer(replica, checked, n, seen=seen, c=c)
        else:
            answer = recommend_answer(replica, checked[0], n, seen=seen, at=at, by=by, c=c)
    if as_json:
        print_json(answer)
        return
    if isinstance(answer, BasketAnswer):
        _say_what_is_unknown(answer)
    elif not answer.known_user:
        click.echo(f"the model knows no ratings of {answer.user}: these are the best for all")
    _print_items(answer.items)


def _say_what_is_unknown(answer: BasketAnswer) -> None:
    if answer.basis == "popularity":
        click.echo("the model knows none of the basket: these are the best for all")
    elif answer.unknown:
        click.echo(f"the model does not know {', '.join(answer.unknown)}")


def _print_items(items: Sequence[RecommendedItem]) -> None:
    rows = [(each.item, f"{each.score:.3f}", f"{each.rating:.2f}", str(each.item_ratings)) for each in items]
    print_table(rows, "item", "score", "rating", "ratings")
