"""What a server says of itself, for people who look after it."""

from __future__ import annotations

import contextlib
from typing import Any, Final, NamedTuple

import redis

from lfm_online.store.connection import connect
from lfm_online.store.protocol import StoreAwayError, StoreBrokenError

EVERYSEC_SECONDS: Final = 2.0
"""What ``appendfsync everysec`` may lose: a write that is late by one round."""
KERNEL_SECONDS: Final = 30.0
"""What ``appendfsync no`` may lose: Linux writes dirty pages back after that time by default."""


class Survey(NamedTuple):
    """Of one server."""

    facts: dict[str, Any]
    """``INFO``."""
    config: dict[str, str]
    """``CONFIG GET``; empty where that is forbidden."""

    @property
    def name(self) -> str:
        """Product and version."""
        product = "Valkey" if "valkey_version" in self.facts else "Redis"
        return f"{product} {self.facts.get('valkey_version') or self.facts.get('redis_version', '?')}"

    @property
    def persistence(self) -> tuple[str, float]:
        """How it keeps what it holds, in words, and how many seconds a crash may take back at most."""
        if str(self.facts.get("aof_enabled")) == "1":
            sync = self.config.get("appendfsync", "everysec")
            seconds = {"always": 0.0, "no": KERNEL_SECONDS}.get(sync, EVERYSEC_SECONDS)
            return f"append-only file, appendfsync {sync}", seconds
        points = self.config.get("save", "").split()
        if points:
            return f"snapshots, save {' '.join(points)}", float(max(map(int, points[::2])))
        return "nothing is kept", float("inf")


def survey(url: str, **access: Any) -> Survey:
    """Ask a server; ``access`` as in :func:`connect`.

    Raises:
        StoreBrokenError: it refuses the login, or the user may not ask.
        StoreAwayError: it does not answer.
    """
    client: Any = connect(url, **access)
    try:
        facts = client.info("everything")
        config: dict[str, str] = {}
        with contextlib.suppress(redis.ResponseError):
            config = client.config_get("appendfsync", "save", "maxmemory-policy")
        return Survey(facts, {_text(name): _text(value) for name, value in config.items()})
    except (redis.AuthenticationError, redis.exceptions.AuthorizationError) as error:
        raise StoreBrokenError(f"the store refuses the login: {error}") from error
    except redis.exceptions.NoPermissionError as error:
        raise StoreBrokenError(f"the user may not ask the store about itself: {error}") from error
    except (redis.RedisError, OSError) as error:
        raise StoreAwayError(str(error)) from error
    finally:
        client.close()


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)
