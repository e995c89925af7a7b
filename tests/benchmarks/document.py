"""Measured figures as a document: a run replaces what it measured, and leaves the rest."""

from __future__ import annotations

import platform
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from tests.benchmarks.figure import Figure

HEAD: Final = (
    "# Benchmarks",
    "",
    "Written by `python -m tests.benchmarks --write docs/benchmarks.md`, which replaces what it measures.",
    "The last column tells of which run a row is: the events asked for, the load of the 2 cores before.",
    "Compare ratios: values swing with the machine's other load. What each measures is said in its module",
    "in `tests/benchmarks/`.",
    "",
    "| Benchmark | Figure | Value | Unit | Peer | Peer's value | Ratio | Run |",
    "| --- | --- | --- | --- | --- | --- | --- | --- |",
)


def write(path: Path, order: Sequence[str], found: Sequence[tuple[str, Figure]], run: str) -> None:
    """Put the figures of a run into the document.

    Args:
        path: Of the document; there may be none yet.
        order: Of the benchmarks.
        found: Each figure with its benchmark.
        run: When, at which size and load.
    """
    kept = path.read_text().splitlines() if path.exists() else []
    rows = {name: [line for line in kept if line.startswith(f"| `{name}` |")] for name in order}
    rows |= {name: [_row(name, f, run) for of, f in found if of == name] for name, _ in found}
    lines = [*HEAD, *(line for name in order for line in rows[name])]
    path.write_text("\n".join(lines) + "\n")


def of_this_machine(events: int, load: float) -> str:
    """What a run's rows say of it."""
    return f"{events:,} events, load {load:.1f}, Python {platform.python_version()}"


def _row(name: str, f: Figure, run: str) -> str:
    values = f"{f.value:,.4g} | {f.unit} | {f.peer} | {f.peer_value:,.4g} | {f.ratio:.2f}"
    return f"| `{name}` | {f.name} | {values} | {run} |"
