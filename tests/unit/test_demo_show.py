"""What the demo shows at its end: ids and titles as they are, and addresses that can be repeated."""

from __future__ import annotations

import re
from io import StringIO
from typing import Any
from urllib.parse import parse_qs, urlsplit

import numpy as np
import pytest
from rich.console import Console

from lfm_online.catalogue import EMPTY, Catalogue, CatalogueItem
from lfm_online.ratings_file import RatingsTable
from worker.demo import show as shown
from worker.settings import RatingRange

URL = "http://127.0.0.1:8080"
LIMITS = RatingRange(0.5, 5)


def table(*rows: tuple[str, str, float]) -> RatingsTable:
    users, items, ratings = zip(*rows, strict=True)
    return RatingsTable([*users], [*items], np.array(ratings, np.float64), np.zeros(len(rows), np.int64))


def printed(monkeypatch: pytest.MonkeyPatch, ratings: RatingsTable, catalogue: Catalogue = EMPTY) -> str:
    """What is shown where every lookup finds the item that was asked for, or else the table's first."""

    def answer(_url: str, **query: Any) -> Any:
        found = {"item": query.get("item", ratings.items[0]), "score": 1.0, "similarity": 0.5}
        prediction = {"rating": 4.0, "deviation": 0.5, "parts": {"mean": 4.0}}
        return prediction | {"user_ratings": 1, "item_ratings": 1, "items": [found]}

    monkeypatch.setattr(shown, "get_json", answer)
    out = StringIO()
    shown.show(Console(file=out, width=200), URL, ratings, LIMITS, catalogue)
    return out.getvalue()


@pytest.mark.parametrize("item", ["[/i0]", "[bold]", "[uN]", ":bomb:", "a\\", "\\[x]"])
def test_ids_that_look_like_markup_are_shown_as_they_are(monkeypatch: pytest.MonkeyPatch, item: str) -> None:
    text = printed(monkeypatch, table((f"user {item}", item, 3.0)))
    assert f"What would user user {item} rate {item}?" in text
    unbroken = " ".join(text.split())  # a heading is as wide as its table
    assert f"recommendations for user user {item} ┏" in unbroken
    assert f"Nearest to {item} ┏" in unbroken
    assert len(re.findall(rf"(?:1\.00|0\.50) │ {re.escape(item)} ", text)) == 2


def test_titles_that_look_like_markup_are_shown_as_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    catalogue = Catalogue({"i": CatalogueItem("[/REC] (2007)")})
    text = printed(monkeypatch, table(("u", "i", 3.0)), catalogue)
    assert text.count("[/REC] (2007)") == 4


def test_an_address_asks_for_the_ids_whatever_they_hold_and_stands_on_one_line(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    user, item = "bö b&item=1", "alpha [item] " + "long " * 40
    lines = printed(monkeypatch, table((user, item, 3.0))).splitlines()
    asked = [urlsplit(line.strip()) for line in lines if line.startswith(f"  {URL}")]
    assert [(url.path, parse_qs(url.query)) for url in asked] == [
        ("/v1/predict", {"user": [user], "item": [item]}),
        ("/v1/recommend", {"user": [user], "n": ["10"]}),
        ("/v1/similar", {"item": [item], "n": ["5"]}),
    ]
    assert not any(" " in url.geturl() for url in asked)


def test_user_and_item_are_of_those_with_ratings_within_the_range(monkeypatch: pytest.MonkeyPatch) -> None:
    ratings = table(("dead", "gone", 50), ("dead", "gone", 10), ("dead", "gone", 0), ("u", "i", 5))
    assert "What would user u rate i?" in printed(monkeypatch, ratings)
