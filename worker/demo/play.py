"""The demo: an embedded broker and store, a worker, a lookup server, and ratings replayed."""

from __future__ import annotations

import json
import sys
import threading
import time
from dataclasses import dataclass
from typing import Any, Final, Self

import click
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
)

from lfm_online.catalogue import Catalogue
from lfm_online.live_hits import TOP
from lfm_online.ratings_file import RatingsTable
from worker.demo.embedded import EmbeddedBroker, EmbeddedStore
from worker.demo.run import Run
from worker.demo.server import free_port
from worker.demo.show import show
from worker.demo.watch import Progress as Learned
from worker.demo.watch import get_json, is_ready, read_progress
from worker.producer import produce
from worker.settings import ENVIRONMENT_PREFIX, Settings
from worker.settings_catalogue import ACCESS_SETTINGS
from worker.topics import ensure_topic

PARTITIONS: Final = 4
SESSION_SECONDS: Final = 6.0
"""The embedded broker lets a group's first member wait half of this."""
START_SECONDS: Final = 120.0
LOOK_SECONDS: Final = 0.2
STOP_SECONDS: Final = 5.0
"""How long a replay that is left may wait for the broker, which may be what ended."""


@dataclass(frozen=True)
class Play:
    """What is replayed, and how."""

    settings: Settings
    table: RatingsTable
    catalogue: Catalogue
    rate: float | None
    leave: bool  # stop when all is learned
    as_json: bool
    parent: int | None


class _Replay(threading.Thread):
    """Produces beside the main loop, which keeps watch over the processes.

    Leaving it ends it, before the broker ends: a producer without one fills the terminal with its errors.
    """

    def __init__(self, play: Play, settings: Settings) -> None:
        super().__init__(daemon=True, name="replay")
        self._play, self._settings = play, settings
        self._stop_sending, self._ended = threading.Event(), threading.Event()
        self.error: Exception | None = None

    def __enter__(self) -> Self:
        try:
            self.start()
        except KeyboardInterrupt:  # it waits for the thread, which by then runs
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._stop_sending.set()
        self._ended.wait(STOP_SECONDS)

    def run(self) -> None:
        try:
            produce(self._play.table, self._settings, rate=self._play.rate, stop=self._stop_sending)
        except Exception as error:  # noqa: BLE001 - the main loop raises it
            self.error = error
        finally:
            self._ended.set()


def perform(play: Play) -> None:
    """Run the demo until all is learned (``leave``) or Ctrl-C.

    Raises:
        RunError: a process ended, or who started this one is gone.
        ServerStartError: broker or store did not start.
        ProduceError: the broker refused an event.
    """
    console = Console(stderr=True)
    began = time.monotonic()
    with Run(parent=play.parent) as run:
        console.print("starting an embedded broker and store, a worker, and a lookup server …")
        broker, store = EmbeddedBroker(run).start(), EmbeddedStore(run).start()
        settings = play.settings.model_copy(
            update={
                "kafka": broker.bootstrap,
                "store": store.url,
                "session_timeout_seconds": SESSION_SECONDS,
                "worker_port": free_port(),
                "serve_port": free_port(),
                # The embedded servers know neither logins nor TLS.
                **{name: Settings.model_fields[name].default for name in ACCESS_SETTINGS},
            }
        )
        ensure_topic(settings, PARTITIONS)
        environment = {
            f"{ENVIRONMENT_PREFIX}{name.upper()}": str(value)
            for name, value in settings
            if name != "new_model"
        }
        for command in ("worker", "serve"):
            run.start(command, [sys.executable, "-m", "worker.cli", command], env=environment)
        worker_url = f"http://{settings.worker_host}:{settings.worker_port}"
        lookups_url = f"http://{settings.serve_host}:{settings.serve_port}"
        _wait_ready(run, [worker_url, lookups_url])
        if play.as_json:
            _print_json(
                kafka=settings.kafka,
                store=settings.store,
                lookups=lookups_url,
                worker=worker_url,
                topic=settings.topic,
                model=settings.model,
            )
        learned, seconds = _replay(play, settings, run, console, worker_url)
        _wait_visible(run, lookups_url, learned.learned)
        console.print(_hits(learned))
        show(console, lookups_url, play.table, settings.rating_range, play.catalogue)
        summary = {
            "events": len(play.table),
            "learned": learned.learned,
            "dead_letters": learned.dead_letters,
            "users": learned.users,
            "items": learned.items,
            "rmse": learned.rmse.get("model"),
            "rmse_mean": learned.rmse.get("mean"),
            "rmse_bias": learned.rmse.get("bias"),
            "events_per_second": round(learned.handled / seconds, 1),
            "seconds": round(time.monotonic() - began, 2),
            "hit_rate": learned.hit_rate.get("next"),
            "hit_rate_popular": learned.hit_rate.get("popular"),
        }
        if play.as_json and play.leave:
            _print_json(**summary)
        if play.leave:
            return
        console.print(
            f"\n[bold]Open[/bold]\n  lookups   {lookups_url}/schema\n  metrics   {worker_url}/metrics\n"
            f"            {lookups_url}/metrics\n  kafka     {settings.kafka}, topic {settings.topic}\n"
            f"  store     {settings.store}, model {settings.model}\n\n"
            "Ctrl-C stops all of it and leaves nothing behind."
        )
        try:
            while True:
                run.check()
                time.sleep(0.5)
        finally:
            if play.as_json:
                _print_json(**summary)


