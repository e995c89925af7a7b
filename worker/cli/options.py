"""Flags for settings: a command names the settings it uses and is called with all of them, checked."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any

import click
from pydantic import TypeAdapter, ValidationError

from worker.setting_types import ModelName
from worker.settings import Settings
from worker.settings_catalogue import Entry, catalogue
from worker.settings_loading import FILE_VARIABLE, SettingsError, load_settings

Callback = Callable[..., None]


def settings_options(*names: str) -> Callable[[Callback], Callback]:
    """Give a command ``--settings-file`` and a flag for each of the named settings.

    The command is called with ``settings: Settings``, built by ``load_settings``. What is not allowed ends
    the command with exit code 2 and a message that names the setting, its flag and variable, and what is.
    """
    entries = [catalogue()[name] for name in names]

    def decorate(command: Callback) -> Callback:
        @wraps(command)
        def called(*, settings_file: Path | None, **values: Any) -> None:
            flags = {name: values.pop(name) for name in names}
            given = {name: value for name, value in flags.items() if value is not None}
            command(settings=checked_settings(given, settings_file), **values)

        flagged: Callback = click.option(
            "--settings-file",
            type=click.Path(exists=True, dir_okay=False, path_type=Path),
            help=f"TOML file of settings by name.  [env: {FILE_VARIABLE}]",
        )(called)
        for entry in reversed(entries):
            flagged = _flag(entry)(flagged)
        return flagged

    return decorate


def checked_settings(flags: dict[str, Any], settings_file: Path | None = None) -> Settings:
    """Load the settings for a command; what is not allowed becomes a usage error."""
    try:
        return load_settings(flags, settings_file)
    except SettingsError as error:
        raise click.UsageError(str(error)) from None


def model_name(_context: click.Context, param: click.Parameter, value: str | None) -> str | None:
    """The name of a second model; one that is not allowed is a usage error."""
    if value is not None:
        try:
            TypeAdapter(ModelName).validate_python(value)
        except ValidationError:
            raise click.UsageError(
                f"{param.opts[0]} is {value!r}; allowed: {catalogue()['model'].allowed}"
            ) from None
    return value


def svg_file(_context: click.Context, _param: click.Parameter, value: Path | None) -> Path | None:
    """Where a drawing goes; an ending that is not SVG's is a usage error."""
    # Without an ending it may be a pipe.
    if value is not None and value.suffix.lower() not in ("", ".svg"):
        raise click.BadParameter(
            f"{str(value)!r} ends in {value.suffix!r}; allowed: .svg, the only kind drawn"
        )
    return value


def _flag(entry: Entry) -> Callable[[Callback], Callback]:
    unit = f", {entry.unit}" if entry.unit else ""
    text = f"{entry.meaning}  [env: {entry.variable}; default: {entry.default or 'empty'}{unit}]"
    if entry.allowed == "true or false":
        names = f"{entry.flag}/--no-{entry.flag.removeprefix('--')}"
        return click.option(names, entry.name, default=None, help=text)
    return click.option(entry.flag, entry.name, default=None, metavar="VALUE", help=text)
