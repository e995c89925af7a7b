"""Processor time of a process's threads, as the system counts it (proc(5))."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final

_TICKS: Final = os.sysconf("SC_CLK_TCK")


def processor_seconds(pid: int) -> dict[tuple[int, str], float]:
    """Seconds that each thread of a process has used so far, by its number and name."""
    found = {}
    for task in Path(f"/proc/{pid}/task").iterdir():
        try:
            line = (task / "stat").read_text()
        except OSError:  # it has just ended
            continue
        name, _, rest = line.partition("(")[2].rpartition(")")
        fields = rest.split()
        found[int(task.name), name] = (int(fields[11]) + int(fields[12])) / _TICKS
    return found


def used(
    before: Mapping[tuple[int, str], float], after: Mapping[tuple[int, str], float]
) -> dict[tuple[int, str], float]:
    """Seconds of each thread between two looks."""
    return {thread: seconds - before.get(thread, 0.0) for thread, seconds in after.items()}
