"""Break a copy of the tree in each way of the list, and see that the named tests turn red."""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from tests.mutants.breakage import Breakage
from tests.mutants.breakages import BREAKAGES
from tests.mutants.report import Result, write_table

ROOT = Path(__file__).parents[2]
COPIED = ("lfm_online", "worker", "tests", "pyproject.toml", "README.md", "docs", "deploy", "Makefile")
LIMIT_SECONDS = 900
PASSED, FAILED = 0, 1
_RED = re.compile(r"^(?:FAILED|ERROR) (\S+?)(?:\[.*)?(?: - .*)?$", re.MULTILINE)


class Tests(NamedTuple):
    """How a run of tests ended."""

    code: int
    red: str  # the first test that failed
    output: str


def copy_tree(to: Path) -> None:
    """The tree, with the compiled kernels beside it: their caches go by the files' times, which are kept."""
    for name in COPIED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, to / name, symlinks=True)
        else:
            shutil.copy2(source, to / name)


def run_tests(tree: Path, tests: tuple[str, ...], cache: Path | None = None) -> Tests:
    """Run tests in a tree, until the first fails; with kernels compiled into that cache, if one is given."""
    env = {**os.environ, "PYTHONPATH": str(tree), "PYTHONDONTWRITEBYTECODE": "1"}
    if cache is not None:
        env["NUMBA_CACHE_DIR"] = str(cache)
    argv = [sys.executable, "-m", "pytest", "-x", "-q", "-rfE", "-p", "no:cacheprovider", *tests]
    try:
        done = subprocess.run(
            argv, cwd=tree, env=env, capture_output=True, text=True, timeout=LIMIT_SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        return Tests(-1, "", f"no end after {LIMIT_SECONDS} s")
    red = _RED.search(done.stdout)
    return Tests(done.returncode, red[1] if red else "", done.stdout + done.stderr)


def broken(tree: Path, breakage: Breakage) -> Tests:
    """Run a breakage's tests on it; the tree is whole again afterwards."""
    file = tree / breakage.file
    stat, whole = file.stat(), file.read_text()
    file.write_text(whole.replace(breakage.old, breakage.new))
    try:
        with tempfile.TemporaryDirectory(prefix="lfm-mutants-") as cache:
            return run_tests(tree, breakage.tests, Path(cache) if breakage.kernel else None)
    finally:
        file.write_text(whole)
        os.utime(file, ns=(stat.st_atime_ns, stat.st_mtime_ns))


def main() -> int:
    """The command line; 1 if a breakage was not caught."""
    parser = argparse.ArgumentParser("python -m tests.mutants", description=__doc__)
    parser.add_argument("--only", default="", help="breakages whose title has these words")
    parser.add_argument("--write", type=Path, help="put the table into this document")
    a = parser.parse_args()
    chosen = [breakage for breakage in BREAKAGES if a.only in breakage.title]
    out = Console(soft_wrap=True)
    results: list[Result] = []
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with (
        tempfile.TemporaryDirectory(prefix="lfm-mutants-") as directory,
        Progress(*columns, console=Console(stderr=True)) as progress,
    ):
        tree = Path(directory)
        copy_tree(tree)
        bar = progress.add_task("breakages", total=len(chosen))
        for breakage in chosen:
            began = time.monotonic()
            tests = broken(tree, breakage)
            caught = tests.code == FAILED and tests.red != ""
            results.append(Result(breakage, tests.red if caught else "", time.monotonic() - began))
            out.print(f"{'caught ' if caught else 'MISSED '} {breakage.title}: {tests.red or tests.code}")
            if not caught and tests.code != PASSED:
                out.print(tests.output[-3000:], markup=False)
            progress.advance(bar)
        missed = sum(result.caught_by == "" for result in results)
        # That red means the breakage, and not the copy, is seen by the same tests on the whole tree.
        progress.update(bar, description="unbroken")
        named = tuple(sorted({test for breakage in chosen for test in breakage.tests}))
        unbroken = run_tests(tree, named)
    if unbroken.code != PASSED:
        out.print(f"red without any breakage: {unbroken.red}\n{unbroken.output[-3000:]}", markup=False)
        return 1
    out.print(f"{len(results) - missed} of {len(results)} breakages were caught")
    if a.write is not None:
        write_table(a.write, results)
    return int(missed > 0)


if __name__ == "__main__":
    sys.exit(main())
