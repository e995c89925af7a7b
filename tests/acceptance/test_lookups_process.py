"""The lookup server as a process, and the lookups from a terminal."""

from __future__ import annotations

import json
import threading
import time

import httpx
import pytest

from lfm_online.store.redis import RedisStore
from tests.acceptance.lookups import WAIT_SECONDS, Lookups, address_of, serve_arguments, wait_for
from tests.commands import StartCommand
from tests.made_model import Event, learn_in_commits, random_ratings
from tests.terminal import terminal
from worker.demo.embedded import EmbeddedStore


def test_without_the_store_it_says_so_and_it_recovers(
    fresh_store: EmbeddedStore, process: StartCommand
) -> None:
    learner = learn_in_commits(RedisStore(fresh_store.url, "m"), random_ratings(200))
    server = process(*serve_arguments(fresh_store.url, "m"))
    paths = (
        "/v1/predict?user=u1&item=i1",
        "/v1/recommend?user=u1",
        "/v1/popular",
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


def test_a_host_or_port_that_can_not_be_listened_on_is_named_with_its_setting(
    lookups: Lookups, process: StartCommand
) -> None:
    port = lookups.client.base_url.port
    server = process("serve", "--store", lookups.store, "--serve-port", str(port))
    assert server.wait() == 1
    assert f"127.0.0.1:{port}" in server.log
    assert "LFM_SERVE_PORT" in server.log
    server = process("serve", "--store", lookups.store, "--serve-host", "nohost.invalid")
    assert server.wait() == 1
    assert "nohost.invalid:" in server.log
    assert "LFM_SERVE_HOST" in server.log


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
    as_json, as_text = process(*command, *where, "--json"), terminal(*command, *where)
    assert (as_json.wait(), as_text.code) == (0, 0), as_json.log + as_text.log
    assert json.loads(as_json.output) == lookups.answer(path, **params)
    assert "i" in as_text.output


def test_a_terminal_is_told_what_is_missing(lookups: Lookups) -> None:
    where = ["--store", lookups.store, "--model", lookups.model]
    for arguments, told, code in (
        (["predict", "u", "i", "--store", lookups.store, "--model", "no-such"], "'no-such' (LFM_MODEL)", 1),
        (["predict", "u", "i", "--store", "redis://127.0.0.1:1/0"], "LFM_STORE", 1),
        (["similar", "nothing", *where], "'nothing'", 1),
        (["recommend", "u", "--c", "nan", *where], "nan is no finite number", 2),
        (["recommend", "", *where], "user is 0 bytes long", 2),
        (["recommend", "u", "-n", "1001", *where], "1<=x<=1000", 2),
    ):
        refused = terminal(*arguments)
        assert refused.code == code
        assert told in refused.log
