"""A few readable things, once all is learned: each is one lookup that anybody can repeat."""

from __future__ import annotations

from collections import Counter
from typing import Final

from rich.console import Console
from rich.table import Table

from lfm_online.catalogue import Catalogue
from lfm_online.ratings_file import RatingsTable
from worker.demo.watch import get_json

SHOWN: Final = 10
SIMILAR: Final = 5


def show(console: Console, url: str, table: RatingsTable, catalogue: Catalogue) -> None:
    """Print a prediction with its parts, recommendations, and similar items."""
    user = Counter(table.users).most_common(20)[-1][0]
    item = Counter(table.items).most_common(1)[0][0]

    def title(row_id: str) -> str:
        return catalogue.of(row_id).title or row_id

    prediction = get_json(f"{url}/v1/predict", user=user, item=item)
    console.print(
        f"\n[bold]What would user {user} rate {title(item)}?[/bold]  "
        f"{prediction['rating']:.2f} ± {prediction['deviation']:.2f}, the sum of"
    )
    parts = "  ".join(f"{name} {value:+.2f}" for name, value in prediction["parts"].items())
    console.print(f"  {parts}")
    console.print(
        f"  resting on {prediction['user_ratings']} ratings by the user "
        f"and {prediction['item_ratings']} of the item\n"
        f"  {url}/v1/predict?user={user}&item={item}"
    )
    best = Table(title=f"{SHOWN} recommendations for user {user}", title_justify="left", title_style="bold")
    best.add_column("score", justify="right")
    best.add_column("title")
    for found in get_json(f"{url}/v1/recommend", user=user, n=SHOWN)["items"]:
        best.add_row(f"{found['score']:.2f}", title(found["item"]))
    console.print("", best, f"  {url}/v1/recommend?user={user}&n={SHOWN}")
    near = Table(title=f"Nearest to {title(item)}", title_justify="left", title_style="bold")
    near.add_column("cosine", justify="right")
    near.add_column("title")
    for found in get_json(f"{url}/v1/similar", item=item, n=SIMILAR)["items"]:
        near.add_row(f"{found['cosine']:.2f}", title(found["item"]))
    console.print("", near, f"  {url}/v1/similar?item={item}&n={SIMILAR}")
