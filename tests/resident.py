"""How much memory a process takes."""

from __future__ import annotations

from pathlib import Path


def resident_bytes(pid: int) -> int:
    """Bytes that it has in memory now."""
    return _status(pid, "VmRSS")


def most_resident_bytes(pid: int) -> int:
    """Bytes that it has had in memory at most."""
    return _status(pid, "VmHWM")


def _status(pid: int, name: str) -> int:
    line = next(x for x in Path(f"/proc/{pid}/status").read_text().splitlines() if x.startswith(name))
    return int(line.split()[1]) * 1024
