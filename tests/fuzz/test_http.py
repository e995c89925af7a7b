"""Any query and any body gets an answer or a problem that says what is wrong; the server never fails."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry

from lfm_online.replica import Replica
from lfm_online.store.memory import MemoryStore
from tests.made_model import learn_in_commits, random_ratings
from worker.api.app import create_app

PATHS = ("predict", "recommend", "similar", "explain", "user", "item", "history", "model")
NAMES = st.sampled_from(["user", "item", "n", "at", "seen", "vector", "x"]).map(str.encode)
VALUES = st.one_of(
    st.sampled_from(
        [b"u1", b"i1", b"5", b"-1", b"true", b"", b"%FF", b"%", b"%00", b"a%2Fb", b"1e9", b"nan"]
    ),
    st.integers().map(lambda n: str(n).encode()),
    st.binary(max_size=12),
)
QUERIES = st.one_of(
    st.lists(st.builds(lambda n, v: n + b"=" + v, NAMES, VALUES), max_size=4).map(b"&".join),
    st.binary(max_size=30),
)
BODIES = st.one_of(
    st.binary(max_size=40),
    st.fixed_dictionaries(
        {},
        optional={
            "user": st.sampled_from(["u1", "", "x" * 300]) | st.integers() | st.none() | st.text(max_size=4),
            "items": st.lists(st.sampled_from(["i1"]) | st.integers() | st.text(max_size=4), max_size=4)
            | st.none(),
            "at": st.integers() | st.floats() | st.text(max_size=4),
        },
    ).map(lambda fields: json.dumps(fields).encode()),
)


@pytest.fixture(scope="module")
def app() -> Any:
    store = MemoryStore()
    learn_in_commits(store, random_ratings(300))
    replica = Replica(lambda: MemoryStore(store.server), "m", users=10, clock=lambda: 0.0)
    replica.follow(0.0)
    return create_app(replica, live=list, ready=list, registry=CollectorRegistry())


def ask(app: Any, method: str, path: str, query: bytes = b"", body: bytes = b"") -> tuple[int, bytes]:
    """One request, its bytes as they are: a client would put them right."""
    sent: list[dict[str, Any]] = []
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "root_path": "",
        "query_string": query,
        "headers": [(b"content-type", b"application/json"), (b"host", b"localhost")],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 80),
    }

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    asyncio.run(app(scope, receive, send))
    return sent[0]["status"], b"".join(message.get("body", b"") for message in sent)


def check_answer(status: int, body: bytes) -> None:
    answer = json.loads(body)
    assert status in {200, 400, 404}, body
    if status != 200:
        assert answer["status"] == status
        assert answer["detail"]


@given(st.sampled_from(PATHS), QUERIES)
@settings(max_examples=300, deadline=None)
def test_any_query_is_answered_or_refused(app: Any, path: str, query: bytes) -> None:
    check_answer(*ask(app, "GET", f"/v1/{path}", query))


@given(BODIES)
@settings(max_examples=200, deadline=None)
def test_any_body_is_answered_or_refused(app: Any, body: bytes) -> None:
    check_answer(*ask(app, "POST", "/v1/predict", body=body))
