"""The table of rows: ids to numbers, growing arrays, bytes in and out."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lfm_online.aligned import grown, zeros
from lfm_online.distinct import distinct
from lfm_online.layout import FormatError
from lfm_online.model import Model
from lfm_online.prefetch import LINE
from lfm_online.rows import Table
from lfm_online.rules.registry import make_rule
from lfm_online.store.protocol import block_rows
from tests.streams import learn, made_stream, new_model

IDS = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=40)
RULES = ["adaptive", "sgd"]


def _table(rule: str = "adaptive", factors: int = 5) -> Table:
    return new_model(rule, factors).users


def _learned(rule: str) -> Model:
    model = new_model(rule, 5)
    learn(model, made_stream(6, 200))
    return model


@given(batches=st.lists(st.lists(IDS, max_size=30), max_size=6))
def test_an_id_keeps_its_number_and_new_ones_count_up(batches: list[list[str]]) -> None:
    table = _table()
    expected: dict[str, int] = {}
    for ids in batches:
        for row_id in ids:
            expected.setdefault(row_id, len(expected))
        assert table.numbers(ids).tolist() == [expected[row_id] for row_id in ids]
    assert table.ids == list(expected)
    assert len(table) == len(expected)


def test_growing_keeps_every_row_and_its_id() -> None:
    table = _table()
    first = table.numbers(["a", "b"])
    table.start(first)
    table.rows.factors[first] = [[1], [2]]
    before = table.block(first).tobytes()
    many = table.numbers([f"row {j}" for j in range(5000)])
    table.start(many)
    assert table.block(first).tobytes() == before
    assert table.numbers(["b"]).tolist() == [1]
    assert table.loaded[: len(table)].all()
    assert table.ids.take(many[[0, 4999]]) == ["row 0", "row 4999"]


@pytest.mark.parametrize("rule", RULES)
def test_rows_come_back_from_their_bytes_whatever_number_they_get(rule: str) -> None:
    model = _learned(rule)
    for table, empty in ((model.users, new_model(rule, 5).users), (model.items, new_model(rule, 5).items)):
        numbers = np.arange(len(table), dtype=np.int32)
        rows = [row.tobytes() for row in table.block(numbers)]
        empty.numbers(["another", *reversed(table.ids)])
        taken = empty.numbers(table.ids)
        assert not empty.loaded[taken].any()
        empty.load(taken, rows)
        assert empty.loaded[taken].all()
        assert [row.tobytes() for row in empty.block(taken)] == rows
        np.testing.assert_array_equal(empty.rows.factors[taken], table.rows.factors[numbers])
        np.testing.assert_array_equal(empty.rows.state[taken], table.rows.state[numbers])


def test_a_stored_row_is_its_parts_in_order_and_a_tail_as_long_as_its_ratings() -> None:
    table = Model(make_rule("adaptive", 0.5, 5.0, 1), 5, history=40, ranking=True).users
    numbers = table.numbers([f"user {j}" for j in range(50)])
    rng = np.random.default_rng(1)
    table.start(numbers)
    arrays = [*table.rows[:3], *table.rank_rows[:2]]
    for array in (*arrays, table.tails):
        array.view(np.uint8)[:] = rng.integers(0, 256, array.view(np.uint8).shape)
    chosen = rng.permutation(numbers)
    expected = {
        table.ids[j]: b"".join(array[j].tobytes() for array in arrays)
        + table.tails[j].tobytes()[: 6 * (int(table.rows.header["ratings"][j]) % 32)]
        for j in chosen
    }
    assert dict(block_rows(table.stored(chosen))) == expected


def test_arrays_of_rows_begin_on_a_line_and_stay_there_as_they_grow() -> None:
    for rows in (1, 100, 1_000_000):
        array = zeros((rows, 3), np.float32)
        array[-1] = 1
        more = grown(array, 2 * rows)
        assert (array.ctypes.data % LINE, more.ctypes.data % LINE) == (0, 0)
        np.testing.assert_array_equal(more, np.concatenate([array, np.zeros((rows, 3))]))


@pytest.mark.parametrize("rule", RULES)
def test_a_row_that_is_not_in_the_store_starts_as_new(rule: str) -> None:
    stored, started = _table(rule), _table(rule)
    started.start(started.numbers(["a", "b"]))
    numbers = stored.numbers(["a", "b"])
    rows = [row.tobytes() for row in started.block(numbers)]
    stored.load(numbers, [None, rows[1]])
    assert [row.tobytes() for row in stored.block(numbers)] == rows


@pytest.mark.parametrize(
    ("damage", "found"),
    [
        (lambda row: row[:-1], "111 bytes, format 1, rule 1, head 0"),
        (lambda row: b"\2" + row[1:], "112 bytes, format 2, rule 1, head 0"),
        (lambda row: row[:1] + b"\2" + row[2:], "112 bytes, format 1, rule 2, head 0"),
        (lambda row: row[:2] + b"\1" + row[3:], "112 bytes, format 1, rule 1, head 1"),
        (lambda row: b"", "b''"),
    ],
)
def test_a_row_that_does_not_fit_is_named_and_no_row_is_taken_over(
    damage: Callable[[bytes], bytes], found: str
) -> None:
    table = _table()
    numbers = table.numbers(["fits", "misfit", "new"])
    row = b"\1\1\0" + bytes(table.row_bytes - 3)
    with pytest.raises(
        FormatError, match=f"row of user 'misfit' does not fit this model: found {found}; expected"
    ):
        table.load(numbers, [row, damage(row), None])
    assert not table.loaded[numbers].any()


def test_forgotten_rows_keep_their_numbers_and_must_be_loaded_again() -> None:
    table = _table()
    numbers = table.numbers(["a", "b"])
    table.start(numbers)
    table.forget(numbers[:1])
    assert table.loaded[numbers].tolist() == [False, True]
    table.forget_all()
    assert not table.loaded.any()
    assert table.numbers(["b", "a"]).tolist() == [1, 0]


def test_numbers_that_were_taken_back_go_to_the_ids_that_come_next() -> None:
    table = _table()
    table.start(table.numbers(["kept", "gone", "gone too"]))
    table.truncate(1)
    assert (len(table), table.loaded[:3].tolist()) == (1, [True, False, False])
    assert table.numbers(["new", "kept", "gone"]).tolist() == [1, 0, 2]
    assert table.ids == ["kept", "new", "gone"]


@given(st.lists(st.integers(-1, 40), max_size=60))
def test_distinct_numbers_are_a_set_ascending(numbers: list[int]) -> None:
    found = distinct(np.array(numbers, np.int32))
    assert found.dtype == np.int32
    assert found.tolist() == sorted(set(numbers))
