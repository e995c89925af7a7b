"""Updates that are not finite: refused, counted, and without a trace in what was learned."""

from __future__ import annotations

import numpy as np
import pytest

from lfm_online.batch import RATING
from lfm_online.model import Model
from tests.streams import Event, learn, made_stream, new_model


def _learned_part(model: Model) -> list[bytes]:
    """Rows and globals without the ledger's count and digest."""
    blocks = [table.block(np.arange(len(table), dtype=np.int32)) for table in (model.users, model.items)]
    shared = model.globals.shared.copy()
    shared["events"] = shared["refused"] = 0
    rows = [np.delete(block, np.s_[4:12], axis=1).tobytes() for block in blocks]
    return [*rows, shared.tobytes(), model.globals.rule.tobytes()]


@pytest.mark.parametrize("link", ["clip", "sigmoid_range"])
def test_a_step_of_1e30_changes_no_row_and_every_event_is_in_the_ledger(link: str) -> None:
    model = new_model("sgd", link=link, step_bias=1e30, step_factors=1e30)
    events = made_stream(0, 50, others=0)
    learn(model, events[:0])
    for table, ids in ((model.users, {e.user for e in events}), (model.items, {e.item for e in events})):
        table.start(table.numbers(sorted(ids)))
    before = _learned_part(model)
    outcome = learn(model, events)
    assert outcome.refused.all()
    assert _learned_part(model) == before
    assert (model.shared["events"], model.shared["refused"], model.shared["n"]) == (50, 50, 0)
    users = model.users.rows.header[: len(model.users)]
    assert users["events"].sum() == 50
    assert users["digest"].sum(dtype=np.uint32) == np.uint32(sum(e.digest for e in events) % 2**32)


@pytest.mark.parametrize("step", [3.0, 1e3, 1e9, 1e12])
def test_rows_stay_finite_however_fast_the_steps_make_them_grow(step: float) -> None:
    model = new_model("sgd", factors=33, step_bias=step, step_factors=step)
    events = made_stream(1, 3000, others=0)
    outcome = learn(model, events)
    assert outcome.refused.any()
    assert not outcome.refused.all()
    assert np.isfinite(outcome.model[~outcome.refused]).all()
    for table in (model.users, model.items):
        assert np.isfinite(table.rows.factors).all()
        assert np.isfinite(table.rows.state["b"]).all()
    assert model.shared["refused"] == outcome.refused.sum()
    assert model.shared["n"] == (~outcome.refused).sum() == model.shared["scored"].sum()


@pytest.mark.parametrize("rule", ["adaptive", "sgd"])
def test_an_update_from_a_broken_row_is_refused_and_the_events_around_it_are_learned(rule: str) -> None:
    model = new_model(rule)
    good = [Event(RATING, "a", "x", 4.0, 1000, 1), Event(RATING, "a", "x", 2.0, 2000, 2)]
    learn(model, [good[0], good[0]._replace(user="broken")])
    model.users.rows.state["b"][model.users.number("broken")] = np.nan
    item = model.items.rows.state["b"][0]
    outcome = learn(model, [Event(RATING, "broken", "x", 4.0, 1500, 3)])
    assert outcome.refused.tolist() == [True]
    assert model.items.rows.state["b"][0] == item
    assert model.items.rows.header["events"][0] == 3
    assert not learn(model, good[1:]).refused.any()


def test_a_refused_rating_takes_no_place_in_the_history() -> None:
    model = new_model("sgd", step_bias=1e32)
    outcomes = [learn(model, [Event(RATING, "a", "x", rating, 0, 0)]) for rating in (5.0, 1.0, 5.0)]
    assert [bool(outcome.refused[0]) for outcome in outcomes] == [True, True, True]
    assert model.users.rows.header["ratings"][0] == 0
