"""A prediction on the terminal says what it rests on."""

import pytest

from worker.api.answers import PredictionBody
from worker.cli.predict import print_prediction


@pytest.mark.parametrize(
    ("ratings", "basis", "words"),
    [
        (3, "ratings", "3 ratings of the item"),
        (0, "attributes", "the attributes of the item"),
        (0, "mean", "an unknown item"),
    ],
)
def test_it_says_what_the_item_is_known_by(
    ratings: int, basis: str, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    print_prediction(
        PredictionBody(
            user="u",
            item="i",
            rating=4.0,
            deviation=0.8,
            bands={"50": (3.5, 4.5)},
            score=4.0,
            parts={"mean": 4.0},
            known_user=True,
            known_item=ratings > 0,
            user_ratings=7,
            item_ratings=ratings,
            user_basis="ratings",
            item_basis=basis,  # type: ignore[arg-type]
        )
    )
    assert f"(from 7 ratings of the user and {words})" in capsys.readouterr().out
