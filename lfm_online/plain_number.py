"""A number as people write it, with all the digits that tell it from the next one."""

from __future__ import annotations


def plain(number: float) -> str:
    """``0.5``, ``5``, ``1000001``: never fewer digits than there are, and no ``.0``."""
    return repr(float(number)).removesuffix(".0")
