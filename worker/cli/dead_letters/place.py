"""The place of an event on the command line: ``PARTITION:OFFSET``."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

import click

if TYPE_CHECKING:
    from worker.dead_letters.topic import Place


class _PlaceType(click.ParamType):  # type: ignore[type-arg]  # generic in some versions of click only
    name = "PARTITION:OFFSET"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Place:
        """Read one; what is none is a usage error."""
        from worker.dead_letters.topic import Place

        found = re.fullmatch(r"(\d{1,10}):(\d{1,19})", str(value))
        if found is None:
            self.fail(f"{value!r} is no place; allowed: PARTITION:OFFSET, such as 2:4711", param, ctx)
        return Place(int(found[1]), int(found[2]))


PLACE: Final = _PlaceType()
