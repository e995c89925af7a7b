"""A worker's samples by the step of an event's way that they fell into."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Final

STEPS: Final[dict[str, str]] = {
    "(worker/source/": "fetch",
    "(worker/decode": "decode",
    "Table.numbers (": "ids to row numbers",
    "BatchRows._read_missing (": "read rows that are not in memory",
    "BatchRows._receive_asked (": "read rows that are not in memory",
    "BatchRows.ask (": "read rows that are not in memory",
    "BatchRows._number (": "rows that the batch touches, digests",
    "BatchRows.resolve (": "rows that the batch touches, digests",
    "learn_and_rank (": "learn",
    "commit_of (": "copy the rows that changed",
    "lay_out (lfm_online/store/transaction": "commit as bytes",
    "RedisStore._send (": "send",
    "RedisStore.receive_commit (": "wait for the store",
    "WorkerMetrics.committed (": "metrics",
    "Service._loop (": "the rest of the loop",
}
"""By what a frame's name holds; the innermost frame that is named here tells the step."""
LOOP: Final = "Service._loop ("
SENDER: Final = "RedisStore._send ("
LAYING_OUT: Final = "lay_out (lfm_online/store/transaction"


def by_step(lines: Iterable[str]) -> dict[str, Counter[str]]:
    """Samples of the thread of the loop and of the sender's, each by step.

    Args:
        lines: py-spy's raw format: frames from the outermost on, between semicolons, and how many samples.
    """
    found = {"loop": Counter[str](), "sender": Counter[str]()}
    for line in lines:
        stack, _, count = line.rpartition(" ")
        thread = _thread(stack)
        if thread is not None:
            found[thread][_step(stack)] += int(count)
    return found


def _thread(stack: str) -> str | None:
    if LOOP in stack:
        return "loop"
    return "sender" if SENDER in stack or LAYING_OUT in stack else None


def _step(stack: str) -> str:
    for frame in reversed(stack.split(";")):
        for part, step in STEPS.items():
            if part in frame:
                return step
    raise AssertionError(stack)  # a thread's own frame is named, too
