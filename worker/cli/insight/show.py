"""What the readings of a model share on a terminal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from lfm_online.insight.biases import Bias


def named(row_id: str, title: str) -> str:
    """An id with its title, where there is one."""
    return f"{title} ({row_id})" if title else row_id


def interval(low: float | None, high: float | None) -> str:
    """A 90% interval; a dash where the rule keeps no variances."""
    return "-" if low is None or high is None else f"{low:+.2f} to {high:+.2f}"


def correlation(value: float | None) -> str:
    """A correlation; a dash where there is none to take."""
    return "-" if value is None else f"{value:+.2f}"


def bias_row(bias: Bias) -> tuple[str, ...]:
    """A bias in the columns name, bias, interval, ratings."""
    return (
        named(bias.id, bias.title),
        f"{bias.bias:+.2f}",
        interval(bias.low, bias.high),
        f"{bias.ratings:,}",
    )


def note_on_variances(rule: str, rows: Sequence[Bias]) -> str:
    """What to add where a rule says nothing of how sure it is."""
    if rows and rows[0].low is None:
        return f"; rule {rule} keeps no variances: no intervals, ranked by the bias, popularity included"
    return ""


def print_columns(
    title: str, rows: Sequence[tuple[str, ...]], *columns: str, names: tuple[int, ...] = (0,)
) -> None:
    """A titled table; the columns at the places ``names`` hold names, the others numbers."""
    table = Table(title=title, title_justify="left", title_style="bold", box=None)
    for place, column in enumerate(columns):
        table.add_column(column, justify="left" if place in names else "right")
    for row in rows:
        # Text, since an id or a title may look like rich's markup.
        table.add_row(*(Text(cell) for cell in row))
    console = Console()
    console.print(table)
    console.print()
