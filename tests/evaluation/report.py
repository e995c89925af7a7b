"""The report's parts: Markdown tables, charts, goals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.evaluation.commands import Commands
from tests.evaluation.data import DataSet


@dataclass(frozen=True, slots=True)
class Goal:
    """A figure that must hold at full size."""

    what: str
    measured: str
    holds: bool


@dataclass(slots=True)
class Report:
    """What the sections write to."""

    commands: Commands
    sets: list[DataSet]
    charts: Path
    """Directory of the SVG files, beside the document."""
    goals: list[Goal] = field(default_factory=list)
    results: dict[str, object] = field(default_factory=dict)

    def at_most(self, what: str, measured: float, limit: float) -> None:
        """A goal: ``measured`` is ``limit`` or less."""
        self.goals.append(Goal(f"{what} at most {limit:g}", f"{measured:.4f}", measured <= limit))

    def at_least(self, what: str, measured: float, limit: float) -> None:
        """A goal: ``measured`` is ``limit`` or more."""
        shown = f"{measured:,.0f}" if limit >= 1000 else f"{measured:.4f}"
        self.goals.append(Goal(f"{what} at least {limit:,}", shown, measured >= limit))

    def named(self, name: str) -> DataSet | None:
        """The data set of that name; None where this size has none."""
        return next((data for data in self.sets if data.name == name), None)


def table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table; all columns but the first flush right."""
    marks = ["---", *["---:"] * (len(headings) - 1)]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (headings, marks, *rows))


def goals_table(goals: Sequence[Goal]) -> str:
    """The goals, each with what was measured."""
    return table(
        ["must hold", "measured", ""],
        [[goal.what, goal.measured, "holds" if goal.holds else "**fails**"] for goal in goals],
    )