def _print_json(**fields: Any) -> None:
    click.echo(json.dumps(fields))


def _wait_ready(run: Run, urls: list[str]) -> None:
    """Both processes are ready, the lookups once the worker has opened the model."""
    deadline = time.monotonic() + START_SECONDS
    for url in urls:
        while not is_ready(url):
            run.check()
            if time.monotonic() > deadline:
                raise TimeoutError(f"{url} was not ready within {START_SECONDS:g} s")
            time.sleep(0.05)


def _replay(
    play: Play, settings: Settings, run: Run, console: Console, worker_url: str
) -> tuple[Learned, float]:
    """Produce and watch until every event has been handled; how many seconds it took."""
    total = len(play.table)
    columns = (
        BarColumn(bar_width=12),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]:,.0f}/s lag {task.fields[lag]:,} {task.fields[rmse]}"),
    )
    began = time.monotonic()
    with _Replay(play, settings) as replay, Progress(*columns, console=console) as bar:
        task = bar.add_task("", total=total, rate=0.0, lag=0, rmse="")
        before, before_at = 0, began
        while True:
            run.check()
            if replay.error is not None:
                raise replay.error
            learned, now = read_progress(worker_url), time.monotonic()
            rate = (learned.handled - before) / max(now - before_at, 1e-9)
            before, before_at = learned.handled, now
            bar.update(task, completed=learned.handled, rate=rate, lag=learned.lag, rmse=_errors(learned))
            if learned.handled >= total:
                seconds = now - began
                bar.update(task, rate=total / seconds, lag=0)
                return learned, seconds
            time.sleep(LOOK_SECONDS)


def _errors(learned: Learned) -> str:
    if not learned.rmse:
        return "waiting for the group"
    model, bias, mean = (learned.rmse[name] for name in ("model", "bias", "mean"))
    return f"RMSE {model:.4f} (bias {bias:.4f}, mean {mean:.4f})"


def _hits(learned: Learned) -> str:
    """The live hit rate as a sentence; nothing where no event was ranked."""
    if not learned.ranked:
        return ""
    return (
        f"\n[bold]Hit rate at {TOP}[/bold]  {learned.hit_rate['next']:.1%}, by popularity "
        f"{learned.hit_rate['popular']:.1%}: {learned.ranked:,} sampled ratings,\n"
        "  each ranked before it was learned among all items its user had not rated"
    )


def _wait_visible(run: Run, lookups_url: str, learned: int) -> None:
    """The lookups have seen the last commit."""
    while get_json(f"{lookups_url}/v1/model")["counts"]["ratings"] < learned or not is_ready(lookups_url):
        run.check()
        time.sleep(0.05)
