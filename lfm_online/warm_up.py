"""Compiles every kernel before it is needed: ``python -m lfm_online.warm_up``.

Each is called once through the classes that call it at run time, so that it is compiled for exactly
the types it will meet; a kernel that is compiled twice shows in ``tests/unit/test_warm_up.py``. With
a filled cache this takes a second or two.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final

import numpy as np
from numba.core.dispatcher import Dispatcher

from lfm_online import message_columns
from lfm_online.batch import Batch
from lfm_online.evaluate.ranking import EARLIER_RATINGS, rank
from lfm_online.evaluate.scorers import ByNext, ByPopularity, ByRating, Next
from lfm_online.evaluate.stream import Stream
from lfm_online.model import Model
from lfm_online.prepare import prepare_lookups
from lfm_online.prepare_learning import lay_out, learn, prepare_learning, read_records
from lfm_online.rules.registry import make_rule

RULES: Final = ("adaptive", "sgd")


def warm_up(rules: Sequence[str] = RULES, on_step: Callable[[str], None] | None = None) -> None:
    """Compile all kernels, or load them from the cache.

    Args:
        rules: Names of the learning rules that will be used.
        on_step: Called with what comes next, for people.
    """
    if on_step is not None:
        on_step("records")
    read_records()
    message_columns.prepare()
    for name in rules:
        model = Model(make_rule(name, 0.0, 1.0, 0), factors=2, history=1, ranking=True)
        steps: dict[str, Callable[[], object]] = {
            f"rule {name}: learn": partial(learn, model),
            f"rule {name}: lookups": partial(prepare_lookups, model),
            f"rule {name}: rows as bytes": partial(lay_out, model),
            f"rule {name}: rows without a ranking head": partial(prepare_learning, model.rule, ranking=False),
            f"rule {name}: evaluation": partial(_evaluate, model),
        }
        if model.rule.epochs is not None:
            steps[f"rule {name}: epochs"] = partial(_epoch, model)
        for step, run in steps.items():
            if on_step is not None:
                on_step(step)
            run()


def _epoch(model: Model) -> None:
    """One epoch of one rating, and its loss."""
    batch, _ = learn(model)
    rating, kernels = Batch._make(column[2:] for column in batch), model.rule.epochs
    assert kernels is not None
    where = model.users.rows, model.items.rows, model.globals, model.rule.hyper
    kernels.learn(rating, np.zeros(1, np.int64), *where)
    kernels.losses(rating, *where)


def _evaluate(model: Model) -> None:
    """Rank one event: a rating of an item that others had rated before."""
    n = EARLIER_RATINGS + 2
    numbers, ones = np.arange(n, dtype=np.int32), np.ones(n)
    user = np.minimum(numbers, 1)
    item = np.concatenate([numbers[:-1], numbers[:1]])
    ids = list(map(str, numbers.tolist()))
    stream = Stream(user, item, ones, numbers.astype(np.int64), ids[:2], ids[:-1], 0.0, 1.0, 0)
    by_next = ByNext(Next(stream, model.rule, model.n_factors))
    rank(stream, [by_next, ByRating(stream, model.rule, model.n_factors), ByPopularity(stream)], 1, 1.0)


def kernels() -> Iterator[Any]:
    """The compiled functions of all modules imported so far, each once."""
    found = {
        id(value): value
        for name, module in sys.modules.items()
        if name.partition(".")[0] == __package__
        for value in vars(module).values()
        if isinstance(value, Dispatcher)
    }
    yield from found.values()


def cache_directories() -> set[Path]:
    """Where Numba keeps what it has compiled of :func:`kernels`."""
    return {Path(kernel.stats.cache_path) for kernel in kernels() if kernel.stats.cache_path is not None}


def drop_stale_cache(directories: Iterable[Path]) -> None:
    """Delete what was compiled before the newest change to a source file.

    Numba's cache follows the file that a kernel stands in, not those whose steps are compiled into it.
    """
    newest = max(source.stat().st_mtime for source in Path(__file__).parent.rglob("*.py"))
    for directory in directories:
        for compiled in directory.glob("*.nb[ic]"):
            if compiled.stat().st_mtime < newest:
                compiled.unlink(missing_ok=True)


def _main() -> None:
    began = time.perf_counter()

    def report(step: str) -> None:
        sys.stderr.write(f"{time.perf_counter() - began:5.1f} s  {step}\n")

    drop_stale_cache(cache_directories())
    warm_up(on_step=report)
    report("all kernels are compiled")


if __name__ == "__main__":
    _main()
