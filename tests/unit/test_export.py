"""Parquet files: what the rows hold, whole or not there at all."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from numpy.testing import assert_allclose

from lfm_online.catalogue import EMPTY, Catalogue, CatalogueItem
from lfm_online.export import predictions, vectors
from lfm_online.export.parquet import METADATA_KEY, ExportError
from lfm_online.export.predictions import UnknownUsersError, export_predictions
from lfm_online.export.vectors import export_vectors
from lfm_online.insight import whole
from lfm_online.insight.biases import intervals_of
from lfm_online.insight.whole import ModelEmptyError, read_whole
from lfm_online.predict import predict
from lfm_online.replica import Replica
from lfm_online.store.memory import MemoryServer, MemoryStore
from tests.made_model import ODD_USERS, Learner, learn_in_commits, random_ratings
from tests.reading import no_bar

each_rule = pytest.mark.parametrize("rule", ["adaptive", "sgd"])


def learned(rule: str = "adaptive") -> MemoryServer:
    server = MemoryServer()
    learn_in_commits(MemoryStore(server), random_ratings(1500), rule=rule)
    return server


@each_rule
def test_vectors_are_those_of_the_store_in_blocks(
    rule: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vectors, "GROUP_ROWS", 25)
    monkeypatch.setattr(whole, "BLOCK_USERS", 8)
    store = MemoryStore(learned(rule))
    catalogue = Catalogue({"i9": CatalogueItem("A title", ("Drama", "War"), 1999), "i8": CatalogueItem()})
    assert export_vectors(store, "m", tmp_path, catalogue, no_bar) == {
        "items.parquet": 60,
        "users.parquet": 30,
    }
    model = read_whole(store, "m", no_bar).model
    for kind, table, groups in (("user", model.users, 4), ("item", model.items, 3)):
        file = pq.ParquetFile(tmp_path / f"{kind}s.parquet")
        assert file.num_row_groups == groups
        rows = {row[kind]: row for row in file.read().to_pylist()}
        assert list(rows) == list(table.ids)
        intervals = intervals_of(model, kind)  # type: ignore[arg-type]  # a literal
        for number, row in enumerate(rows.values()):
            header = table.rows.header[number]
            assert (row["ratings"], row["events"]) == (header["ratings"], header["events"])
            assert int(row["last_event"].timestamp()) * 1000 == header["time_ms"]
            assert_allclose(row["factors"], table.rows.factors[number])
            assert_allclose(row["bias"], intervals.bias[number], rtol=1e-6)
            if rule == "sgd":
                assert (row["bias_variance"], row["factor_variance"]) == (None, None)
            else:
                half = intervals.high[number] - intervals.bias[number]
                assert_allclose(1.645 * row["bias_variance"] ** 0.5, half, rtol=1e-5)
                assert 0 < row["factor_variance"] <= 0.35
        told = json.loads(file.schema_arrow.metadata[METADATA_KEY])
        assert (told["model"], told["rule"], told["ratings"]) == ("m", rule, 1500)
    titles = {row["item"]: row for row in pq.read_table(tmp_path / "items.parquet").to_pylist()}
    assert [titles["i9"][name] for name in ("title", "genres", "year")] == ["A title", ["Drama", "War"], 1999]
    assert [titles["i8"][name] for name in ("title", "genres", "year")] == [None, [], None]
    assert [titles["i7"][name] for name in ("title", "genres", "year")] == [None, None, None]


@each_rule
def test_predictions_are_the_lookups_own(rule: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(predictions, "GROUP_ROWS", 50)
    server = learned(rule)
    file = tmp_path / "predictions.parquet"
    users = [ODD_USERS[2], "u1", "u1"]
    counted: list[tuple[str, int, int | None]] = []
    count = export_predictions(
        MemoryStore(server), "m", users, file, None, lambda *what: counted.append(what)
    )
    rows = pq.read_table(file).to_pylist()
    assert (len(rows), count, counted[-1]) == (120, 120, ("predictions", 120, 120))
    assert pq.ParquetFile(file).num_row_groups == 4
    replica = Replica(lambda: MemoryStore(server), "m", users=10)
    replica.follow(0)
    _, expected = predict(replica, [(row["user"], row["item"]) for row in rows])
    assert_allclose([row["rating"] for row in rows], [each.rating for each in expected], rtol=1e-5)
    assert_allclose([row["score"] for row in rows], [each.score for each in expected], rtol=1e-4, atol=1e-5)
    assert_allclose([row["deviation"] for row in rows], [each.deviation for each in expected], rtol=1e-4)
    assert {row["user"] for row in rows} == set(users)


def test_unknown_users_are_named_and_nothing_is_written(tmp_path: Path) -> None:
    with pytest.raises(UnknownUsersError, match=r"no users 'nobody', 'é\?'") as caught:
        export_predictions(
            MemoryStore(learned()), "m", ["u1", "nobody", "é?"], tmp_path / "p.parquet", None, no_bar
        )
    assert "u1" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_an_export_that_fails_half_way_leaves_the_old_file_and_no_other(tmp_path: Path) -> None:
    file = tmp_path / "p.parquet"
    file.write_text("old")

    def fail(what: str, _done: int, _total: int | None) -> None:
        if what == "predictions":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        export_predictions(MemoryStore(learned()), "m", ["u1"], file, None, fail)
    assert [(each.name, each.read_text()) for each in tmp_path.iterdir()] == [("p.parquet", "old")]


def test_a_directory_that_is_missing_and_an_empty_model_are_named(tmp_path: Path) -> None:
    with pytest.raises(ExportError, match=r"gone/items\.parquet cannot be written: .*No such file"):
        export_vectors(MemoryStore(learned()), "m", tmp_path / "gone", EMPTY, no_bar)
    store = MemoryStore()
    Learner(store)
    with pytest.raises(ModelEmptyError):
        export_vectors(store, "m", tmp_path, EMPTY, no_bar)


def test_without_pyarrow_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(ExportError, match=r"lfm-online\[export\]"):
        export_vectors(MemoryStore(), "m", tmp_path, EMPTY, no_bar)
