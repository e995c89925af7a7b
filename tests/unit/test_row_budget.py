"""Users' rows in memory within a budget."""

import numpy as np
import pytest

from lfm_online.store.memory import MemoryServer
from lfm_online.store.protocol import block_rows
from tests.made_checkpoints import FIRST, batch, checkpoint, learn, state, straight
from tests.streams import learn as teach
from tests.streams import made_stream, new_model
from worker.row_budget import RowBudget

RATINGS = [(f"u{j * j % 23}", f"i{j % 5}", 1.0 + j % 4) for j in range(400)]


@pytest.mark.parametrize("user_rows", [1, 8, 20, 1000])
def test_a_budget_does_not_show_in_what_is_learned(user_rows: int) -> None:
    server = MemoryServer()
    worker = checkpoint(server, user_rows=user_rows)
    parts = [batch(0, start, RATINGS[start : start + 7]) for start in range(0, len(RATINGS), 7)]
    most = 0
    for part in parts:
        learn(worker, part)
        most = max(most, len(worker.model.users))
    assert state(server) == straight(*parts)
    assert most <= max(user_rows, 7)


def test_nothing_moves_while_a_commit_is_in_flight() -> None:
    worker = checkpoint(MemoryServer(), user_rows=2)
    learn(worker, FIRST)
    assert worker.begin(batch(0, 3, [("u", "i", 1.0)])).learned
    before = list(worker.model.users.ids)
    assert worker.learn_ahead(batch(0, 4, [("u", "j", 1.0)]))
    assert not worker.learn_ahead(batch(0, 5, [("x", "j", 1.0)]))
    assert worker.model.users.ids == before


def test_the_rows_that_were_not_used_for_longest_go() -> None:
    table = new_model("adaptive", 5).users
    budget = RowBudget(table, 8)
    for ids in (["a", "b", "c", "d"], ["e", "f"], ["a", "c"]):
        budget.make_room(len(ids))
        budget.touch(table.numbers(ids))
    budget.make_room(4)
    assert set(table.ids) == set("acef")
    budget.touch(table.numbers(["e"]))
    budget.make_room(7)
    assert table.ids == ["e"]


def test_rows_that_are_kept_are_as_they_were_under_numbers_of_their_own() -> None:
    model = new_model("adaptive", 5)
    teach(model, made_stream(6, 200))
    table = model.users
    numbers = np.arange(1, len(table), 2, dtype=np.int32)
    before = dict(block_rows(table.stored(numbers)))
    gone = table.ids[0]
    table.keep(numbers)
    assert len(table) == len(numbers)
    assert table.number(gone) is None
    assert dict(block_rows(table.stored(np.arange(len(table), dtype=np.int32)))) == before
    assert table.numbers([gone]).tolist() == [len(numbers)]
    assert table.missing(np.arange(len(table), dtype=np.int32)).tolist() == [len(numbers)]
