"""A group of commands whose modules are imported when a command is called for, not before."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any

import click


class LazyGroup(click.Group):
    """Each command is a click command of its name, in the module of that name in ``package``, - as _."""

    def __init__(self, *args: Any, package: str, texts: Mapping[str, str], **kwargs: Any) -> None:
        """A group of the commands that ``texts`` names, each with its line of help."""
        super().__init__(*args, **kwargs)
        self._package = package
        self._texts = texts

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names, in the order in which they were given."""
        return list(self._texts)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import one; None if there is none of that name."""
        if cmd_name not in self._texts:
            return None
        name = cmd_name.replace("-", "_")
        command: click.Command = getattr(import_module(f"{self._package}.{name}"), name)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The names with their lines, without importing any."""
        with formatter.section("Commands"):
            formatter.write_dl(list(self._texts.items()))
