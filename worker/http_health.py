"""Health and metrics over HTTP, and a server in a thread; the learner and the lookups both have them."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable
from typing import Any, Final

import msgspec
import uvicorn
from litestar import Litestar, Response, get
from litestar.handlers import HTTPRouteHandler
from litestar.openapi.datastructures import ResponseSpec
from prometheus_client import CollectorRegistry, generate_latest

from worker.http_head import answering_head

Problems = Callable[[], list[str]]
"""Says what is wrong; empty while nothing is."""

START_SECONDS: Final = 30.0
BACKLOG: Final = 1024
"""Connections that wait to be accepted."""
DRAIN_SECONDS: Final = 10
"""How long requests in flight may still take once the server stops."""


class Health(msgspec.Struct):
    """Whether a process is well."""

    ok: bool
    problems: list[str]


UNWELL: Final = {503: ResponseSpec(Health, generate_examples=False, description="It is not: see problems.")}
"""What health may answer instead."""


class PortTakenError(RuntimeError):
    """A server can't listen where its settings say."""


def health_routes(live: Problems, ready: Problems, registry: CollectorRegistry) -> list[HTTPRouteHandler]:
    """The handlers of ``/livez``, ``/readyz`` and ``/metrics``; none waits for a thread that others may hold.

    Args:
        live: What only a restart of the process would mend.
        ready: Why the process can't do its work now.
        registry: Its metrics.
    """

    @get(
        "/livez",
        summary="Whether the process should go on",
        tags=["health"],
        responses=UNWELL,
        sync_to_thread=False,
    )
    def livez() -> Response[Health]:
        return _health(live())

    @get(
        "/readyz",
        summary="Whether the process can do its work",
        tags=["health"],
        responses=UNWELL,
        sync_to_thread=False,
    )
    def readyz() -> Response[Health]:
        return _health(ready())

    @get(
        "/metrics",
        summary="Metrics for Prometheus",
        tags=["health"],
        media_type="text/plain; version=0.0.4",
        sync_to_thread=False,
    )
    def metrics() -> bytes:
        return generate_latest(registry)

    return [livez, readyz, metrics]


def _health(problems: list[str]) -> Response[Health]:
    return Response(Health(not problems, problems), status_code=503 if problems else 200)


def health_app(live: Problems, ready: Problems, registry: CollectorRegistry) -> Litestar:
    """An app with the health routes alone; see :func:`health_routes`."""
    return Litestar(health_routes(live, ready, registry), openapi_config=None, logging_config=None)


class Served:
    """An app that is being served."""

    def __init__(self, app: Any, listener: socket.socket) -> None:
        """Serve ``app`` on a listening socket; returns once it answers.

        Raises:
            RuntimeError: it did not start.
        """
        host, self.port = listener.getsockname()[:2]
        self.url = f"http://{f'[{host}]' if ':' in host else host}:{self.port}"
        config = uvicorn.Config(
            answering_head(app),
            log_config=None,
            log_level="warning",
            access_log=False,
            lifespan="on",
            timeout_graceful_shutdown=DRAIN_SECONDS,
        )
        self._server = uvicorn.Server(config)
        # Not in the main thread, where uvicorn would take the signals for itself.
        self._thread = threading.Thread(
            target=self._server.run, args=([listener],), name=f"http-{self.port}", daemon=True
        )
        self._thread.start()
        deadline = time.monotonic() + START_SECONDS
        while not self._server.started:
            if not self._thread.is_alive() or time.monotonic() > deadline:
                raise RuntimeError(f"the HTTP server at {self.url} did not start; its log says why")
            time.sleep(0.01)

    def stop(self) -> None:
        """Take no more connections, answer what is in flight, and end."""
        self._server.should_exit = True
        self._thread.join(DRAIN_SECONDS + 5)


def serve_in_thread(app: Any, host: str, port: int, *, setting: str) -> Served:
    """Serve an ASGI app in a thread.

    Args:
        app: The app.
        host: Address or name to listen on.
        port: Port; 0 takes a free one, which is then ``Served.port``.
        setting: What names host and port, for the error's message.

    Raises:
        PortTakenError: the address can't be listened on.
    """
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0][0]
        # With its protocol named: else asyncio leaves Nagle's algorithm on, and answers take 40 ms more.
        listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind((host, port))
            listener.listen(BACKLOG)
        except BaseException:
            listener.close()
            raise
    except OSError as error:
        reason = error.strerror or str(error)
        raise PortTakenError(f"can't listen on {host}:{port}: {reason} ({setting})") from error
    return Served(app, listener)
