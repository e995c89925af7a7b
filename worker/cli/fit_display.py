"""What ``lfm-online fit`` shows while it learns: a table that grows by an epoch a line, and a bar."""

from __future__ import annotations

from types import TracebackType
from typing import Any, Self

import click
import msgspec
from rich.console import Console, Group
from rich.live import Live
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from lfm_online.fit.train import Epoch


class EpochDisplay:
    """One run of epochs; a context manager, so that the table stays where it ended."""

    def __init__(self, epochs: int, ratings: int, held_out: int, *, as_json: bool) -> None:
        """Shows nothing yet.

        Args:
            epochs: How many there are at most.
            ratings: How many are learned.
            held_out: How many are not.
            as_json: Whether each epoch is a JSON object on standard output; then all else goes to
                standard error.
        """
        self._counts = {"ratings": ratings, "held_out": held_out}
        self._as_json = as_json
        self._table = Table(title=f"{ratings:,} ratings learned, {held_out:,} held out")
        self._bar = progress_bar("epochs")
        self._task = self._bar.add_task("epochs", total=epochs)
        self._console = Console(stderr=as_json)
        # Where nobody watches it grow, the table is printed at its end, and once.
        self._live = Live(Group(self._table, self._bar), console=self._console, transient=True)

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._live.stop()
        if self._table.rows:
            self._console.print(self._table)

    def show(self, epoch: Epoch) -> None:
        """Add an epoch."""
        values = {"RMSE": epoch.rmse}
        if epoch.rmse_held_out is not None:
            values["held out"] = epoch.rmse_held_out
        if epoch.loss is not None:
            values["loss"] = sum(epoch.loss)
            values |= {name.replace("_", " "): part for name, part in epoch.loss._asdict().items()}
        if not self._table.columns:
            for heading in ("epoch", *values):
                self._table.add_column(heading, justify="right")
        self._table.add_row(str(epoch.epoch), *(f"{value:.4f}" for value in values.values()))
        self._bar.advance(self._task)
        if self._as_json:
            click.echo(msgspec.json.encode(self._line(epoch)))

    def _line(self, epoch: Epoch) -> dict[str, Any]:
        line: dict[str, Any] = {
            "epoch": epoch.epoch,
            **self._counts,
            "rmse": epoch.rmse,
            "rmse_held_out": epoch.rmse_held_out,
        }
        if epoch.loss is not None:
            line |= {"loss": sum(epoch.loss), **epoch.loss._asdict()}
        return line


def progress_bar(what: str, console: Console | None = None) -> Progress:
    """A bar of so many of so many."""
    return Progress(
        TextColumn(what), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(), console=console
    )
