"""The lookup server as an HTTP server: what it refuses, its description, its metrics."""

from __future__ import annotations

import json
import socket

import httpx
import pytest

from tests.acceptance.lookups import Lookups

TOO_LONG = "é" * 129  # 258 bytes
BAD: list[tuple[str, str]] = [
    ("/v1/predict?item=i", "user"),
    ("/v1/predict?user=u", "item"),
    ("/v1/predict?user=&item=i", "user"),
    (f"/v1/predict?user={TOO_LONG}&item=i", "user"),
    ("/v1/predict?user=u&item=a%0Ab", "item"),
    ("/v1/predict?user=u&item=%C2%85", "item"),
    ("/v1/predict?user=%FF%FE&item=i", "user"),
    ("/v1/predict?user=u&user=v&item=i", "user"),
    ("/v1/predict?user=u&item=i&at=yesterday", "at"),
    ("/v1/predict?user=u&item=i&at=-1", "at"),
    ("/v1/predict?user=u&item=i&at=99999999999999999999999", "at"),
    ("/v1/recommend", "user"),
    ("/v1/recommend?user=u&n=0", "n"),
    ("/v1/recommend?user=u&n=1001", "n"),
    ("/v1/recommend?user=u&n=-5", "n"),
    ("/v1/recommend?user=u&n=1.5", "n"),
    ("/v1/recommend?user=u&n=", "n"),
    ("/v1/recommend?user=u&seen=perhaps", "seen"),
    ("/v1/recommend?user=u&by=fame", "by"),
    ("/v1/recommend?user=u&By=rating", "By"),
    ("/v1/recommend?user=u&%FF=1", "\ufffd"),
    ("/v1/popular?=3", "''"),
    ("/v1/recommend?user=u&c=-1", "c"),
    ("/v1/recommend?user=u&c=nan", "c"),
    ("/v1/popular?n=0", "n"),
    ("/v1/similar?item=😀&by=next", "by"),
    ("/v1/similar?n=3", "item"),
    ("/v1/similar?item=😀&n=0", "n"),
    ("/v1/explain?user=u", "item"),
    ("/v1/explain?user=u&item=i&n=4000", "n"),
    ("/v1/user", "user"),
    ("/v1/user?user=u1&vector=7", "vector"),
    ("/v1/item?item=%00", "item"),
    (f"/v1/history?user={'x' * 257}", "user"),
]
BAD_BODIES: list[tuple[str, str]] = [
    ("", "body"),
    ("{", "body"),
    ("[1, 2]", "body"),
    ("null", "body"),
    ("\ufeff{}", "body"),
    ("{}", "user"),
    ('{"user": "u"}', "items"),
    ('{"items": ["i"]}', "user"),
    ('{"user": "u", "items": []}', "items"),
    ('{"user": "u", "items": "i"}', "items"),
    ('{"user": "u", "items": ["i", ""]}', "items[1]"),
    ('{"user": "u", "items": ["i", null]}', "items[1]"),
    ('{"user": true, "items": ["i"]}', "user"),
    ('{"user": 1.5, "items": ["i"]}', "user"),
    ('{"user": "u\\u0000", "items": ["i"]}', "user"),
    ('{"user": "\\ud800", "items": ["i"]}', "body"),
    ('{"user": "u", "items": ["i"], "at": "now"}', "at"),
    ('{"user": "u", "items": ["i"], "at": NaN}', "body"),
    ('{"user": "u", "items": ["i"], "at": 1e999}', "at"),
    ('{"user": "u", "items": ["i"], "at": "5"}', "at"),
    ('{"user": "u", "items": ["i"], "n": 3}', "n"),
    ('{"pairs": [{"user": "u"}]}', "pairs[0].item"),
    ('{"pairs": [{"user": "u", "item": "i"}, 7]}', "pairs[1]"),
    ('{"pairs": [{"user": "u", "item": "i"}], "user": "u"}', "pairs"),
    (json.dumps({"pairs": [{"user": TOO_LONG, "item": "i"}]}), "pairs[0].user"),
    (json.dumps({"user": "u", "items": ["i"] * 10_001}), "items"),
    ("[" * 5000, "body"),
]


