"""The documented example: Carol, who dislikes romances as Alice does, will like The Matrix."""

from __future__ import annotations

import runpy
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import fromstring

import pytest

EXAMPLES = Path(__file__).parents[2] / "docs" / "examples"
EXAMPLE: dict[str, Any] = runpy.run_path(str(EXAMPLES / "transitive_inference.py"))


@pytest.fixture(scope="module", params=[1, 2, 3])
def model(request: pytest.FixtureRequest) -> Any:
    return EXAMPLE["learned"]([*EXAMPLE["audience"](), *EXAMPLE["FRIENDS"]], request.param)


def test_carol_will_like_the_matrix_though_all_that_she_rated_she_disliked(model: Any) -> None:
    rating_of, bias_only = EXAMPLE["rating_of"], EXAMPLE["bias_only"]
    assert rating_of(model, "Carol", "The Matrix") > 3.8
    assert rating_of(model, "Carol", "Ghost") < 2.2
    assert bias_only(model, "Carol", "The Matrix") < 3  # so it is not that everybody likes it
    assert EXAMPLE["predicted"](model, "Carol", "The Matrix")["factors"] > 0.3


def test_who_likes_the_same_films_lies_the_same_way(model: Any) -> None:
    people = model.users.rows.factors[model.users.numbers(["Alice", "Dave", "Carol"])]
    matrix, ghost = model.items.rows.factors[model.items.numbers(["The Matrix", "Ghost"])]
    assert all(p @ matrix > 0 > p @ ghost for p in people)
    assert all(p @ people[0] > 0 for p in people)


def test_without_the_audience_nothing_links_carol_to_the_matrix() -> None:
    alone = EXAMPLE["learned"](EXAMPLE["FRIENDS"])
    assert EXAMPLE["rating_of"](alone, "Carol", "The Matrix") < 3.5


def test_the_drawing_shows_every_film_and_person() -> None:
    for svg in (
        EXAMPLE["drawn"](EXAMPLE["learned"]([*EXAMPLE["audience"](), *EXAMPLE["FRIENDS"]])),
        (EXAMPLES / "transitive_inference.svg").read_text(encoding="utf-8"),
    ):
        root = fromstring(svg)  # noqa: S314 - what this process and this project wrote
        texts = {text.text for text in root.iter("{http://www.w3.org/2000/svg}text")}
        assert texts == {*EXAMPLE["SCIENCE_FICTION"], *EXAMPLE["ROMANCES"], "Alice", "Dave", "Carol"}
