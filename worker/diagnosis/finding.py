"""What a doctor says of one thing."""

from __future__ import annotations

from typing import Literal, NamedTuple

Status = Literal["ok", "warning", "wrong"]


class Finding(NamedTuple):
    """One line of ``lfm-online check``."""

    what: str
    status: Status
    found: str
    remedy: str = ""
    """What to change; empty where nothing is."""
