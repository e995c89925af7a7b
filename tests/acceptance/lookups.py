"""A lookup server as a process, for the tests that ask it."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import httpx

from tests.commands import Command
from tests.made_model import Learner

WAIT_SECONDS = 60.0


@dataclass
class Lookups:
    """A server of lookups, its model, and where that lies."""

    client: httpx.Client
    store: str
    model: str
    learner: Learner

    def get(self, path: str, **params: object) -> httpx.Response:
        return self.client.get(path, params={name: str(value) for name, value in params.items()})

    def answer(self, path: str, **params: object) -> Any:
        response = self.get(path, **params)
        assert response.status_code == 200, response.text
        return response.json()


def address_of(command: Command) -> str:
    """Where a server listens, once it says so."""
    deadline = time.monotonic() + WAIT_SECONDS
    while "http://" not in command.output:
        assert command.poll() is None, command.log
        assert time.monotonic() < deadline, command.log
        time.sleep(0.02)
    return f"http://{command.output.split('http://')[1].split()[0]}"


def wait_for(client: httpx.Client, path: str, status: int) -> httpx.Response:
    """The first answer with that status."""
    deadline = time.monotonic() + WAIT_SECONDS
    while True:
        response = client.get(path)
        if response.status_code == status:
            return response
        assert time.monotonic() < deadline, response.text
        time.sleep(0.02)


def serve_arguments(store: str, model: str) -> list[str]:
    return ["serve", "--store", store, "--model", model, "--serve-port", "0"]
