"""A run's directory: its lock, its record of processes, and the sweep of what a killed run and guardian left.

A directory holds a file `record`. The run and its guardian hold a lock on it (`flock`, which ends with its
last holder however that one ends), and each process of the run has a line in it: its id and when it started.
Who gets the lock therefore knows that nobody looks after the directory any more, and which processes are its.
"""

import fcntl
import os
import shutil
import tempfile
import time
from pathlib import Path

from worker.demo.guardian import kill_group, started_at

PREFIX = "lfm-online-demo-"
RECORD = "record"


def create() -> tuple[Path, int]:
    """Make a run's directory in the system's temporary directory, and lock it.

    Returns:
        The directory, and the descriptor of its record, which holds the lock.
    """
    while True:
        directory = Path(tempfile.mkdtemp(prefix=PREFIX))
        record = _lock(directory)
        if record is not None:
            return directory, record
        # A sweep came between the two calls, took the directory for left behind, and removes it.


def sweep() -> list[Path]:
    """End the processes and remove the directories of runs that nobody looks after any more.

    Returns:
        The directories that were removed.
    """
    swept = []
    for directory in sorted(Path(tempfile.gettempdir()).glob(f"{PREFIX}*")):
        if directory.is_symlink() or not directory.is_dir() or directory.stat().st_uid != os.geteuid():
            continue
        record = _lock(directory)
        if record is not None:
            try:
                clear(directory)
            finally:
                os.close(record)
            swept.append(directory)
    return swept


def clear(directory: Path) -> None:
    """Kill what a directory's record names and still runs, and remove the directory.

    The caller holds its lock.
    """
    for line in reversed((directory / RECORD).read_text().splitlines()):
        pid, _, start = line.partition(" ")
        # The number alone could be another process's by now.
        while pid.isdigit() and started_at(int(pid)) == start:
            kill_group(int(pid))
            time.sleep(0.01)
    shutil.rmtree(directory, ignore_errors=True)


def _lock(directory: Path) -> int | None:
    """Lock a directory's record; None where another has the lock or has removed the directory."""
    path = directory / RECORD
    try:
        record = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(record, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if path.exists() and os.path.samestat(path.stat(), os.fstat(record)):
            return record
    except OSError:
        pass
    os.close(record)
    return None
