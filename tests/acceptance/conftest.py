"""A lookup server over a learned model, shared by the tests that only ask it."""

from __future__ import annotations

import uuid
from collections.abc import Iterator

import httpx
import pytest

from lfm_online.store.redis import RedisStore
from tests.acceptance.lookups import WAIT_SECONDS, Lookups, address_of, serve_arguments, wait_for
from tests.commands import Command
from tests.made_model import learn_in_commits, random_ratings
from worker.demo.run import Run


@pytest.fixture(scope="session")
def lookups(run: Run, store: str) -> Iterator[Lookups]:
    model = f"m-{uuid.uuid4().hex}"
    learner = learn_in_commits(RedisStore(store, model), random_ratings(1500))
    command = Command(run, "lookups", tuple(serve_arguments(store, model)), None)
    with httpx.Client(base_url=address_of(command), timeout=WAIT_SECONDS) as client:
        wait_for(client, "/readyz", 200)
        yield Lookups(client, store, model, learner)
    command.kill()
    command.wait()
