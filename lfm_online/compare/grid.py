"""Grids of a peer's constants, and the best cell of one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import product
from typing import Any

Grid = Mapping[str, Sequence[Any]]
"""What each constant may be; the cells are all combinations."""

Constants = dict[str, Any]
"""One cell: the constants that differ from the peer's own defaults."""


def cells(grid: Grid) -> list[Constants]:
    """All combinations, the last constant changing fastest."""
    return [dict(zip(grid, values, strict=True)) for values in product(*grid.values())]


def said(constants: Mapping[str, Any]) -> str:
    """The constants as tables show them, as ``step_bias .02, l2 .1``; of none ``defaults``."""
    return ", ".join(f"{name} {_plain(value)}" for name, value in constants.items()) or "defaults"


def said_grid(grid: Grid) -> str:
    """The grid as tables show it."""
    return "; ".join(f"{name} {', '.join(map(_plain, values))}" for name, values in grid.items())


def _plain(value: object) -> str:
    text = f"{value:g}" if isinstance(value, float) else str(value)
    return text.removeprefix("0") if text.startswith("0.") else text
