"""The commit's mechanism: WATCH and MULTI with one MSET, or a script that compares and sets."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any, Final

import numpy as np

from lfm_online.store.redis import connect
from tests.benchmarks.figure import Figure
from worker.demo.embedded import EmbeddedStore
from worker.demo.run import Run

ROWS: Final = 2000
ROW_BYTES: Final = 220
COMMITS: Final = 200

# The fastest form found: one MSET a script call of up to 4,000 arguments, Lua's stack allows no more.
SCRIPT: Final = """
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
for start = 3, #ARGV, 4000 do
  redis.call('MSET', unpack(ARGV, start, math.min(start + 3999, #ARGV)))
end
redis.call('SET', KEYS[1], ARGV[2])
return 1
"""


def measure(_events: int) -> Iterator[Figure]:
    """Rows a second of each, AOF everysec, best of three."""
    with Run() as run:
        store = EmbeddedStore(run).start()
        client = connect(store.url)
        by_multi = max(_rate(client, _by_multi) for _ in range(3))
        by_script = max(_rate(client, _by_script) for _ in range(3))
    yield Figure("commit_watch_multi", by_multi, "rows/s", "compare-and-set script", by_script)


def _rate(client: Any, commit: Any) -> float:
    rng = np.random.default_rng(1)
    row = rng.bytes(ROW_BYTES)
    batches = [
        [part for n in rng.integers(0, 100_000, ROWS) for part in (f"lfm:{{b}}:u:{n}", row)] for _ in range(10)
    ]
    client.flushall()
    client.set("head", b"0")
    script = client.register_script(SCRIPT)
    began = time.perf_counter()
    for n in range(COMMITS):
        commit(client, script, batches[n % len(batches)], str(n).encode(), str(n + 1).encode())
    return COMMITS * ROWS / (time.perf_counter() - began)


def _by_multi(client: Any, _script: Any, pairs: list[Any], expected: bytes, head: bytes) -> None:
    with client.pipeline() as pipe:
        pipe.watch("head")
        assert pipe.get("head") == expected
        pipe.multi()
        pipe.execute_command("MSET", *pairs)
        pipe.set("head", head)
        pipe.execute()


def _by_script(_client: Any, script: Any, pairs: list[Any], expected: bytes, head: bytes) -> None:
    assert script(keys=["head"], args=[expected, head, *pairs]) == 1