def _check_bad(response: httpx.Response, field: str) -> None:
    assert response.status_code == 400, response.text
    assert response.headers["content-type"] == "application/problem+json"
    problem = response.json()
    assert problem["status"] == 400
    assert [fault["field"] for fault in problem["errors"]] == [field]
    assert field in problem["detail"]


@pytest.mark.parametrize(("path", "field"), BAD)
def test_bad_parameters_are_refused_by_name(lookups: Lookups, path: str, field: str) -> None:
    _check_bad(lookups.client.get(path), field)


@pytest.mark.parametrize(("body", "field"), BAD_BODIES)
def test_bad_bodies_are_refused_by_place(lookups: Lookups, body: str, field: str) -> None:
    response = lookups.client.post(
        "/v1/predict", content=body.encode(), headers={"content-type": "application/json"}
    )
    _check_bad(response, field)


@pytest.mark.parametrize("lookup", ["predict", "recommend"])
def test_a_request_without_its_body_is_told_so(lookups: Lookups, lookup: str) -> None:
    response = lookups.client.post(f"/v1/{lookup}")
    _check_bad(response, "body")
    assert response.json()["detail"] == "body: missing"


def test_a_body_is_taken_to_the_letter(lookups: Lookups) -> None:
    for field, value in (("n", "2"), ("c", "0.5"), ("seen", 1)):
        _check_bad(lookups.client.post("/v1/recommend", json={"items": ["i1"], field: value}), field)


@pytest.mark.parametrize(
    ("method", "query", "takes"),
    [
        ("GET", "recommend?user=u1&limit=3", "user, n, seen, at, by, c"),
        ("GET", "recommend?user=u1&limit=3&limit=4", "user, n, seen, at, by, c"),
        ("GET", "history?user=u1&limit", "user"),
        ("GET", "model?limit=3", "none"),
        ("POST", "recommend?limit=3", "a body"),
    ],
)
def test_a_parameter_that_a_lookup_does_not_take_is_refused_with_those_that_it_takes(
    lookups: Lookups, method: str, query: str, takes: str
) -> None:
    response = lookups.client.request(method, f"/v1/{query}")
    _check_bad(response, "limit")
    assert response.json()["detail"] == f"limit: not a parameter of this lookup; it takes {takes}"


@pytest.mark.parametrize(
    ("query", "detail"),
    [
        ("recommend?user=u1&by=nonsense", "by: 'nonsense' is none of next, rating"),
        ("recommend?user=u1&by=", "by: '' is none of next, rating"),
        ("similar?item=i1&by=taken+together", "by: 'taken together' is none of taken-together, taste"),
    ],
)
def test_a_value_that_can_not_be_chosen_is_refused_with_those_that_can(
    lookups: Lookups, query: str, detail: str
) -> None:
    response = lookups.client.get(f"/v1/{query}")
    _check_bad(response, "by")
    assert response.json()["detail"] == detail


@pytest.mark.parametrize("path", ["/schema", "/metrics", "/livez", "/readyz"])
def test_what_is_no_lookup_is_answered_whatever_the_query(lookups: Lookups, path: str) -> None:
    assert lookups.get(path, limit=3).status_code == 200


def test_options_are_answered_whatever_the_query(lookups: Lookups) -> None:
    assert lookups.client.options("/v1/predict?user=%FF&limit=3").status_code == 204


@pytest.mark.parametrize("query", ["user=u1&item=i1&", "&user=u1&&item=i1"])
def test_an_ampersand_too_many_changes_nothing(lookups: Lookups, query: str) -> None:
    expected = lookups.answer("/v1/predict", user="u1", item="i1")
    assert lookups.client.get(f"/v1/predict?{query}").json() == expected


def test_what_is_not_there_is_a_problem_too(lookups: Lookups) -> None:
    for response, status in (
        (lookups.client.get("/v1/nothing"), 404),
        (lookups.client.delete("/v1/predict"), 405),
        (lookups.client.post("/v1/predict", content=b"x" * 11_000_000), 413),
    ):
        assert response.status_code == status
        assert response.headers["content-type"] == "application/problem+json"
        assert response.json()["status"] == status


