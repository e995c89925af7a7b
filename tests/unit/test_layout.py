"""Where the bytes of rows and globals lie: what another program would read them by."""

from __future__ import annotations

import struct

import numpy as np
import pytest

from lfm_online.layout import HEADER, FormatError, Kind
from lfm_online.rules.registry import make_rule
from tests.streams import Event, learn, made_stream, new_model


@pytest.mark.parametrize(
    ("rule", "kind", "size"),
    [("adaptive", "user", 220), ("adaptive", "item", 168), ("sgd", "user", 160), ("sgd", "item", 160)],
)
def test_a_row_at_32_factors_has_the_size_that_the_store_was_planned_for(
    rule: str, kind: Kind, size: int
) -> None:
    assert make_rule(rule, 0.5, 5, 0).row_bytes(kind, 32) == size


def test_the_header_is_laid_out_as_its_table_says() -> None:
    assert HEADER.itemsize == 28
    offsets = (
        {name: HEADER.fields[name][1] for name in HEADER.names} if HEADER.fields and HEADER.names else {}
    )
    assert offsets == {
        "format": 0,
        "rule": 1,
        "head": 2,
        "zero": 3,
        "events": 4,
        "digest": 8,
        "ratings": 12,
        "time_ms": 16,
        "bias_sum": 24,
    }


def test_a_stored_row_reads_with_struct_alone() -> None:
    model = new_model("adaptive", 3)
    learn(model, [Event(0, "a", "x", 5.0, 1_700_000_000_123, 2**32 - 1)])
    row = model.users.block(np.zeros(1, np.int32))[0].tobytes()
    header = struct.unpack_from("<BBBBIIIqf", row)
    assert header == (1, 1, 0, 0, 1, 2**32 - 1, 1, 1_700_000_000_123, 2.25)
    state = struct.unpack_from("<16f", row, 28)
    assert state[0] == model.users.rows.state["b"][0] != 0
    assert struct.unpack_from("<3f", row, 92) == tuple(model.users.rows.factors[0])
    assert len(row) == 92 + 12


@pytest.mark.parametrize("rule", ["adaptive", "sgd"])
def test_globals_come_back_from_their_bytes_and_learn_on_alike(rule: str) -> None:
    events = made_stream(8, 100)
    model = new_model(rule)
    learn(model, events[:50])
    stored = model.globals_bytes()
    model.load_globals(stored)
    assert model.globals_bytes() == stored
    learn(model, events[50:])
    whole = new_model(rule)
    learn(whole, events)
    assert model.globals_bytes() == whole.globals_bytes()


@pytest.mark.parametrize("rule", ["adaptive", "sgd"])
def test_globals_that_do_not_fit_are_refused_with_both_values(rule: str) -> None:
    model = new_model(rule)
    stored = model.globals_bytes()
    with pytest.raises(FormatError, match=f"{len(stored) - 1} bytes long, expected {len(stored)}"):
        model.load_globals(stored[:-1])
    code = model.rule.code
    with pytest.raises(
        FormatError, match=f"format 7, rule code {code} and head code 0, expected 1, {code} and 0"
    ):
        model.load_globals(b"\7" + stored[1:])
    other = new_model("sgd" if rule == "adaptive" else "adaptive").globals_bytes()
    with pytest.raises(FormatError, match="globals are"):
        model.load_globals(other)
