"""Settings from flags, environment variables and a file; whatever is wrong is named with what is allowed."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from worker.setting_types import redacted
from worker.settings import ENVIRONMENT_PREFIX, Settings
from worker.settings_catalogue import catalogue

FILE_VARIABLE = f"{ENVIRONMENT_PREFIX}SETTINGS_FILE"


class SettingsError(ValueError):
    """A setting that does not exist, or a value that is not allowed; the message says what is."""


def load_settings(flags: Mapping[str, Any] | None = None, settings_file: Path | None = None) -> Settings:
    """Build the settings: flags win over environment variables, those over the file, that over defaults.

    Args:
        flags: values by setting name, only those that were given.
        settings_file: a TOML file with settings by name; without one, the file that LFM_SETTINGS_FILE names.

    Raises:
        SettingsError: an unknown variable or key, a value that is not allowed, a file that cannot be read.
    """
    _refuse_unknown_variables()
    variables = {name.upper() for name in os.environ}
    path = settings_file or (Path(os.environ[FILE_VARIABLE]) if os.environ.get(FILE_VARIABLE) else None)
    from_file = _read(path) if path else {}
    overridden = {entry.name for entry in catalogue().values() if entry.variable in variables}
    values = {name: value for name, value in from_file.items() if name not in overridden} | dict(flags or {})
    try:
        return Settings(**values)
    except ValidationError as error:
        raise SettingsError("\n".join(_worded(fault) for fault in error.errors(include_url=False))) from None


def _refuse_unknown_variables() -> None:
    known = {entry.variable for entry in catalogue().values()} | {FILE_VARIABLE}
    for variable in sorted(os.environ):
        if variable.upper().startswith(ENVIRONMENT_PREFIX) and variable.upper() not in known:
            raise SettingsError(f"{variable} is not a setting{_nearest(variable.upper(), known)}")


def _read(path: Path) -> dict[str, Any]:
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SettingsError(f"the settings file {path} cannot be read: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"the settings file {path} is not TOML: {error}") from None
    for name in values:
        if name not in catalogue():
            raise SettingsError(f"{name} in {path} is not a setting{_nearest(name, set(catalogue()))}")
    return values


def _nearest(name: str, known: set[str]) -> str:
    near = get_close_matches(name, sorted(known), n=1)
    return f"; the nearest is {near[0]}" if near else "; `lfm-online settings` lists all"


def _worded(fault: Any) -> str:
    if not fault["loc"]:  # several settings that do not go together: the validator has worded it
        return str(fault["ctx"]["error"])
    entry = catalogue()[fault["loc"][0]]
    value = redacted(str(fault["input"])) if entry.name == "store" else fault["input"]
    if "password" in entry.name:
        value = "***"
    return f"{entry.name} ({entry.flag}, {entry.variable}) is {value!r}; allowed: {entry.allowed}"
