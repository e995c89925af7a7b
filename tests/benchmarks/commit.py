"""The commit's mechanism: WATCH and MULTI with one MSET, or a script that compares and sets.

Both are sent as bytes made before, so that what differs is the server's work. The first is measured on the
embedded store without what it is told of its allocator, too.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from typing import Any, ClassVar, Final

import numpy as np

from lfm_online.store.connection import connect
from tests.benchmarks.bench import Bench
from tests.benchmarks.figure import Figure
from tests.naive_bytes import resp
from worker.demo.embedded import EmbeddedStore
from worker.demo.run import Run

ROWS: Final = 16_000
ROW_BYTES: Final = 420
COMMITS: Final = 40
ROUNDS: Final = 5

# The fastest form found: one MSET for up to 4,000 arguments, Lua's stack allows no more.
SCRIPT: Final = b"""
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
for start = 3, #ARGV, 4000 do
  redis.call('MSET', unpack(ARGV, start, math.min(start + 3999, #ARGV)))
end
redis.call('SET', KEYS[1], ARGV[2])
return 1
"""


def measure(_bench: Bench) -> Iterator[Figure]:
    """Rows a second of each, AOF everysec, best of five taken in turns."""
    with Run() as run:
        client = connect(EmbeddedStore(run).start().url)
        untold = connect(_UntoldStore(run, "untold").start().url)
        digest = client.script_load(SCRIPT)
        by_multi, by_script, on_untold = [], [], []
        for _ in range(ROUNDS):
            by_multi.append(_rate(client, [_by_multi(pairs) for pairs in _batches()]))
            by_script.append(_rate(client, [_by_script(pairs, digest) for pairs in _batches()]))
            on_untold.append(_rate(untold, [_by_multi(pairs) for pairs in _batches()]))
    yield Figure("commit_watch_multi", max(by_multi), "rows/s", "compare-and-set script", max(by_script))
    yield Figure("commit_allocator", max(by_multi), "rows/s", "without GLIBC_TUNABLES", max(on_untold))


class _UntoldStore(EmbeddedStore):
    env: ClassVar[dict[str, str]] = {}


def _batches() -> list[list[bytes]]:
    rng = np.random.default_rng(1)
    row = rng.bytes(ROW_BYTES)
    return [
        [part for n in rng.integers(0, 100_000, ROWS) for part in (b"lfm:{b}:u:%d" % n, row)]
        for _ in range(10)
    ]


def _rate(client: Any, commits: Sequence[tuple[bytes, int]]) -> float:
    connection: Any = client.connection_pool.get_connection()
    client.flushdb()
    client.set("head", b"0")
    began = time.perf_counter()
    for n in range(COMMITS):
        payload, replies = commits[n % len(commits)]
        connection.send_packed_command([payload], check_health=False)
        for _ in range(replies):
            last = connection.read_response()
    seconds = time.perf_counter() - began
    assert last in (1, [b"OK", b"OK"]), last
    connection.disconnect()
    return COMMITS * ROWS / seconds


def _by_multi(pairs: list[bytes]) -> tuple[bytes, int]:
    words = [(b"WATCH", b"head"), (b"GET", b"head"), (b"MULTI",), (b"MSET", *pairs), (b"SET", b"head", b"0")]
    return b"".join(resp(*each) for each in (*words, (b"EXEC",))), 6


def _by_script(pairs: list[bytes], digest: str) -> tuple[bytes, int]:
    return resp(b"EVALSHA", digest.encode(), b"1", b"head", b"0", b"0", *pairs), 1
