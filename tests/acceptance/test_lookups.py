"""The lookup server as a process, over a model that was learned through a real store."""

from __future__ import annotations

import itertools
import json
import socket
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
import redis
from numpy.testing import assert_allclose

from lfm_online.store.redis import RedisStore
from tests.acceptance import brute_force
from tests.commands import Command, StartCommand
from tests.made_model import ODD_ITEMS, ODD_USERS, Event, Learner, learn_in_commits, random_ratings
from worker.demo.embedded import EmbeddedStore
from worker.demo.run import Run

WAIT_SECONDS = 60.0
_names = itertools.count(1)


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


@pytest.fixture(scope="module")
def lookups(run: Run, store: str) -> Iterator[Lookups]:
    model = f"m-{uuid.uuid4().hex}"
    learner = learn_in_commits(RedisStore(store, model), random_ratings(1500))
    command = Command(run, f"lookups-{next(_names)}", tuple(serve_arguments(store, model)), None)
    with httpx.Client(base_url=address_of(command), timeout=WAIT_SECONDS) as client:
        wait_for(client, "/readyz", 200)
        yield Lookups(client, store, model, learner)
    command.kill()
    command.wait()


@pytest.fixture
def raw(lookups: Lookups) -> brute_force.Server:
    return brute_force.Server(lookups.store, lookups.model)


PAIRS = [
    *zip(ODD_USERS, ODD_ITEMS, strict=True),
    ("nobody/new", "i1"),
    ("u1", "nothing 🫥"),
    ("no", "nothing"),
]


@pytest.mark.parametrize(("user", "item"), PAIRS)
def test_a_prediction_is_that_of_the_raw_rows(
    lookups: Lookups, raw: brute_force.Server, user: str, item: str
) -> None:
    found = lookups.answer("/v1/predict", user=user, item=item)
    expected = raw.predict(user, item)
    assert_allclose([*found["parts"].values()], expected["parts"], rtol=1e-5, atol=1e-7)
    for field in ("score", "rating", "deviation", "user_ratings", "item_ratings"):
        assert_allclose(found[field], expected[field], rtol=1e-5)
    assert_allclose(sum(found["parts"].values()), found["score"], rtol=1e-9)
    assert (found["user"], found["item"]) == (user, item)
    assert found["known_user"] == (user in ODD_USERS or user == "u1")
    assert found["known_item"] == (item in ODD_ITEMS or item == "i1")
    assert (found["model"], found["watermark_ms"]) == (lookups.model, raw.globals.newest_ms)


@pytest.mark.parametrize("user", [*ODD_USERS, "nobody"])
@pytest.mark.parametrize("seen", ["true", "false"])
def test_a_recommendation_is_that_of_the_raw_rows(
    lookups: Lookups, raw: brute_force.Server, user: str, seen: str
) -> None:
    found = lookups.answer("/v1/recommend", user=user, n=25, seen=seen)
    expected = raw.recommend(user, 25, seen=seen == "true")
    assert [each["item"] for each in found["items"]] == [item for item, _ in expected]
    assert_allclose([each["score"] for each in found["items"]], [score for _, score in expected], rtol=1e-5)
    assert found["known_user"] == (user != "nobody")


def test_another_program_finds_the_same_in_the_store(lookups: Lookups) -> None:
    def run_script(*arguments: str) -> Any:
        argv = [sys.executable, "-I", brute_force.__file__, lookups.store, lookups.model, *arguments]
        return json.loads(subprocess.run(argv, check=True, capture_output=True, text=True).stdout)

    found = lookups.answer("/v1/predict", user="a/b", item="😀")
    assert_allclose(run_script("predict", "a/b", "😀")["rating"], found["rating"], rtol=1e-5)
    items = [each["item"] for each in lookups.answer("/v1/recommend", user="a/b", n=9)["items"]]
    assert [item for item, _ in run_script("recommend", "a/b", "9")] == items


