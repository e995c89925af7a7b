"""The table of breakages in the documents."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final, NamedTuple

from tests.mutants.breakage import Breakage

BEGIN: Final = "<!-- breakages: written by make mutants -->"
END: Final = "<!-- end of breakages -->"


class Result(NamedTuple):
    """What became of a breakage."""

    breakage: Breakage
    caught_by: str  # the first test that turned red; empty if none did
    seconds: float


def write_table(document: Path, results: Sequence[Result]) -> None:
    """Put the table between its two marks."""
    text = document.read_text()
    before, rest = text.split(BEGIN)
    _, after = rest.split(END)
    lines = ["| Broken | In | Caught by |", "| --- | --- | --- |"]
    lines += [
        f"| {r.breakage.title} | `{r.breakage.file}` | {named(r.caught_by)} |"
        for r in sorted(results, key=lambda r: r.breakage.file)
    ]
    document.write_text("\n".join([before + BEGIN, *lines, END]) + after)


def named(test: str) -> str:
    """A test as the table names it."""
    if not test:
        return "**nothing**"
    file, _, name = test.partition("::")
    return f"`{name}` in `{file}`"
