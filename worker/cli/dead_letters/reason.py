"""Reasons of dead letters on the command line."""

from __future__ import annotations

from collections.abc import Iterable

import click


def check_reasons(reasons: Iterable[str]) -> None:
    """See that there are such reasons.

    Raises:
        click.UsageError: there is one that isn't.
    """
    from worker.dead_letters.letter import REASONS

    unknown = [reason for reason in reasons if reason not in REASONS]
    if unknown:
        raise click.UsageError(f"--reason is {unknown[0]!r}; allowed: {', '.join(REASONS)}")