def test_many_predictions_are_those_of_single_calls(lookups: Lookups) -> None:
    at = 1_100_000_000_000
    singles = [lookups.answer("/v1/predict", user=user, item=item, at=at) for user, item in PAIRS]
    body = {"pairs": [{"user": user, "item": item} for user, item in PAIRS], "at": at}
    many = lookups.client.post("/v1/predict", json=body).json()
    assert [{**each, **_basis(many)} for each in many["predictions"]] == singles
    of_one = lookups.client.post("/v1/predict", json={"user": 7, "items": [1, "😀"], "at": at}).json()
    expected = [lookups.answer("/v1/predict", user="7", item=item, at=at) for item in ("1", "😀")]
    assert [{**each, **_basis(of_one)} for each in of_one["predictions"]] == expected


def _basis(answer: dict[str, Any]) -> dict[str, Any]:
    return {name: answer[name] for name in ("model", "watermark_ms", "at_ms")}


def test_what_is_known_is_told_and_what_is_not_is_not_found(
    lookups: Lookups, raw: brute_force.Server
) -> None:
    for item in ODD_ITEMS:
        near = lookups.answer("/v1/similar", item=item, n=5)
        assert len(near["items"]) == 5
        assert item not in [each["item"] for each in near["items"]]
        known = lookups.answer("/v1/item", item=item)
        assert known["factors"] is None
        assert known["ratings"] == raw.predict("nobody", item)["item_ratings"]
    for user in ODD_USERS:
        told = lookups.answer("/v1/history", user=user)
        known = lookups.answer("/v1/user", user=user, vector="true")
        assert len(told["ratings"]) == min(known["ratings"], told["size"])
        assert len(known["factors"]) == 8
        rated = {each["item"]: each["rating"] for each in told["ratings"]}
        why = lookups.answer("/v1/explain", user=user, item="☃ & co?", n=1000)
        assert {each["item"]: each["rating"] for each in why["nearest"]} == {
            item: rating for item, rating in rated.items() if item != "☃ & co?"
        }
        plain = lookups.answer("/v1/predict", user=user, item="☃ & co?")
        assert {**why, "nearest": None} == {**plain, "nearest": None}
    for path, field in (("similar", "item"), ("item", "item"), ("user", "user"), ("history", "user")):
        response = lookups.get(f"/v1/{path}", **{field: "no such 🫥"})
        assert (response.status_code, response.json()["errors"][0]["field"]) == (404, field)
        assert response.headers["content-type"] == "application/problem+json"
    assert lookups.answer("/v1/explain", user="nobody", item="i1")["nearest"] == []


def test_the_model_is_told_as_the_store_holds_it(lookups: Lookups, raw: brute_force.Server) -> None:
    found = lookups.answer("/v1/model")
    head = raw.client.get(raw.base + "head")
    assert isinstance(head, bytes)
    assert found["head"]["id"] == head[:16].hex()
    assert found["counts"]["ratings"] == raw.globals.n
    assert found["watermarks"] == {"ratings-0": raw.globals.n}
    assert_allclose(found["mean_rating"], raw.globals.mean)
    assert 0 < found["rmse"]["model"]["all"] < found["rmse"]["mean"]["all"]


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
    ("/v1/recommend?user=u&n=1e2", "n"),
    ("/v1/recommend?user=u&n=", "n"),
    ("/v1/recommend?user=u&seen=perhaps", "seen"),
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


def test_what_is_not_there_is_a_problem_too(lookups: Lookups) -> None:
    for response, status in (
        (lookups.client.get("/v1/nothing"), 404),
        (lookups.client.delete("/v1/predict"), 405),
        (lookups.client.post("/v1/predict", content=b"x" * 11_000_000), 413),
    ):
        assert response.status_code == status
        assert response.headers["content-type"] == "application/problem+json"
        assert response.json()["status"] == status


