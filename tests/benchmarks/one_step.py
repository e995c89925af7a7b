"""What one atomic step costs the server, by how many rows it holds: beside the same commands bare.

A transaction's commands wait in the server's memory until EXEC. Those of a few hundred rows are then still
in the processor's caches, those of 16,000 are not.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any, Final

import numpy as np

from lfm_online.store.connection import connect
from lfm_online.store.resp import AT_ONCE
from tests.benchmarks.bench import Bench
from tests.benchmarks.figure import Figure
from tests.naive_bytes import resp
from worker.demo.run import Run

USERS: Final = 100_000
ROW_BYTES: Final = 220
ROWS: Final = 16_384
"""Of a commit of 16,000 events without the ranking head, about."""
STEPS: Final = (1_024, 4_096, ROWS)
COMMITS: Final = 12
ROUNDS: Final = 5


def measure(bench: Bench) -> Iterator[Figure]:
    """Rows a second, AOF everysec, best of five taken in turns."""
    rng = np.random.default_rng(1)
    row = rng.bytes(ROW_BYTES)
    numbers = [rng.permutation(USERS)[:ROWS].reshape(-1, AT_ONCE) for _ in range(COMMITS)]
    commits = [
        [resp(b"MSET", *(word for n in part for word in (b"lfm:{b}:u:%d" % n, row))) for part in commit]
        for commit in numbers
    ]
    best = dict.fromkeys((0, *STEPS), 0.0)
    with Run() as run:
        connection: Any = connect(bench.store(run).url).connection_pool.get_connection()
        for _ in range(ROUNDS):
            for step in best:
                best[step] = max(best[step], _rate(connection, commits, step))
    for step in STEPS:
        yield Figure(f"one_step_of_{step}_rows", best[step], "rows/s", "the same commands bare", best[0])


def _rate(connection: Any, commits: list[list[bytes]], step: int) -> float:
    """Rows a second with ``step`` in one transaction; 0: in none."""
    seconds = 0.0
    for commands in commits:
        sent, replies = commands, len(commands)
        if step:
            firsts = range(0, len(commands), step // AT_ONCE)
            parts = [commands[first : first + step // AT_ONCE] for first in firsts]
            sent = [b"".join([resp(b"MULTI"), *part, resp(b"EXEC")]) for part in parts]
            replies += 2 * len(parts)
        began = time.perf_counter()
        connection.send_packed_command(sent, check_health=False)
        for _ in range(replies):
            connection.read_response()
        seconds += time.perf_counter() - began
    return len(commits) * ROWS / seconds
