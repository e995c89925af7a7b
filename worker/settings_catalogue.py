"""The settings as people read them: variable, flag, default, unit, what is allowed, meaning."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, get_args, get_origin

from annotated_types import Ge, Le
from pydantic.fields import FieldInfo

from worker.setting_types import Allowed
from worker.settings import ENVIRONMENT_PREFIX, Settings

SGD_SETTINGS = tuple(name for name in Settings.model_fields if name.startswith("sgd_"))
"""What rule sgd takes; each is an option of ``make_rule`` without its prefix."""

MODEL_SETTINGS = (
    *("rule", "factors", "rating_range", "seed", "history", "ranking"),
    *SGD_SETTINGS,
    *("user_field", "item_field", "rating_field", "time_field", "time_unit"),
    *("record_max_bytes", "future_tolerance_seconds"),
)
"""What makes a model what it is: its rule, its rows, and which records are ratings to it."""

ACCESS_SETTINGS = tuple(name for name in Settings.model_fields if name.startswith(("kafka_", "store_")))
"""Logins and certificates; commands take them from the environment or a file, never as flags."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One setting."""

    name: str
    variable: str
    flag: str
    default: str
    unit: str
    allowed: str
    meaning: str


def catalogue() -> dict[str, Entry]:
    """Every setting by name, in the order of their groups."""
    return {name: _entry(name, field) for name, field in Settings.model_fields.items()}


def markdown() -> str:
    """The README's table of settings, without a newline at its end."""
    head = [
        "| Environment variable | Default | Unit | Allowed | Meaning |",
        "| --- | --- | --- | --- | --- |",
    ]
    rows = [
        f"| `{e.variable}` | {_code(e.default)} | {e.unit} | {e.allowed} | {e.meaning} |"
        for e in catalogue().values()
    ]
    return "\n".join(head + rows)


def _entry(name: str, field: FieldInfo) -> Entry:
    extra = field.json_schema_extra
    assert isinstance(extra, dict)
    return Entry(
        name=name,
        variable=f"{ENVIRONMENT_PREFIX}{name.upper()}",
        flag=str(extra["flag"] or f"--{name.replace('_', '-')}"),
        default=_shown(field.default),
        unit=str(extra["unit"]),
        allowed=_allowed(field),
        meaning=field.description or "",
    )


def _code(default: str) -> str:
    return f"`{default}`" if default else "empty"


def _shown(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _allowed(field: FieldInfo) -> str:
    for mark in field.metadata:
        if isinstance(mark, Allowed):
            return mark.words
    if get_origin(field.annotation) is Literal:
        return ", ".join(get_args(field.annotation)[:-1]) + f" or {get_args(field.annotation)[-1]}"
    if field.annotation is bool:
        return "true or false"
    kind = "a whole number" if field.annotation is int else "a number"
    low = next(mark.ge for mark in field.metadata if isinstance(mark, Ge))
    high = next(mark.le for mark in field.metadata if isinstance(mark, Le))
    return f"{kind} from {low} to {high}"
