"""Any bytes where a row, the globals, a meta or a head should be: taken, or refused as what they are."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lfm_online.layout import FormatError
from lfm_online.meta import MetaMismatchError, read_meta
from lfm_online.model import Model
from lfm_online.rules.registry import make_rule
from lfm_online.store.protocol import Head, StoreBrokenError, block_rows
from tests.made_model import meta
from tests.streams import learn, made_stream

RULES = ("adaptive", "sgd")
KINDS = ("user", "item")


def new(rule: str) -> Model:
    return Model(make_rule(rule, 0.5, 5.0, 1), 4, history=40)


def stored_rows(rule: str) -> dict[str, list[bytes]]:
    """Rows as a model leaves them."""
    model = new(rule)
    learn(model, made_stream(3, 90, others=0.0))
    return {
        table.kind: [row for _, row in block_rows(table.stored(np.arange(len(table), dtype=np.int32)))]
        for table in (model.users, model.items)
    }


ROWS = {rule: stored_rows(rule) for rule in RULES}
GLOBALS = {rule: new(rule).globals_bytes() for rule in RULES}


@st.composite
def damage(draw: st.DrawFn, whole: Callable[[st.DrawFn], bytes]) -> bytes:
    """Something whole, of which bytes were cut out, put in, or turned; now and then any bytes."""
    if draw(st.integers(0, 9)) == 0:
        return draw(st.binary(max_size=300))
    value = bytearray(whole(draw))
    for _ in range(draw(st.integers(0, 3))):
        at = draw(st.integers(0, len(value)))
        value[at : at + draw(st.integers(0, 40))] = draw(st.binary(max_size=40))
    return bytes(value)


@given(st.data(), st.sampled_from(RULES), st.sampled_from(KINDS))
@settings(max_examples=400, deadline=None)
def test_any_bytes_are_a_row_that_comes_out_as_it_went_in_or_a_format_error(
    data: st.DataObject, rule: str, kind: str
) -> None:
    value = data.draw(damage(lambda draw: draw(st.sampled_from(ROWS[rule][kind]))))
    model = new(rule)
    table = model.users if kind == "user" else model.items
    numbers = table.numbers(["before", "damaged"])
    table.start(numbers[:1])
    try:
        table.load(numbers[1:], [value])
    except FormatError as error:
        assert "'damaged'" in str(error)  # noqa: PT017 - or it is taken
        assert table.loaded[numbers].tolist() == [True, False], "nothing was taken over"
    else:
        assert dict(block_rows(table.stored(numbers[1:]))) == {"damaged": value}


@given(st.data(), st.sampled_from(RULES))
@settings(max_examples=200, deadline=None)
def test_any_bytes_are_globals_that_come_out_as_they_went_in_or_a_format_error(
    data: st.DataObject, rule: str
) -> None:
    value = data.draw(damage(lambda draw: GLOBALS[rule]))
    model = new(rule)
    try:
        model.load_globals(value)
    except FormatError:
        return
    assert model.globals_bytes()[8:] == value[8:]


@given(damage(lambda draw: meta().to_bytes()))
@settings(max_examples=300, deadline=None)
def test_any_bytes_are_a_meta_or_named_as_none(value: bytes) -> None:
    try:
        read_meta(value, "m")
    except MetaMismatchError as error:
        assert "'m'" in str(error)  # noqa: PT017 - or it is taken


@given(damage(lambda draw: Head(b"h" * 16, 7).to_bytes()))
def test_any_bytes_are_a_head_or_named_as_none(value: bytes) -> None:
    if len(value) == 24:
        assert Head.from_bytes(value).to_bytes() == value
    else:
        with pytest.raises(StoreBrokenError, match="24"):
            Head.from_bytes(value)
