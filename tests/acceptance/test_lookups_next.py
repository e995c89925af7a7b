"""What is taken next by a visitor without an id, by all, and together, as the lookup server answers it."""

from __future__ import annotations

import json
import subprocess
import sys
import uuid
from typing import Any

import httpx
import numpy as np
import pytest
from numpy.testing import assert_allclose

from lfm_online.store.redis import RedisStore
from tests.acceptance import brute_force
from tests.acceptance.lookups import WAIT_SECONDS, Lookups, address_of, serve_arguments, wait_for
from tests.commands import StartCommand
from tests.made_model import learn_in_commits, random_ratings
from tests.terminal import terminal

BASKETS = [
    ["☃ & co?"],
    ["i1", "😀", "i2"],
    ["i3", "no such 🫥", "0"],
    [f"i{j}" for j in range(20)],
    ["no such 🫥", "nor this"],
]


@pytest.fixture
def raw(lookups: Lookups) -> brute_force.Server:
    return brute_force.Server(lookups.store, lookups.model)


def ask(lookups: Lookups, taken: list[Any], **fields: Any) -> Any:
    response = lookups.client.post("/v1/recommend", json={"items": taken, **fields})
    assert response.status_code == 200, response.text
    return response.json()


def check(found: list[dict[str, Any]], field: str, expected: list[tuple[str, float]]) -> None:
    assert [each["item"] for each in found] == [item for item, _ in expected]
    assert_allclose([each[field] for each in found], [value for _, value in expected], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("taken", BASKETS)
@pytest.mark.parametrize("c", [0, 0.5, 4])
@pytest.mark.parametrize("seen", [True, False])
def test_what_goes_with_a_basket_is_that_of_the_raw_rows(
    lookups: Lookups, raw: brute_force.Server, taken: list[str], c: float, seen: bool
) -> None:
    found = ask(lookups, taken, n=25, c=c, seen=seen)
    check(found["items"], "score", raw.basket(taken, 25, c, seen=seen))
    known = [item for item in taken if item in raw.items()]
    assert (found["basket"], found["unknown"]) == (known, [item for item in taken if item not in known])
    assert (found["model"], found["watermark_ms"]) == (lookups.model, raw.globals.newest_ms)
    for each in found["items"]:
        assert_allclose(sum(each["parts"].values()), each["score"], rtol=1e-6)
        assert_allclose(sum(p["pull"] for p in each["because"]), each["parts"]["personal"], atol=1e-5)
        assert {pull["item"] for pull in each["because"]} == set(known[-5:])


def test_a_basket_of_unknown_items_gets_what_is_best_for_all_and_is_told_so(lookups: Lookups) -> None:
    found = ask(lookups, ["no such 🫥", "nor this"], n=9)
    assert (found["basis"], ask(lookups, ["nor this", "😀"])["basis"]) == ("popularity", "basket")
    assert found["items"] == lookups.answer("/v1/recommend", user="nobody", n=9)["items"]
    assert [each["parts"]["personal"] for each in found["items"]] == [0] * 9
    plain = ask(lookups, ["no such 🫥"], n=9, c=0)["items"]
    popular = lookups.answer("/v1/popular", n=9)["items"]
    assert [each["item"] for each in plain] == [each["item"] for each in popular]


def test_of_an_item_that_repeats_the_last_place_counts_and_numbers_are_ids(lookups: Lookups) -> None:
    assert ask(lookups, ["i1", "i2", "nor", "i1", "nor"]) == ask(lookups, ["i2", "i1", "nor"])
    assert ask(lookups, [0]) == ask(lookups, ["0"])
    assert ask(lookups, [0])["basket"] == ["0"]
    assert ask(lookups, ["i1"]) == ask(lookups, ["i1"], n=10, c=0.5, seen=False)


def test_what_is_popular_is_that_of_the_raw_rows(lookups: Lookups, raw: brute_force.Server) -> None:
    for n in (1, 7, 1000):
        found = lookups.answer("/v1/popular", n=n)
        expected = raw.popular(n)
        assert [each["item"] for each in found["items"]] == [item for item, _ in expected]
        assert_allclose([each["share"] for each in found["items"]], [q for _, q in expected], rtol=1e-6)
    assert_allclose(sum(each["share"] for each in found["items"]), 1.05, rtol=1e-3)
    assert len(lookups.answer("/v1/popular")["items"]) == 10
    for each in found["items"][:5]:
        assert each["item_ratings"] == raw.predict("nobody", each["item"])["item_ratings"]


def test_neighbours_are_those_that_are_rated_alike_or_taken_together(
    lookups: Lookups, raw: brute_force.Server
) -> None:
    plain = lookups.answer("/v1/similar", item="😀", n=20)
    assert plain == lookups.answer("/v1/similar", item="😀", n=20, by="taken-together")
    alike = lookups.answer("/v1/similar", item="😀", n=20, by="taste")
    assert (plain["by"], alike["by"]) == ("taken-together", "taste")
    names = raw.items()
    rows = [brute_force.read_item(raw.get(f"i:{name}"), name, raw.limits) for name in names]
    ratings = np.array([row.ratings for row in rows], float)
    for found, factors in ((plain, raw.y()), (alike, np.array([row.q for row in rows], float))):
        unit = factors / np.linalg.norm(factors, axis=1, keepdims=True)
        near = unit @ unit[names.index("😀")] * ratings / (ratings + 10)
        nearest = [j for j in np.argsort(-near) if names[j] != "😀"][:20]
        check(found["items"], "similarity", [(names[j], near[j]) for j in nearest])
    assert alike["items"] != plain["items"]


def test_another_program_finds_the_same_in_the_store(lookups: Lookups) -> None:
    def run_script(*arguments: str) -> Any:
        argv = [sys.executable, "-I", brute_force.__file__, lookups.store, lookups.model, *arguments]
        return json.loads(subprocess.run(argv, check=True, capture_output=True, text=True).stdout)

    items = [each["item"] for each in ask(lookups, ["i1", "😀"], n=9, c=2)["items"]]
    assert [item for item, _ in run_script("basket", "9", "2", "i1", "😀")] == items
    items = [each["item"] for each in lookups.answer("/v1/popular", n=9)["items"]]
    assert [item for item, _ in run_script("popular", "9")] == items


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ("", "body"),
        ("[1]", "body"),
        ("{}", "items"),
        ('{"items": []}', "items"),
        ('{"items": "i1"}', "items"),
        ('{"items": ["i1", ""]}', "items[1]"),
        ('{"items": ["i1", null]}', "items[1]"),
        ('{"items": ["\\u0000"]}', "items[0]"),
        (json.dumps({"items": ["i1"] * 1001}), "items"),
        ('{"items": ["i1"], "n": 0}', "n"),
        ('{"items": ["i1"], "n": 1001}', "n"),
        ('{"items": ["i1"], "c": -1}', "c"),
        ('{"items": ["i1"], "c": 101}', "c"),
        ('{"items": ["i1"], "c": NaN}', "body"),
        ('{"items": ["i1"], "seen": "yes"}', "seen"),
        ('{"items": ["i1"], "user": "u1"}', "user"),
    ],
)
def test_a_bad_basket_is_refused_by_place(lookups: Lookups, body: str, field: str) -> None:
    headers = {"content-type": "application/json"}
    response = lookups.client.post("/v1/recommend", content=body.encode(), headers=headers)
    assert response.status_code == 400, response.text
    assert response.headers["content-type"] == "application/problem+json"
    assert [fault["field"] for fault in response.json()["errors"]] == [field]


