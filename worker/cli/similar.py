"""``lfm-online similar``."""

from __future__ import annotations

import click

from lfm_online.similar import Near
from worker.api.similar import similar_answer
from worker.cli.lookup import AS_JSON, HOW_MANY, ITEM, model_of, print_json, print_table
from worker.cli.options import settings_options
from worker.settings import Settings


@click.command()
@ITEM
@HOW_MANY
@click.option(
    "--by",
    type=click.Choice(["taste", "taken-together"]),
    default="taste",
    show_default=True,
    help="Who likes the one likes the other, or who takes the one takes the other (LFM_RANKING).",
)
@AS_JSON
@settings_options("store", "model")
def similar(settings: Settings, item: str, n: int, by: Near, as_json: bool) -> None:
    """The items nearest to ITEM by the cosine of their factors, nearest first.

    \b
    Example:
      lfm-online similar 318 --model movies
    """
    with model_of(settings) as replica:
        answer = similar_answer(replica, item, n, by)
    if as_json:
        print_json(answer)
        return
    rows = [(each.item, f"{each.cosine:.3f}", str(each.item_ratings)) for each in answer.items]
    print_table(rows, "item", "cosine", "ratings")
