"""Benchmarks that need no server, in a short form: each figure is a line, beside its peer's."""

from __future__ import annotations

import json
import subprocess
import sys

HIDE_RIVER = "import runpy, sys; sys.modules['river.reco'] = None; "
WITHOUT_RIVER = HIDE_RIVER + "runpy.run_module('tests.benchmarks', alter_sys=True)"
HIDE_VALGRIND = "import runpy, shutil; shutil.which = lambda name: None; "
WITHOUT_VALGRIND = HIDE_VALGRIND + "runpy.run_module('tests.benchmarks', alter_sys=True)"
COMMAND = ("-m", "tests.benchmarks")


def _run(*arguments: str, program: tuple[str, ...] = COMMAND) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, *program, *arguments], capture_output=True, text=True, check=False)


def test_a_figure_is_a_line_of_json_with_its_peer_and_the_ratio() -> None:
    done = _run("--only", "textbook_kernel", "--only", "rows", "--events", "500", "--rows", "10000", "--json")
    assert done.returncode == 0, done.stderr
    figures = [json.loads(line) for line in done.stdout.splitlines()]
    assert [figure["name"] for figure in figures] == ["textbook_kernel", "rows_10000"]
    for figure in figures:
        assert list(figure) == ["name", "value", "unit", "peer", "peer_value", "ratio"]
        assert figure["ratio"] == figure["value"] / figure["peer_value"]
        assert figure["value"] > 0
    assert "load of this machine before" in done.stderr


def test_river_asked_for_and_not_installed_is_an_error_that_says_how_to_get_it() -> None:
    done = _run("--only", "river", "--events", "500", program=("-c", WITHOUT_RIVER))
    assert done.returncode == 1
    assert "make setup-compare" in done.stderr
    assert "Traceback" not in done.stderr


def test_instructions_asked_for_without_valgrind_are_an_error_that_says_how_to_get_it() -> None:
    done = _run("--only", "instructions", "--events", "500", program=("-c", WITHOUT_VALGRIND))
    assert done.returncode == 1
    assert "apt install valgrind" in done.stderr
    assert "Traceback" not in done.stderr
