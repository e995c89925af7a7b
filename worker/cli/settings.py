"""``lfm-online settings``."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from typing import Final

import click
import msgspec
from rich.console import Console
from rich.table import Table

from worker.settings_catalogue import Entry, catalogue, markdown

NARROW: Final = 120
"""Columns of a terminal below which six side by side can't be read."""
UNBOUNDED: Final = 1000
"""Columns where no terminal limits them: more than any setting takes."""


@click.command()
@click.option("--markdown", "as_markdown", is_flag=True, help="Print the README's table.")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON array of objects.")
def settings(as_markdown: bool, as_json: bool) -> None:
    """List every setting with its environment variable, default, unit, what is allowed, and meaning.

    A flag wins over the environment variable, that over the file named by --settings-file or
    LFM_SETTINGS_FILE (TOML, settings by name), that over the default.

    \b
    Example:
      lfm-online settings
      LFM_FACTORS=64 LFM_STORE=redis://:secret@store:6379/0 lfm-online worker
    """
    entries = catalogue().values()
    if as_markdown:
        click.echo(markdown())
    elif as_json:
        click.echo(msgspec.json.format(msgspec.json.encode([dataclasses.asdict(e) for e in entries])))
    else:
        console = Console()
        if not console.is_terminal:
            console = Console(width=UNBOUNDED)  # a line each, for grep
        console.print(_wide(entries) if console.width >= NARROW else _narrow(entries))


def _wide(entries: Iterable[Entry]) -> Table:
    table = Table(box=None)
    for name in ("setting", "environment variable"):
        table.add_column(name, no_wrap=True)
    for name in ("default", "unit", "allowed", "meaning"):
        table.add_column(name, overflow="fold")
    for e in entries:
        table.add_row(e.name, e.variable, e.default, e.unit, e.allowed, e.meaning)
    return table


def _narrow(entries: Iterable[Entry]) -> Table:
    table = Table(box=None)
    table.add_column("setting\nenvironment variable", no_wrap=True)
    table.add_column("meaning\ndefault; allowed", overflow="fold")
    for e in entries:
        default = f"{e.default} {e.unit}".strip() if e.default else "empty"
        table.add_row(f"{e.name}\n{e.variable}", f"{e.meaning}\n{default}; allowed: {e.allowed}")
    return table
