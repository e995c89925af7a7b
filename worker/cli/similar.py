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
    type=click.Choice(["taken-together", "taste"]),
    help="Who takes the one takes the other, or who likes the one likes the other.  [default: "
    "taken-together, if the model has a ranking head (LFM_RANKING)]",
)
@AS_JSON
@settings_options("store", "model")
def similar(settings: Settings, item: str, n: int, by: Near | None, as_json: bool) -> None:
    """The items nearest to ITEM by their factors, nearest first; those of few ratings stand back.

    \b
    Example:
      lfm-online similar 318 --model movies
    """
    with model_of(settings) as replica:
        answer = similar_answer(replica, item, n, by)
    if as_json:
        print_json(answer)
        return
    rows = [(each.item, f"{each.similarity:.3f}", str(each.item_ratings)) for each in answer.items]
    print_table(rows, "item", "similarity", "ratings")
