"""``lfm-online popular``."""

from __future__ import annotations

import click

from worker.api.popular import popular_answer
from worker.cli.lookup import AS_JSON, HOW_MANY, model_of, print_json, print_table
from worker.cli.options import settings_options
from worker.settings import Settings


@click.command()
@HOW_MANY
@AS_JSON
@settings_options("store", "model")
def popular(settings: Settings, n: int, as_json: bool) -> None:
    """The items with the highest share of events now, most popular first.

    \b
    Example:
      lfm-online popular -n 20 --model movies
    """
    with model_of(settings) as replica:
        answer = popular_answer(replica, n)
    if as_json:
        print_json(answer)
        return
    rows = [(each.item, f"{100 * each.share:.3f}", str(each.item_ratings)) for each in answer.items]
    print_table(rows, "item", "% of events", "ratings")
