"""One line a message, to standard error."""

from __future__ import annotations

import logging


def set_up_logging(level: str) -> None:
    """Log the project's messages from ``level`` on, and warnings of libraries."""
    # kafka-python sets a handler up when it is imported: force replaces it.
    logging.basicConfig(
        format="%(asctime)s %(levelname)s %(name)s: %(message)s", level=logging.WARNING, force=True
    )
    for name in ("worker", "lfm_online"):
        logging.getLogger(name).setLevel(level.upper())
    # It warns when another thread of the process has the interpreter for a tenth of a second.
    logging.getLogger("kafka.net.selector").setLevel(logging.ERROR)
