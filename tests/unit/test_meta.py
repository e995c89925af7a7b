"""A model's settings: who may touch its rows."""

from __future__ import annotations

import msgspec
import pytest

from lfm_online.meta import MetaMismatchError, check_same, read_meta
from lfm_online.rules.registry import make_rule
from tests.made_model import meta


def test_a_meta_comes_back_from_its_bytes_with_the_same_rule() -> None:
    own = msgspec.structs.replace(
        meta("sgd"), options={"link": "sigmoid_range", "margin": 0.25, "biases": 0.0}
    )
    read = read_meta(own.to_bytes(), "m")
    check_same(read, own, "m")
    assert read.make_rule().hyper == own.make_rule().hyper
    assert (read.make_rule().hyper.margin, read.make_rule().hyper.biases) == (0.25, 0.0)
    assert read.make_rule().link == "sigmoid_range"


def test_a_mismatch_names_every_setting_with_both_values_and_the_way_out() -> None:
    stored = meta("sgd", factors=8)
    own = msgspec.structs.replace(meta("adaptive", factors=16), high=10.0)
    with pytest.raises(MetaMismatchError) as error:
        check_same(stored, own, "films")
    message = str(error.value)
    for words in (
        "model 'films'",
        "rule is 'sgd' in the store and 'adaptive' here",
        "factors is 8 in the store and 16 here",
        "rating_range is '0.5,5' in the store and '0.5,10' here",
        "LFM_MODEL",
    ):
        assert words in message
    assert "seed" not in message


@pytest.mark.parametrize(("stored", "own"), [(1_000_000.0, 1_000_001.0), (5.0, 5.0000001), (0.3, 0.1 + 0.2)])
def test_ranges_that_differ_in_their_last_digits_are_two(stored: float, own: float) -> None:
    of = {high: msgspec.structs.replace(meta(), low=0.0, high=high) for high in (stored, own)}
    with pytest.raises(MetaMismatchError) as error:
        check_same(of[stored], of[own], "films")
    said = [repr(high).removesuffix(".0") for high in (stored, own)]
    assert f"rating_range is '0,{said[0]}' in the store and '0,{said[1]}' here" in str(error.value)


@pytest.mark.parametrize(
    ("stored", "message"),
    [
        (b"not JSON", "meta of model 'm' can't be read"),
        (b"{}", "meta of model 'm' can't be read: .*missing required field"),
        (msgspec.structs.replace(meta(), format=2).to_bytes(), "format 2, this version reads 1"),
        (msgspec.structs.replace(meta(), rule="als").to_bytes(), "'m' is of another version: .* rule 'als'"),
        (msgspec.structs.replace(meta(), options={"w": 1}).to_bytes(), "'m' is of another version: .*'w'"),
    ],
)
def test_a_meta_of_another_kind_is_refused(stored: bytes, message: str) -> None:
    with pytest.raises(MetaMismatchError, match=message):
        read_meta(stored, "m")


@pytest.mark.parametrize(
    ("name", "low", "high", "options", "message"),
    [
        ("als", 1, 5, {}, "no learning rule 'als': choose adaptive or sgd"),
        ("sgd", 5, 5, {}, "the rating range 5,5 is empty"),
        ("sgd", 1, 5, {"link": "probit"}, "no link 'probit': choose clip or sigmoid_range"),
        ("sgd", 1, 5, {"step": 1.0}, "no option 'step': choose from step_bias, step_factors, "),
        ("sgd", 1, 5, {"margin": 0.5}, "a margin with the link sigmoid_range only"),
        ("adaptive", 1, 5, {"step_bias": 1.0}, "rule adaptive has no option 'step_bias': choose from s2, "),
    ],
)
def test_a_rule_that_is_not_there_is_refused_with_what_is(
    name: str, low: float, high: float, options: dict[str, float | str], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        make_rule(name, low, high, 0, **options)


@pytest.mark.parametrize("rule", ["adaptive", "sgd"])
def test_constants_are_floats_whatever_they_are_given_as(rule: str) -> None:
    option = {"adaptive": "s2", "sgd": "step_bias"}[rule]
    types = [[type(x) for x in make_rule(rule, 1, 5, 0, **{option: value}).hyper] for value in (1, 1.0)]
    assert types[0] == types[1]
