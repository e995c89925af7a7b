"""``lfm-online insight``: what the numbers of a model say."""

from __future__ import annotations

import click

from worker.cli.lazy_group import LazyGroup

# Each is a click command of that name in the module of that name in this package.
INSIGHTS = {
    "biases": "Who rates high, and what is liked beyond its popularity.",
    "factors": "The principal axes of taste, and what they are about.",
    "user": "One user: bias, place on the axes, neighbours.",
    "item": "One item: bias, place on the axes, neighbours.",
    "questionnaire": "What to ask a newcomer.",
    "map": "The two main axes, drawn as SVG.",
}


@click.group(cls=LazyGroup, package=__name__, texts=INSIGHTS)
def insight() -> None:
    """Read a model in the store: what its numbers say. Nothing is written to the store.

    \b
    Example:
      lfm-online insight factors --model movies --catalogue movies.csv
    """
