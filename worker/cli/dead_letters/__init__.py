"""``lfm-online dead-letters``: events that could not be learned."""

from __future__ import annotations

import click

from worker.cli.lazy_group import LazyGroup

# Each is a click command of that name in the module of that name in this package.
LETTERS = {
    "list": "Count them by reason, and list the newest.",
    "show": "One of them, with its bytes.",
    "send": "Send some back to their topic, after what was wrong has been mended.",
}


@click.group(cls=LazyGroup, package=__name__, texts=LETTERS)
def dead_letters() -> None:
    """Events that could not be learned, as the dead-letter topic holds them.

    \b
    Example:
      lfm-online dead-letters list
    """