def test_ids_sent_as_plain_utf8_are_those_sent_percent_encoded(lookups: Lookups) -> None:
    host, port = lookups.client.base_url.host, lookups.client.base_url.port
    with socket.create_connection((host, port or 80)) as connection:
        request = "GET /v1/item?item=😀 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
        connection.sendall(request.encode())
        reply = b"".join(iter(lambda: connection.recv(65536), b""))
    assert json.loads(reply.split(b"\r\n\r\n", 1)[1]) == lookups.answer("/v1/item", item="😀")


def test_lookups_leave_nothing_behind_in_the_store_or_the_process(lookups: Lookups) -> None:
    def rows() -> list[str]:
        return [x for x in lookups.client.get("/metrics").text.splitlines() if x.startswith("lfm_rows")]

    client = redis.Redis.from_url(lookups.store)
    before = client.dbsize(), rows()
    for j in range(50):
        user, item = f"nobody {j}", f"nothing {j}"
        lookups.answer("/v1/predict", user=user, item=item)
        lookups.client.post("/v1/predict", json={"user": user, "items": [item, "😀"]})
        lookups.answer("/v1/recommend", user=user)
        lookups.answer("/v1/explain", user=user, item=item)
        for path in ("user", "item", "history", "similar"):
            assert lookups.get(f"/v1/{path}", user=user, item=item).status_code == 404
    assert (client.dbsize(), rows()) == before
    client.close()


def test_a_learned_event_shows(lookups: Lookups) -> None:
    newest = lookups.answer("/v1/predict", user="a/b", item="i9")["watermark_ms"]
    user, item = f"newcomer {uuid.uuid4()}", f"novelty {uuid.uuid4()}"
    lookups.learner.learn([Event(user, item, 5.0, newest + 1000)])
    while not (found := lookups.answer("/v1/predict", user=user, item=item))["known_item"]:
        time.sleep(0.01)
    assert found["known_user"]
    assert found["watermark_ms"] == newest + 1000
    assert [each["item"] for each in lookups.answer("/v1/history", user=user)["ratings"]] == [item]
    assert item not in [each["item"] for each in lookups.answer("/v1/recommend", user=user, n=1000)["items"]]


def test_the_api_is_described_with_its_examples_and_problems(lookups: Lookups) -> None:
    schema = lookups.client.get("/schema").json()
    assert schema == lookups.client.get("/schema/openapi.json").json()
    routes = {path: operations for path, operations in schema["paths"].items() if path.startswith("/v1")}
    names = ("predict", "recommend", "similar", "explain", "user", "item", "history", "model")
    assert set(routes) == {f"/v1/{name}" for name in names}
    assert set(routes["/v1/predict"]) == {"get", "post"}
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
    assert count("lfm_ready") == 1
    assert count("lfm_replica_age_seconds") >= 0
    assert "😀" not in lookups.client.get("/metrics").text


def test_without_the_store_it_says_so_and_it_recovers(
    fresh_store: EmbeddedStore, process: StartCommand
) -> None:
    learner = learn_in_commits(RedisStore(fresh_store.url, "m"), random_ratings(200))
    server = process(*serve_arguments(fresh_store.url, "m"))
    paths = (
        "/v1/predict?user=u1&item=i1",
        "/v1/recommend?user=u1",
        "/v1/similar?item=i1",
        "/v1/explain?user=u1&item=i1",
        "/v1/user?user=u1",
        "/v1/item?item=i1",
        "/v1/history?user=u1",
        "/v1/model",
    )
    with httpx.Client(base_url=address_of(server), timeout=WAIT_SECONDS) as client:
        wait_for(client, "/readyz", 200)
        before = [client.get(path) for path in paths]
        assert [response.status_code for response in before] == [200] * len(paths)
        fresh_store.kill()
        problems = wait_for(client, "/readyz", 503).json()["problems"]
        assert "LFM_STORE" in problems[0]
        for path in paths:
            response = client.get(path)
            assert response.status_code == 503
            assert int(response.headers["retry-after"]) >= 1
            assert response.headers["content-type"] == "application/problem+json"
        assert client.get("/livez").status_code == 200
        assert "\nlfm_ready 0.0\n" in client.get("/metrics").text
        fresh_store.start()
        wait_for(client, "/readyz", 200)
        learner.store.close()
        assert [client.get(path).json() for path in paths] == [response.json() for response in before]


