"""The OpenAPI description says what is answered and what is refused."""

from __future__ import annotations

from typing import Any

import pytest
from litestar.testing import TestClient
from prometheus_client import CollectorRegistry

from lfm_online.replica import Replica
from lfm_online.store.memory import MemoryServer, MemoryStore
from worker.api.app import create_app
from worker.decode_one import NEWEST_MS


def client(problems: list[str]) -> TestClient[Any]:
    replica = Replica(lambda: MemoryStore(MemoryServer()), "m", users=1)
    return TestClient(
        create_app(replica, live=lambda: problems, ready=lambda: problems, registry=CollectorRegistry())
    )


@pytest.fixture(scope="module")
def described() -> dict[str, Any]:
    schema: dict[str, Any] = client([]).get("/schema").json()
    return schema


@pytest.mark.parametrize("problems", [[], ["the store is away"]])
@pytest.mark.parametrize("path", ["/livez", "/readyz", "/metrics"])
def test_health_answers_as_it_is_described(described: dict[str, Any], path: str, problems: list[str]) -> None:
    answer = client(problems).get(path)
    (media_type,) = described["paths"][path]["get"]["responses"][str(answer.status_code)]["content"]
    assert answer.headers["content-type"].startswith(media_type)
    assert answer.status_code == (503 if problems and path != "/metrics" else 200)


def test_options_names_the_methods_that_are_described(described: dict[str, Any]) -> None:
    for path, methods in described["paths"].items():
        allowed = client([]).options(path).headers["allow"].split(", ")
        assert sorted(allowed) == sorted(["OPTIONS", *map(str.upper, methods)]), path


def test_metrics_are_text_as_prometheus_reads_it() -> None:
    answer = client([]).get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    assert "\nlfm_ready 1.0\n" in answer.text


@pytest.mark.parametrize("path", ["predict", "recommend", "explain"])
def test_the_limits_of_a_time_are_described(described: dict[str, Any], path: str) -> None:
    parameters = described["paths"][f"/v1/{path}"]["get"]["parameters"]
    (at,) = (each["schema"] for each in parameters if each["name"] == "at")
    assert (at["minimum"], at["maximum"]) == (0, NEWEST_MS)


def test_bodies_are_described_with_their_limits(described: dict[str, Any]) -> None:
    bodies = described["components"]["schemas"]
    assert {name for name, body in bodies.items() if body.get("additionalProperties") is False} == {
        "BasketRequest",
        "Pair",
        "PredictRequest",
    }
    at = bodies["PredictRequest"]["properties"]["at"]
    assert (at["minimum"], at["maximum"]) == (0, NEWEST_MS)


@pytest.mark.parametrize("path", ["predict", "recommend"])
def test_a_body_that_is_too_large_is_described_where_there_is_one(
    described: dict[str, Any], path: str
) -> None:
    operations = described["paths"][f"/v1/{path}"]
    assert "application/problem+json" in operations["post"]["responses"]["413"]["content"]
    assert "413" not in operations["get"]["responses"]
    answer = client([]).post(f"/v1/{path}", content=b" " * 10_000_001)
    assert answer.status_code == 413
    assert answer.headers["content-type"] == "application/problem+json"