@pytest.mark.parametrize(
    "path",
    ["/v1/predict?user=u1&item=i1", "/v1/history?user=no", "/v1/model?n=1", "/livez", "/readyz", "/schema"],
)
def test_head_is_answered_as_get_without_the_body(lookups: Lookups, path: str) -> None:
    got, head = lookups.client.get(path), lookups.client.head(path)
    assert (head.status_code, head.headers["content-length"]) == (
        got.status_code,
        got.headers["content-length"],
    )
    assert head.content == b""


def test_a_query_that_is_not_percent_encoded_is_refused(lookups: Lookups) -> None:
    host, port = lookups.client.base_url.host, lookups.client.base_url.port
    with socket.create_connection((host, port or 80)) as connection:
        request = "GET /v1/item?item=😀 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
        connection.sendall(request.encode())
        reply = b"".join(iter(lambda: connection.recv(65536), b""))
    assert reply.startswith(b"HTTP/1.1 400 ")


def test_the_api_is_described_with_its_examples_and_problems(lookups: Lookups) -> None:
    schema = lookups.client.get("/schema").json()
    assert schema == lookups.client.get("/schema/openapi.json").json()
    routes = {path: operations for path, operations in schema["paths"].items() if path.startswith("/v1")}
    names = ("predict", "recommend", "popular", "similar", "explain", "user", "item", "history", "model")
    assert set(routes) == {f"/v1/{name}" for name in names}
    assert set(routes["/v1/predict"]) == set(routes["/v1/recommend"]) == {"get", "post"}
    for path, method in (("recommend", "get"), ("recommend", "post"), ("popular", "get"), ("similar", "get")):
        assert "LFM_RANKING" in routes[f"/v1/{path}"][method]["responses"]["409"]["description"]
    for operations in routes.values():
        for operation in operations.values():
            assert operation["summary"]
            assert operation["description"]
            for status in ("400", "503"):
                assert "application/problem+json" in operation["responses"][status]["content"]
            for parameter in operation.get("parameters", []):
                assert parameter["description"]
    answer = schema["components"]["schemas"]["PredictAnswer"]
    assert set(answer["required"]) == set(lookups.answer("/v1/predict", user="a/b", item="i1"))
    assert all(field["description"] for field in answer["properties"].values())
    assert all(field["examples"] for field in answer["properties"].values())


def test_only_lookups_are_counted(lookups: Lookups) -> None:
    def series() -> set[str]:
        lines = lookups.client.get("/metrics").text.splitlines()
        return {line.rsplit(" ", 1)[0] for line in lines if line.startswith("lfm_lookup")}

    before = series()
    assert lookups.client.options("/v1/predict").status_code == 204
    assert lookups.client.delete("/v1/predict").status_code == 405
    assert series() == before
    assert not any('endpoint="None"' in line for line in before)


def test_lookups_are_counted_and_timed_by_route(lookups: Lookups) -> None:
    def count(line: str) -> float:
        text = lookups.client.get("/metrics").text
        return float(text.split(f"\n{line} ")[1].split("\n")[0])

    good = 'lfm_lookups_total{endpoint="similar",status="2xx"}'
    bad = 'lfm_lookups_total{endpoint="similar",status="4xx"}'
    timed = 'lfm_lookup_seconds_count{endpoint="similar"}'
    before = count(good), count(bad), count(timed)
    lookups.answer("/v1/similar", item="😀")
    lookups.get("/v1/similar")
    lookups.get("/v1/similar", item="nothing")
    assert (count(good), count(bad), count(timed)) == (before[0] + 1, before[1] + 2, before[2] + 3)
    lookups.client.head("/v1/similar", params={"item": "😀"})
    assert count(good) == before[0] + 2
    assert count("lfm_ready") == 1
    assert count("lfm_replica_age_seconds") >= 0
    assert "😀" not in lookups.client.get("/metrics").text
