"""Instructions that the learning kernels take for an event, by valgrind: the same whatever else runs.

A child (``learn_counted``) learns the demo's first ratings under callgrind, which counts between two calls of
a function that nothing else calls. Of batches of n and of 2n events, each by a new model, the difference is
what n events take: calls, start-up and compilation drop out. The ranking head learns with the rule.

The same child before compiles the kernels, into a compiler's cache of their own, for what valgrind 3.19 runs:
no AVX-512, and of AVX not every encoding of a move between registers, which ends the child wherever the
compiler happens to choose it. So these are counts for SSE 4.2, two numbers a register. They compare one
version with another; time goes by more than their number.
"""

from __future__ import annotations

import os
import platform
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import numpy as np

from lfm_online.compare.extra import PeerMissingError
from tests.benchmarks.bench import Bench
from tests.benchmarks.figure import Figure
from tests.benchmarks.learn_counted import KERNELS, MARK
from tests.benchmarks.movielens import demo_stream

EVENTS: Final = 10_000
"""n, at most."""
X86_64: Final = {
    "NUMBA_CPU_NAME": "x86-64-v2",
    "NUMBA_CPU_FEATURES": "+sse3,+ssse3,+sse4.1,+sse4.2,+popcnt,+cx16",
}


def measure(bench: Bench) -> Iterator[Figure]:
    """Instructions an event, beside those of the textbook's rule.

    Raises:
        PeerMissingError: valgrind is not installed.
    """
    valgrind = shutil.which("valgrind")
    if valgrind is None:
        raise PeerMissingError("valgrind is not installed (on Debian: apt install valgrind)")
    with TemporaryDirectory() as name:
        directory = Path(name)
        n = _write_ratings(directory / "ratings.npy", min(bench.events, 2 * EVENTS))
        child = [sys.executable, "-m", "tests.benchmarks.learn_counted", str(directory / "ratings.npy")]
        environment = os.environ | {"NUMBA_CACHE_DIR": name, "OPENBLAS_NUM_THREADS": "1"}
        environment |= X86_64 if platform.machine() == "x86_64" else {}
        callgrind = [
            "--quiet",
            "--tool=callgrind",
            f"--dump-before={MARK}",
            f"--callgrind-out-file={directory}/counts",
        ]
        for command in (child, [valgrind, *callgrind, *child]):
            subprocess.run(command, env=environment, check=True)
        taken = [
            (_count(directory, 6 * place + 6) - _count(directory, 6 * place + 4)) / n
            for place in range(len(KERNELS))
        ]
    each = dict(zip(KERNELS, taken, strict=True))
    for name in ("adaptive", "with_ranking"):
        yield Figure(f"instructions_{name}", each[name], "instructions/event", "rule sgd", each["sgd"])


def _write_ratings(path: Path, most: int) -> int:
    """Write up to so many ratings, an even number; half of that."""
    stream = demo_stream(most)
    n = len(stream) // 2
    columns = stream.user, stream.item, stream.rating, stream.time_ms
    np.save(path, np.array([column[: 2 * n] for column in columns], np.float64))
    return n


def _count(directory: Path, dump: int) -> int:
    """Instructions before the mark's call of that number, since the one before."""
    found = re.search(r"^totals: (\d+)$", (directory / f"counts.{dump}").read_text(), re.MULTILINE)
    assert found is not None
    return int(found[1])