def test_a_model_without_a_ranking_head_says_so_and_answers_the_rest(
    store: str, process: StartCommand
) -> None:
    model = f"m-{uuid.uuid4().hex}"
    learn_in_commits(RedisStore(store, model), random_ratings(200), ranking=False)
    server = process(*serve_arguments(store, model))
    with httpx.Client(base_url=address_of(server), timeout=WAIT_SECONDS) as client:
        wait_for(client, "/readyz", 200)
        for response in (
            client.get("/v1/popular"),
            client.post("/v1/recommend", json={"items": ["i1"]}),
            client.get("/v1/recommend?user=u1&by=next"),
            client.get("/v1/similar?item=i1&by=taken-together"),
        ):
            assert response.status_code == 409, response.text
            assert response.headers["content-type"] == "application/problem+json"
            assert "LFM_RANKING" in response.json()["detail"]
        assert client.get("/v1/recommend?user=u1").json()["by"] == "rating"
        assert client.get("/v1/similar?item=i1").json()["by"] == "taste"
    where = ["--store", store, "--model", model]
    for arguments in (
        ["popular"],
        ["recommend", "--basket", "i1"],
        ["recommend", "u1", "--by", "next"],
        ["similar", "i1", "--by", "taken-together"],
    ):
        refused = terminal(*arguments, *where)
        assert refused.code == 1
        assert "LFM_RANKING" in refused.log


def test_a_terminal_gets_the_servers_answers(lookups: Lookups, process: StartCommand) -> None:
    where = ["--store", lookups.store, "--model", lookups.model]
    basket = ["recommend", "--basket", "i1", "no such 🫥", "😀", "-n", "3"]
    nothing = ["recommend", "--basket", "no such 🫥", "--c", "2", "--seen"]
    for arguments, expected, told in (
        (["popular", "-n", "4"], lookups.answer("/v1/popular", n=4), "% of events"),
        (basket, ask(lookups, ["i1", "no such 🫥", "😀"], n=3), "does not know no such 🫥"),
        (nothing, ask(lookups, ["no such 🫥"], c=2, seen=True), "best for all"),
        (
            ["similar", "😀", "--by", "taste"],
            lookups.answer("/v1/similar", item="😀", by="taste"),
            "similarity",
        ),
    ):
        as_json, as_text = terminal(*arguments, *where, "--json"), terminal(*arguments, *where)
        assert as_json.code == as_text.code == 0, as_text.log
        assert json.loads(as_json.output) == expected
        assert told in as_text.output
    popular = process("popular", *where, "--json")
    assert popular.wait() == 0, popular.log
    assert json.loads(popular.output) == lookups.answer("/v1/popular")


def test_a_terminal_is_told_what_a_basket_may_be(lookups: Lookups) -> None:
    where = ["--store", lookups.store, "--model", lookups.model]
    for arguments, told in (
        (["recommend", *where], "Missing argument"),
        (["recommend", "u1", "u2", *where], "--basket"),
        (["recommend", "--basket", "i1", "", *where], "item is 0 bytes long"),
        (["recommend", "--basket", "i1", "--by", "rating", *where], "--by"),
        (["recommend", "--basket", "i1", "--at", "5", *where], "--at"),
    ):
        refused = terminal(*arguments)
        assert refused.code == 2
        assert told in refused.log
