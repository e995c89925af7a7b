"""``make profile``: where a worker's time goes while it learns a backlog, by step and as a flame graph.

A run for the table, and one for the picture, which shows no waiting; in each py-spy looks 250 times a second
without holding the worker up. The loop's steps are wall time, so what it waits for is there too; what each
thread and the store take of the processors is counted by the system.
"""

from __future__ import annotations

import re
import shutil
import sys
import time
from collections import defaultdict
from pathlib import Path
from typing import Final, NamedTuple

import click

from tests.benchmarks.bench import Bench
from tests.benchmarks.end_to_end import VARIANTS
from tests.benchmarks.filled import filled
from tests.benchmarks.learned import environment, rate_until, start_worker
from tests.profile.by_step import by_step
from tests.profile.processor_time import processor_seconds, used
from worker.demo.run import Run
from worker.settings import Settings

HERTZ: Final = 250
TITLE: Final = re.compile(r'(<text id="title"[^>]*>)[^<]*')
"""Of the picture; py-spy shows its own command line there."""
LEAST_MICROSECONDS: Final = 0.005
"""Of an event; threads that take less are not shown."""


class _Learned(NamedTuple):
    events: int  # from the first commit on
    seconds: float
    threads: dict[str, float]  # seconds of the processors
    sampled: Path


@click.command()
@click.option("--events", default=2_000_000, show_default=True, help="Size of the backlog.")
@click.option("--source", default="librdkafka", show_default=True, help="As LFM_SOURCE.")
@click.option("--variant", type=click.Choice(list(VARIANTS)), default="ratings_alone", show_default=True)
@click.option("--svg", type=click.Path(dir_okay=False, path_type=Path), help="Where the flame graph goes.")
def main(events: int, source: str, variant: str, svg: Path | None) -> None:
    """Profile one worker.

    \b
    Example:
      python -m tests.profile --events 2000000 --svg flames.svg
    """
    spy = shutil.which("py-spy", path=str(Path(sys.executable).parent)) or shutil.which("py-spy")
    if spy is None:
        raise click.ClickException("py-spy is not installed: make setup-compare")
    bench = Bench(events, real=False)
    with Run() as run:
        store = bench.store(run)
        settings = filled(bench, run).model_copy(update={"store": store.url})
        changes = VARIANTS[variant] | {"LFM_SOURCE": source}
        found = _learn(run, settings, changes, events, [spy, "raw"], store.process.pid)
        _show(found)
        if svg is not None:
            drawn = _learn(run, settings, changes, events, [spy, "flamegraph"], store.process.pid)
            title = f"{drawn.events:,} events, {source}, {variant}: what the worker's threads run"
            svg.parent.mkdir(parents=True, exist_ok=True)
            svg.write_text(TITLE.sub(rf"\g<1>{title}", drawn.sampled.read_text()))


def _learn(
    run: Run, settings: Settings, changes: dict[str, str], events: int, spy: list[str], store: int
) -> _Learned:
    program, kind = spy
    own = settings.model_copy(update={"model": kind, "group": kind})
    worker = start_worker(run, environment(own) | changes)
    rate_until(1, run, own)
    output = run.directory / kind
    argv = [program, "record", "--pid", str(worker.pid), "--output", str(output), "--format", kind]
    argv += ["--rate", str(HERTZ), "--nonblocking", "--threads"]
    argv += ["--idle"] if kind == "raw" else []
    sampling = run.start("py-spy", argv)
    sampling.expected_to_end = True
    pids = {"worker": worker.pid, "store": store}
    before = {name: processor_seconds(pid) for name, pid in pids.items()}
    began = time.perf_counter()
    rate = rate_until(events, run, own)
    seconds = time.perf_counter() - began
    threads: dict[str, float] = defaultdict(float)
    for name, pid in pids.items():
        for (thread, title), taken in used(before[name], processor_seconds(pid)).items():
            threads[_title(name, title, is_first=thread == pid)] += taken
    worker.terminate()
    worker.wait()
    sampling.wait()
    return _Learned(int(rate * seconds), seconds, dict(threads), output)


def _title(process: str, title: str, *, is_first: bool) -> str:
    if process == "store":
        return "store"
    if title.startswith("rdk:"):
        return "worker, librdkafka's threads"
    return "worker, loop" if is_first else "worker, other threads"


def _show(found: _Learned) -> None:
    click.echo(f"{found.events / found.seconds:,.0f} events/s")
    click.echo("\nprocessor time, us an event")
    for title, seconds in sorted(found.threads.items(), key=lambda each: -each[1]):
        each = seconds / found.events * 1e6
        if each >= LEAST_MICROSECONDS:
            click.echo(f"  {each:5.2f}  {title}")
    steps = by_step(found.sampled.read_text().splitlines())
    looks = steps["loop"].total()
    for thread, counted in steps.items():
        click.echo(f"\nthread of the {thread}, us an event")
        for step, samples in counted.most_common():
            click.echo(f"  {samples / looks * found.seconds / found.events * 1e6:5.2f}  {step}")


main()
