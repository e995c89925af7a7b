"""Many runs of peers, on all cores."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_EXCEPTION, ProcessPoolExecutor, wait
from contextlib import contextmanager
from typing import Any, TypeVar

Result = TypeVar("Result")
OnStep = Callable[[], None]
"""Called after each run."""


def run_all(
    run: Callable[..., Result], jobs: Sequence[tuple[Any, ...]], on_step: OnStep | None = None
) -> list[Result]:
    """``run(*job)`` for each job, in processes of their own; results in the jobs' order.

    Args:
        run: A function of a module, so that a process of its own can import it.
        jobs: Its arguments.
        on_step: Called after each run, from a thread.

    Raises:
        Exception: what a run raised, first come; the others are given up.
    """
    # Spawned: a fork would take the locks of this process's threads with it.
    workers = min(len(jobs), os.cpu_count() or 1)
    with _pool(workers) as pool:
        futures = [pool.submit(run, *job) for job in jobs]
        for future in futures:
            future.add_done_callback(lambda _: on_step() if on_step is not None else None)
        done, _ = wait(futures, return_when=FIRST_EXCEPTION)
        for future in done:
            future.result()
        return [future.result() for future in futures]


@contextmanager
def _pool(workers: int) -> Iterator[ProcessPoolExecutor]:
    pool = ProcessPoolExecutor(workers, mp_context=multiprocessing.get_context("spawn"))
    try:
        yield pool
    finally:
        pool.shutdown(cancel_futures=True)
