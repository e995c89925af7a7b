"""A body is decoded to the letter of its description, and what is wrong is told with its place."""

from __future__ import annotations

import json
from typing import Any

import pytest

from worker.api.basket import BasketRequest
from worker.api.bodies import decoded
from worker.api.predict import Pair, PredictRequest
from worker.api.problems import BadFieldError


def refused(body: bytes, kind: Any = BasketRequest) -> tuple[str, str]:
    with pytest.raises(BadFieldError) as error:
        decoded(body, kind)
    return error.value.field, error.value.message


def test_a_body_becomes_what_the_lookup_takes() -> None:
    assert decoded(b'{"items": ["318", 50], "c": 1, "seen": true}', BasketRequest) == BasketRequest(
        items=["318", 50], c=1.0, seen=True
    )
    assert decoded(b'{"pairs": [{"user": 1, "item": "i"}], "at": null}', PredictRequest) == PredictRequest(
        pairs=[Pair(user=1, item="i")]
    )


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("n", "2", "Expected `int`, got `str`"),
        ("n", 2.5, "Expected `int`, got `float`"),
        ("n", True, "Expected `int`, got `bool`"),
        ("c", "0.5", "Expected `float`, got `str`"),
        ("seen", 1, "Expected `bool`, got `int`"),
        ("seen", "true", "Expected `bool`, got `str`"),
    ],
)
def test_a_value_of_another_type_is_not_converted(field: str, value: object, message: str) -> None:
    assert refused(json.dumps({"items": ["318"], field: value}).encode()) == (field, message)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (b'{"items": ["318"], "c": 1e999}', "c"),
        (b'{"items": ["318"], "n": 1e999}', "n"),
        (b'{"items": ["318", 1e999]}', "items[1]"),
    ],
)
def test_a_number_out_of_range_is_named(body: bytes, field: str) -> None:
    assert refused(body) == (field, "Number out of range")


@pytest.mark.parametrize("body", [b"", b" \n"])
def test_a_body_of_nothing_is_missing(body: bytes) -> None:
    assert refused(body) == ("body", "missing")


@pytest.mark.parametrize("then", ["", "a", "\\n", "\U0001f600"])
def test_half_of_a_surrogate_pair_is_said_to_be_no_text(then: str) -> None:
    body = f'{{"items":["\\ud83d\\ude00","\\uD800{then}"]}}'.encode()
    field, message = refused(body)
    assert field == "body"
    assert "surrogate pair" in message
    assert "truncated" not in message


def test_a_short_end_behind_half_of_a_surrogate_pair_names_the_half() -> None:
    message = r"\ud800 is half of a surrogate pair, which is no text"
    assert refused(rb'{"items":["\ud83d\ude00","\ud800"]}') == ("body", message)


@pytest.mark.parametrize(
    "body", [b'{"items":["3', rb'{"items":["\ud83d', rb'{"items":["\ud83d\ude', rb'{"items":["\ud83d\ude00"']
)
def test_a_body_that_ends_too_early_is_said_to_be_cut(body: bytes) -> None:
    assert refused(body) == ("body", "Input data was truncated")


def test_bytes_that_are_no_text_are_refused() -> None:
    assert refused(b'{"items": ["\xff"]}') == ("body", "holds a string that is not UTF-8")


@pytest.mark.parametrize(
    ("body", "field", "message"),
    [
        (b'{"pairs": [{"user": "u"}]}', "pairs[0].item", "missing"),
        (b'{"pairs": [{"user": "u", "item": "i", "n": 1}]}', "pairs[0].n", "not a field of this request"),
        (b'{"user": "u", "a-b": 1}', "a-b", "not a field of this request"),
        (b"[]", "body", "Expected `object`, got `array`"),
    ],
)
def test_the_place_of_what_is_wrong_is_told(body: bytes, field: str, message: str) -> None:
    assert refused(body, PredictRequest) == (field, message)
