"""Wherever GET works, HEAD does: the same status and headers, and no body."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator

import httpx
import pytest
from prometheus_client import CollectorRegistry

from worker.http_health import Served, health_app, serve_in_thread


@contextlib.contextmanager
def served(problems: list[str]) -> Iterator[Served]:
    app = health_app(lambda: problems, lambda: problems, CollectorRegistry())
    server = serve_in_thread(app, "127.0.0.1", 0, setting="PORT")
    try:
        yield server
    finally:
        server.stop()


@pytest.mark.parametrize("problems", [[], ["the store is away"]])
def test_a_process_that_is_asked_by_head_says_what_get_would(problems: list[str]) -> None:
    with served(problems) as server, httpx.Client(base_url=server.url) as client:
        for path in ("/livez", "/readyz", "/metrics", "/nothing"):
            got, head = client.get(path), client.head(path)
            assert head.status_code == got.status_code
            for name in ("content-type", "content-length"):
                assert head.headers[name] == got.headers[name]


def test_head_sends_no_body() -> None:
    with served([]) as server, socket.create_connection(("127.0.0.1", server.port)) as connection:
        connection.sendall(b"HEAD /readyz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        reply = b"".join(iter(lambda: connection.recv(65536), b""))
    assert reply.startswith(b"HTTP/1.1 200 ")
    assert reply.endswith(b"\r\n\r\n")


def test_another_method_is_refused_with_those_that_work() -> None:
    with served([]) as server:
        response = httpx.post(f"{server.url}/readyz")
    assert response.status_code == 405
    assert {"GET", "HEAD"} <= set(response.headers["allow"].split(", "))
