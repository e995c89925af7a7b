"""A range of numbers from the command line that ``nan`` is in none of."""

from __future__ import annotations

import math
from typing import Any

import click


class FiniteRange(click.FloatRange):
    """Click's own lets ``nan`` into each range, and ``inf`` into an open one."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """As a float."""
        number = super().convert(value, param, ctx)
        if not math.isfinite(number):
            self.fail(f"{value} is no finite number.", param, ctx)
        return number

    def _describe_range(self) -> str:
        """For the help; of a range without bounds Click's own says ``x<=None``."""
        return "" if self.min is None and self.max is None else super()._describe_range()
