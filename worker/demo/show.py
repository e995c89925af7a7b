"""A few readable things, once all is learned: each is one lookup that anybody can repeat."""

from __future__ import annotations

from collections import Counter
from typing import Final

from rich.console import Console
from rich.table import Table
from rich.text import Text

from lfm_online.catalogue import Catalogue
from lfm_online.rating_range import within
from lfm_online.ratings_file import RatingsTable
from worker.demo.watch import address, get_json
from worker.settings import RatingRange

SHOWN: Final = 10
SIMILAR: Final = 5


def show(console: Console, url: str, table: RatingsTable, limits: RatingRange, catalogue: Catalogue) -> None:
    """Print a prediction with its parts, recommendations, and similar items.

    Raises:
        NoRatingsError: no rating of the table lies within the range.
    """
    # Ratings outside the range became dead letters: of their users and items the model may know nothing.
    known = within(table, *limits)
    user = Counter(known.users).most_common(20)[-1][0]
    item = Counter(known.items).most_common(1)[0][0]

    def title(row_id: str) -> str:
        return catalogue.of(row_id).title or row_id

    # Text wherever an id or a title stands, since it may look like rich's markup.
    prediction = get_json(f"{url}/v1/predict", user=user, item=item)
    question = (f"What would user {user} rate {title(item)}?", "bold")
    guess = f"  {prediction['rating']:.2f} ± {prediction['deviation']:.2f}, the sum of"
    console.print(Text.assemble("\n", question, guess))
    parts = "  ".join(f"{name} {value:+.2f}" for name, value in prediction["parts"].items())
    console.print(f"  {parts}")
    console.print(
        f"  resting on {prediction['user_ratings']} ratings by the user "
        f"and {prediction['item_ratings']} of the item"
    )
    _print_address(console, address(f"{url}/v1/predict", user=user, item=item))
    best = _table(f"{SHOWN} recommendations for user {user}", "score")
    for found in get_json(f"{url}/v1/recommend", user=user, n=SHOWN)["items"]:
        best.add_row(f"{found['score']:.2f}", Text(title(found["item"])))
    console.print("", best)
    _print_address(console, address(f"{url}/v1/recommend", user=user, n=SHOWN))
    near = _table(f"Nearest to {title(item)}", "similarity")
    for found in get_json(f"{url}/v1/similar", item=item, n=SIMILAR)["items"]:
        near.add_row(f"{found['similarity']:.2f}", Text(title(found["item"])))
    console.print("", near)
    _print_address(console, address(f"{url}/v1/similar", item=item, n=SIMILAR))


def _table(heading: str, number: str) -> Table:
    """A table of titles, each with a number."""
    table = Table(title=Text(heading, "bold"), title_justify="left")
    table.add_column(number, justify="right")
    table.add_column("title")
    return table


def _print_address(console: Console, url: str) -> None:
    """On one line, however long: a broken one can't be copied."""
    console.print(Text(f"  {url}"), soft_wrap=True)
