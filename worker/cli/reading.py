"""What the commands share that read a whole model: a catalogue, a progress bar, errors in words."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple, Self

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from worker.cli.lookup import FAILURES
from worker.settings import Settings

if TYPE_CHECKING:
    from lfm_online.catalogue import Catalogue
    from lfm_online.model import Model

CATALOGUE: Final = click.option(
    "--catalogue",
    "catalogue_file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="CSV file of item, title, and perhaps genres (separated by |) and year, found by header name.",
)
JSON: Final = click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
AXES: Final = click.option(
    "--axes", "n_axes", type=click.IntRange(1, 512), default=5, show_default=True, help="How many axes."
)
LEAST: Final = click.option(
    "--least",
    type=click.IntRange(min=0),
    default=20,
    show_default=True,
    help="Ratings that a neighbour must have.",
)


class Read(NamedTuple):
    """What a command reads."""

    model: Model
    catalogue: Catalogue


class Bar:
    """A progress bar on standard error; what it counts, and how far it goes, comes with the counting."""

    def __init__(self) -> None:
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=Console(stderr=True),
        )
        self._tasks: dict[str, TaskID] = {}

    def show(self, what: str, done: int, total: int | None) -> None:
        """``done`` of ``total``; None where nobody knows how many there are."""
        if not self._tasks:  # not before: of nothing it shows an empty line
            self._bar.start()
        if what not in self._tasks:
            self._tasks[what] = self._bar.add_task(what, total=total)
        self._bar.update(self._tasks[what], completed=done, total=total)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        if self._tasks:
            self._bar.stop()


@contextlib.contextmanager
def in_words(*failures: type[Exception]) -> Iterator[None]:
    """Whatever goes wrong with store, model or catalogue ends the command in words; so do ``failures``."""
    from lfm_online.catalogue import CatalogueError

    told: tuple[type[Exception], ...] = (CatalogueError, *FAILURES, *failures)
    try:
        yield
    except told as error:
        raise click.ClickException(str(error)) from None


def read_whole_model(settings: Settings, catalogue_file: Path | None) -> Read:
    """The model of the settings with all its rows, and the catalogue.

    Raises:
        As ``lfm_online.insight.whole.read_whole`` and ``lfm_online.catalogue.read_catalogue``.
    """
    from lfm_online.insight.whole import read_whole
    from worker.access import open_store

    catalogue = read_titles(catalogue_file)
    with contextlib.closing(open_store(settings)) as store, Bar() as bar:
        return Read(read_whole(store, settings.model, bar.show).model, catalogue)


def read_titles(catalogue_file: Path | None) -> Catalogue:
    """The catalogue of a file; an empty one without a file."""
    from lfm_online.catalogue import EMPTY, read_catalogue

    return EMPTY if catalogue_file is None else read_catalogue(catalogue_file)
