"""What the lookups from a terminal share."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any, Final

import click
import msgspec
from rich.console import Console
from rich.table import Table
from rich.text import Text

from lfm_online.layout import FormatError
from lfm_online.meta import MetaMismatchError
from lfm_online.ranking.scores import NoRankingError
from lfm_online.replica import Replica
from lfm_online.replica_reads import NotReadyError
from lfm_online.similar import UnknownIdError
from lfm_online.store.protocol import StoreAwayError, StoreBrokenError
from worker.access import open_store
from worker.decode_one import NEWEST_MS, BadEventError, check_id
from worker.settings import Settings

FAILURES: Final = (
    NotReadyError,
    StoreAwayError,
    StoreBrokenError,
    FormatError,
    MetaMismatchError,
    UnknownIdError,
    NoRankingError,
)


def checked_id(_context: click.Context, param: click.Parameter, value: str) -> str:
    """An id from the command line; one that is none is a usage error."""
    try:
        return check_id(value, str(param.name))
    except BadEventError as error:
        raise click.BadParameter(str(error)) from error


USER: Final = click.argument("user", callback=checked_id)
ITEM: Final = click.argument("item", callback=checked_id)
HOW_MANY: Final = click.option(
    "-n", "n", type=click.IntRange(1, 1000), default=10, show_default=True, help="How many at most."
)
AT: Final = click.option(
    "--at",
    type=click.IntRange(0, NEWEST_MS),
    metavar="MILLISECONDS",
    help="The time to answer for (Unix); the newest rating's where not given.",
)
AS_JSON: Final = click.option(
    "--json", "as_json", is_flag=True, help="Print the answer as the lookup server gives it."
)


@contextmanager
def model_of(settings: Settings) -> Iterator[Replica]:
    """The model of the settings, read from the store; whatever goes wrong ends the command in words."""
    replica = Replica(partial(open_store, settings), settings.model, users=1)
    try:
        replica.follow(0)
        yield replica
    except FAILURES as error:
        raise click.ClickException(str(error)) from None
    finally:
        replica.close()


def print_json(answer: Any) -> None:
    """An answer as one line."""
    click.echo(msgspec.json.encode(answer))


def print_table(rows: Sequence[tuple[str, ...]], *columns: str) -> None:
    """Rows under their columns; the first names things, the others are numbers."""
    table = Table(box=None)
    for place, column in enumerate(columns):
        table.add_column(column, justify="right" if place else "left")
    for row in rows:
        # Text, since an id may look like rich's markup.
        table.add_row(*(Text(cell) for cell in row))
    Console().print(table)


def known(ratings: int, what: str, basis: str) -> str:
    """What an answer rests on, in words."""
    if basis == "mean":
        return f"an unknown {what}"
    return f"{ratings} ratings of the {what}" if ratings else f"the attributes of the {what}"