def test_it_starts_before_its_store_and_its_model(fresh_store: EmbeddedStore, process: StartCommand) -> None:
    fresh_store.kill()
    server = process(*serve_arguments(fresh_store.url, "m"))
    with httpx.Client(base_url=address_of(server), timeout=WAIT_SECONDS) as client:
        assert client.get("/v1/predict?user=u&item=i").status_code == 503
        fresh_store.start()
        while "LFM_MODEL" not in client.get("/readyz").text:
            time.sleep(0.02)
        learn_in_commits(RedisStore(fresh_store.url, "m"), [Event("u", "i", 5.0, 1)])
        wait_for(client, "/readyz", 200)
        assert client.get("/v1/predict?user=u&item=i").json()["user_ratings"] == 1


def test_sigterm_lets_the_requests_in_flight_finish(lookups: Lookups, process: StartCommand) -> None:
    server = process(*serve_arguments(lookups.store, lookups.model))
    body = {"user": "a/b", "items": [f"i{j}" for j in range(10_000)]}
    with httpx.Client(base_url=address_of(server), timeout=WAIT_SECONDS) as client:
        wait_for(client, "/readyz", 200)
        answers: list[httpx.Response] = []
        asking = threading.Thread(target=lambda: answers.append(client.post("/v1/predict", json=body)))
        asking.start()
        time.sleep(0.02)
        server.terminate()
        assert wait_for(client, "/readyz", 503).json()["problems"] == ["the server is stopping"]
        asking.join()
        assert answers[0].status_code == 200
        assert len(answers[0].json()["predictions"]) == 10_000
        assert server.wait() == 0


def test_a_port_that_is_taken_is_named_with_its_setting(lookups: Lookups, process: StartCommand) -> None:
    port = lookups.client.base_url.port
    server = process("serve", "--store", lookups.store, "--serve-port", str(port))
    assert server.wait() == 1
    assert f"127.0.0.1:{port}" in server.log
    assert "LFM_SERVE_PORT" in server.log


@pytest.mark.parametrize(
    ("command", "path", "params"),
    [
        (["predict", "a/b", "😀"], "/v1/predict", {"user": "a/b", "item": "😀"}),
        (["recommend", "with space", "-n", "3"], "/v1/recommend", {"user": "with space", "n": "3"}),
        (["similar", "😀", "-n", "4"], "/v1/similar", {"item": "😀", "n": "4"}),
        (["explain", "a/b", "i1"], "/v1/explain", {"user": "a/b", "item": "i1"}),
    ],
)
def test_a_terminal_gets_the_servers_answers(
    lookups: Lookups, process: StartCommand, command: list[str], path: str, params: dict[str, object]
) -> None:
    where = ["--store", lookups.store, "--model", lookups.model]
    as_json, as_text = process(*command, *where, "--json"), process(*command, *where)
    assert as_json.wait() == as_text.wait() == 0
    assert json.loads(as_json.output) == lookups.answer(path, **params)
    assert "i" in as_text.output


def test_a_terminal_is_told_what_is_missing(lookups: Lookups, process: StartCommand) -> None:
    where = ["--store", lookups.store, "--model", lookups.model]
    for arguments, told, code in (
        (["predict", "u", "i", "--store", lookups.store, "--model", "no-such"], "'no-such' (LFM_MODEL)", 1),
        (["predict", "u", "i", "--store", "redis://127.0.0.1:1/0"], "LFM_STORE", 1),
        (["similar", "nothing", *where], "'nothing'", 1),
        (["recommend", "", *where], "user is 0 bytes long", 2),
        (["recommend", "u", "-n", "1001", *where], "1<=x<=1000", 2),
    ):
        command = process(*arguments)
        assert command.wait() == code
        assert told in command.log
        assert "Traceback" not in command.log
