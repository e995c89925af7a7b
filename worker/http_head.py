"""HEAD: wherever GET works, it does too."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

App = Callable[[dict[str, Any], Any, Any], Awaitable[None]]
"""An ASGI app: takes scope, receive and send."""


def answering_head(app: App) -> App:
    """An app that answers HEAD as it answers GET, to be served by uvicorn, which leaves out the body.

    Around the app, not a method of its handlers: the framework would describe each of them twice.
    """

    async def answered(scope: dict[str, Any], receive: Any, send: Any) -> None:
        async def sending(message: dict[str, Any]) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [
                    (name, _allowed(name, value)) for name, value in message.get("headers", ())
                ]
            await send(message)

        # A copy: by its own, uvicorn knows that it was asked by HEAD.
        asked = {**scope, "method": "GET"} if scope.get("method") == "HEAD" else scope
        await app(asked, receive, sending)

    return answered


def _allowed(name: bytes, value: bytes) -> bytes:
    return value.replace(b"GET", b"GET, HEAD") if name == b"allow" else value
