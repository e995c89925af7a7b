"""Comparisons without a peer's package: grids, the textbook rule as a peer, what is refused."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

from lfm_online.compare.grid import cells, said, said_grid
from lfm_online.compare.textbook import GRID, Textbook
from lfm_online.evaluate.measures import errors
from tests.streams import LOW, made_stream, rated_stream
from worker.cli import main
from worker.evaluation.comparison_tables import margin


@pytest.fixture
def ratings(tmp_path: Path) -> Path:
    lines = ["userId,movieId,rating,timestamp"]
    lines += [f"{e.user},{e.item},{e.rating},{e.time_ms}" for e in made_stream(4, 300, others=0)]
    path = tmp_path / "r.csv"
    path.write_text("\n".join([*lines, ""]))
    return path


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, ["evaluate", *map(str, arguments)])


def test_a_grid_has_a_cell_for_each_combination() -> None:
    grid = {"step": (0.1, 1.0), "factors": (8, 16)}
    assert cells(grid) == [
        {"step": 0.1, "factors": 8},
        {"step": 0.1, "factors": 16},
        {"step": 1.0, "factors": 8},
        {"step": 1.0, "factors": 16},
    ]
    assert said_grid(grid) == "step .1, 1; factors 8, 16"
    assert (said(cells(grid)[1]), said({})) == ("step .1, factors 16", "defaults")


def test_the_best_of_sgd_is_the_lowest_error_of_its_grid_and_never_the_defaults_constants(
    ratings: Path,
) -> None:
    result = run(ratings, "--compare", "sgd,mean,bias", "--factors", "4", "--json")
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    defaults, best = found["compare"]["online"]
    stream = rated_stream(made_stream(4, 300, others=0))
    by_hand = {
        said(cell): errors(stream.rating, Textbook(4, cell).prequential(stream)).rmse for cell in cells(GRID)
    }
    assert (defaults["how"], best["how"]) == ("defaults", f"best of {len(by_hand)}")
    assert best["constants"] == min(by_hand, key=by_hand.__getitem__)
    assert best["rmse"] == pytest.approx(min(by_hand.values()), rel=1e-12)
    assert best["better_by_percent"] == pytest.approx(margin(found["rmse"], best["rmse"]))
    assert found["compare"]["grids"] == {"sgd": said_grid(GRID)}
    assert "grid of sgd" in result.stderr


def test_the_margin_is_the_share_of_the_peers_error() -> None:
    assert margin(0.9, 1.0) == pytest.approx(10.0)


def test_a_guess_of_the_textbook_rule_knows_nothing_of_what_comes_after() -> None:
    stream = rated_stream(made_stream(5, 200, others=0))
    half = stream.part(slice(0, 100))
    peer = Textbook(4, cells(GRID)[-1])
    np.testing.assert_array_equal(peer.prequential(stream)[:100], peer.prequential(half))


def test_a_step_too_large_for_the_scale_gives_guesses_within_the_range_all_the_same() -> None:
    stream = rated_stream(made_stream(5, 200, others=0))
    guesses = Textbook(4, {"step_factors": 1.0, "step_bias": 1.0}).prequential(stream)
    assert guesses.min() >= LOW


@pytest.mark.parametrize("peer", ["river", "surprise"])
def test_a_peer_that_is_not_installed_is_an_error_that_says_how_to_install_it(
    peer: str, ratings: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("river", "river.reco", "surprise"):
        monkeypatch.setitem(sys.modules, module, None)
    result = run(ratings, "--compare", peer)
    assert result.exit_code == 1
    assert f"the peer {peer} (--compare)" in result.output
    assert "pip install 'lfm-online[compare]'" in result.output
    assert "make setup-compare" in result.output


def test_a_peer_that_ranks_is_not_installed_likewise(ratings: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("implicit", "implicit.cpu", "implicit.cpu.als"):
        monkeypatch.setitem(sys.modules, module, None)
    result = run(ratings, "--compare", "als", "--top", "3")
    assert result.exit_code == 1
    assert "the peer als (--compare)" in result.output


@pytest.mark.parametrize(
    ("arguments", "said_of_it"),
    [
        (("--compare", "rivers"), "no peer 'rivers'; allowed: river, sgd, surprise, mean, bias, als"),
        (("--compare", "als,popular"), "als, popular (--compare) ranks, and needs --top"),
        (("--ablate", "--rule", "sgd"), "--ablate takes apart the rule adaptive, not sgd (--rule)"),
    ],
)
def test_what_cannot_be_compared_is_refused_by_name(
    arguments: tuple[str, ...], said_of_it: str, ratings: Path
) -> None:
    result = run(ratings, *arguments)
    assert result.exit_code == 2
    assert said_of_it in " ".join(result.output.split())
