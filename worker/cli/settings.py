"""``lfm-online settings``."""

from __future__ import annotations

import dataclasses

import click
import msgspec
from rich.console import Console
from rich.table import Table

from worker.settings_catalogue import catalogue, markdown


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
        table = Table("setting", "environment variable", "default", "unit", "allowed", "meaning", box=None)
        for e in entries:
            table.add_row(e.name, e.variable, e.default, e.unit, e.allowed, e.meaning)
        Console().print(table)
