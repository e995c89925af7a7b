"""A TCP proxy on loopback that cuts, delays or redirects connections where a test says."""

import contextlib
import socket
import threading
import time
from collections.abc import Callable
from typing import Self


class Proxy:
    """Context manager; forwards connections to `port` of 127.0.0.1, until told otherwise."""

    def __init__(self, port: int) -> None:
        self._upstream = port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._sockets: list[socket.socket] = []
        self._threads: list[threading.Thread] = []
        # Bytes that are still forwarded from clients and from the server; None is any number.
        self._requests: int | None = None
        self._replies: int | None = None
        self.delay_seconds = 0.0
        """What each piece of a request waits."""
        self.closed = False
        """Whether new connections are cut at once."""

    def __enter__(self) -> Self:
        self._start(self._accept)
        return self

    def __exit__(self, *_: object) -> None:
        # Another thread's accept() goes on after close(); shutdown() ends it.
        for end in (self._listener, *self._sockets):
            _cut(end)
        for thread in self._threads:
            thread.join()

    def cut_requests(self, after: int) -> None:
        """Cut the connection once so many more bytes have gone to the server."""
        self._requests = after

    def lose_replies(self, after: int) -> None:
        """Forward so many more bytes of what the server says; lose the rest, until the connection is cut."""
        self._replies = after

    def cut(self) -> None:
        """Cut the connections that there are; new ones are forwarded."""
        for end in self._sockets:
            _cut(end)
        self._requests = self._replies = None

    def switch(self, port: int) -> None:
        """Cut the connections that there are; new ones go to another server."""
        self._upstream = port
        self.cut()

    def _start(self, target: Callable[..., None], *arguments: object) -> None:
        thread = threading.Thread(target=target, args=arguments, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                try:
                    if self.closed:
                        raise ConnectionRefusedError
                    server = socket.create_connection(("127.0.0.1", self._upstream))
                except OSError:  # the server is away: so is the proxy
                    _cut(client)
                    continue
                self._sockets += [client, server]
                self._start(self._forward_requests, client, server)
                self._start(self._forward_replies, server, client)

    def _forward_requests(self, client: socket.socket, server: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := client.recv(65536):
                time.sleep(self.delay_seconds)
                kept = data[: self._requests]
                server.sendall(kept)
                if len(kept) < len(data):
                    self._requests = None
                    break
                if self._requests is not None:
                    self._requests -= len(kept)
        _cut(client)
        _cut(server)

    def _forward_replies(self, server: socket.socket, client: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := server.recv(65536):
                kept = data[: self._replies]
                client.sendall(kept)
                if self._replies is not None:
                    self._replies -= len(kept)
        _cut(server)
        _cut(client)


def _cut(end: socket.socket) -> None:
    with contextlib.suppress(OSError):
        end.shutdown(socket.SHUT_RDWR)
    end.close()
