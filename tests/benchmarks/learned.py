"""Workers' processes on a benchmark's servers, and how fast they learn what is there."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Iterator
from typing import Final

from lfm_online.store.protocol import StoreAwayError
from lfm_online.store.redis import RedisStore
from tests.benchmarks.bench import Bench
from worker.demo.run import Process, Run
from worker.demo.server import free_port
from worker.settings import Settings

LOOK_SECONDS: Final = 0.01


def environment(settings: Settings) -> dict[str, str]:
    """Servers, topic, model and group as a process's settings, with a port of its own."""
    return {
        "LFM_KAFKA": settings.kafka,
        "LFM_STORE": settings.store,
        "LFM_TOPIC": settings.topic,
        "LFM_MODEL": settings.model,
        "LFM_GROUP": settings.group,
        "LFM_SESSION_TIMEOUT_SECONDS": f"{settings.session_timeout_seconds:g}",
        "LFM_WORKER_PORT": str(free_port()),
    }


def start_worker(run: Run, env: dict[str, str], module: str = "worker.cli") -> Process:
    """A worker; ``module`` is run in place of the command line."""
    return run.start("worker", [sys.executable, "-m", module, "worker"], env=env)


def rate_until(events: int, run: Run, settings: Settings) -> float:
    """Wait until so many are learned; events a second from the first commit to the last."""
    store = RedisStore(settings.store, settings.model)
    first, began = 0, 0.0
    while True:
        run.check()
        try:
            done = sum(store.read_state().watermarks.values())
        except StoreAwayError:
            done = 0
        now = time.perf_counter()
        if done and not began:
            first, began = done, now
        if done >= events:
            break
        time.sleep(LOOK_SECONDS)
    store.close()
    return (events - first) / (now - began) if done > first else 0.0


@contextlib.contextmanager
def store_of_its_own(bench: Bench, settings: Settings) -> Iterator[tuple[Run, Settings]]:
    """A run with a new store, and settings that lead to it.

    One in which models came and went is slower: whoever is measured later would be, too.
    """
    with Run() as run:
        yield run, settings.model_copy(update={"store": bench.store(run).url})


def learn(
    run: Run, env: dict[str, str], settings: Settings, events: int, module: str = "worker.cli"
) -> float:
    """Events a second of one worker with that environment, which then ends; see :func:`rate_until`."""
    process = start_worker(run, env, module)
    rate = rate_until(events, run, settings.model_copy(update={"model": env["LFM_MODEL"]}))
    process.terminate()
    process.wait()
    return rate
