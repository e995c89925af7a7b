"""Whether a server is fit to hold a model, asked of the server itself."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Any, Final

import redis

from lfm_online.store.protocol import StoreAwayError, StoreBrokenError

log = logging.getLogger(__name__)

LOOK_SECONDS: Final = 0.01
"""From one look at a rewrite to the next."""


Call = Callable[..., Any]
"""Sends one command and gives its reply."""


def check_policy(call: Call) -> None:
    """See that the server never drops a row by itself.

    Raises:
        StoreBrokenError: its ``maxmemory-policy`` lets it.
    """
    policy = _info(call).get("maxmemory_policy", "noeviction")
    if policy != "noeviction":
        raise StoreBrokenError(
            f"the store's maxmemory-policy is {policy!r}: it would drop rows; set it to noeviction"
        )


def make_append_only_file_whole(call: Call, key: str) -> None:
    """Have the server rewrite its append-only file, unless it has since it started.

    Redis cuts an append-only file that a crash left torn back to its last whole *command*. If that
    lies within a transaction, memory is right, but an open MULTI stays in the file, the next
    transaction is written behind it, and the load after that runs both: rows of a commit that was
    rolled back return. A rewrite of the file ends that, so each start of a server gets one before its
    first commit. (Valkey 9 cuts to the last whole transaction; Redis 7.0 doesn't. Nothing that a
    client can ask tells whether a file was cut.)

    Args:
        call: Asks the server.
        key: Where the id of the server's run is kept for which this was done.

    Raises:
        StoreAwayError: the server failed to rewrite its file.
    """
    facts = _info(call)
    run_id = facts.get("run_id", "")
    if facts.get("aof_enabled") != "1" or call("GET", key) == run_id.encode():
        return
    log.info("the store was started anew: it rewrites its append-only file before the next commit")
    try:
        call("BGREWRITEAOF")
    except redis.ResponseError as error:
        if "in progress" not in str(error):
            # Where it is forbidden, somebody else looks after the file.
            log.warning(
                "the store refuses BGREWRITEAOF (%s): if a crash ever tears its append-only file, "
                "rows of a commit that was rolled back may return",
                error,
            )
            return
    while "1" in ((facts := _info(call)).get("aof_rewrite_in_progress"), facts.get("aof_rewrite_scheduled")):
        time.sleep(LOOK_SECONDS)
    if facts.get("aof_last_bgrewrite_status") != "ok":
        raise StoreAwayError("the store failed to rewrite its append-only file: see its log and its disk")
    call("SET", key, run_id)


def _info(call: Call) -> dict[str, str]:
    text = call("INFO").decode()
    return dict(line.split(":", 1) for line in text.splitlines() if ":" in line)
