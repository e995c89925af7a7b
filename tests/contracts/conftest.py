"""The servers that hold a model, for the suites of stores."""

from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest

from tests.contracts.stores import InMemory, InRedis, Made, ModelServer
from tests.servers.proxy import Proxy


@pytest.fixture(params=["memory", "made", "redis"])
def any_server(request: pytest.FixtureRequest) -> Iterator[ModelServer]:
    """One of each kind of store."""
    made: ModelServer
    if request.param == "redis":
        made = InRedis(request.getfixturevalue("store"))
    else:
        made = InMemory() if request.param == "memory" else Made()
    yield made
    made.close()


@pytest.fixture
def server(store: str) -> Iterator[InRedis]:
    """A model in Redis or Valkey."""
    made = InRedis(store)
    yield made
    made.close()


@pytest.fixture
def proxy(store: str) -> Iterator[Proxy]:
    """A way to the store that can be cut."""
    with Proxy(urlsplit(store).port or 0) as made:
        yield made
