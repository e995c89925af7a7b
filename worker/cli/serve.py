"""``lfm-online serve``."""

from __future__ import annotations

import logging
import signal
import threading
import time
from functools import partial
from types import FrameType
from typing import Final

import click
from prometheus_client import CollectorRegistry

from lfm_online.follower import Follower
from lfm_online.prepare import prepare_lookups
from lfm_online.replica import Replica
from worker.access import open_store
from worker.api.app import create_app
from worker.cli.options import settings_options
from worker.http_health import PortTakenError, serve_in_thread
from worker.settings import Settings

NOTICE_SECONDS: Final = 0.5
"""How long ``/readyz`` says that the server is going, before it takes no more connections."""


@click.command()
@settings_options("store", "model", "serve_host", "serve_port", "replica_users", "log_level")
def serve(settings: Settings) -> None:
    """Answer lookups of one model over HTTP: predictions, recommendations, similar items, explanations.

    Starts whether or not the store and the model are there, and is ready (/readyz) once they are. The API is
    described at /schema. SIGTERM and Ctrl-C let the requests in flight finish.

    \b
    Example:
      lfm-online serve --model movies --serve-port 8080
      curl 'http://127.0.0.1:8080/v1/recommend?user=42&n=10'
    """
    logging.basicConfig(
        level=settings.log_level.upper(), format="%(asctime)s %(levelname)s %(name)s: %(message)s"
    )
    stopping = threading.Event()

    def stop(_number: int, _frame: FrameType | None) -> None:
        stopping.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    replica = Replica(
        partial(open_store, settings),
        settings.model,
        users=settings.replica_users,
        prepare=prepare_lookups,
    )
    follower = Follower(replica)

    def ready() -> list[str]:
        problem = replica.problem()
        return (["the server is stopping"] if stopping.is_set() else []) + ([problem] if problem else [])

    app = create_app(replica, live=follower.problems, ready=ready, registry=CollectorRegistry())
    try:
        served = serve_in_thread(
            app,
            settings.serve_host,
            settings.serve_port,
            setting="--serve-host, LFM_SERVE_HOST; --serve-port, LFM_SERVE_PORT",
        )
    except PortTakenError as error:
        raise click.ClickException(str(error)) from None
    follower.start()
    click.echo(f"lookups of model {settings.model} at {served.url}")
    while not stopping.wait(1):
        pass
    time.sleep(NOTICE_SECONDS)
    served.stop()
    follower.stop()
