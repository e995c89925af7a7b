"""What the lookup server answers, over a model that was learned through a real store."""

from __future__ import annotations

import json
import subprocess
import sys
import time
import uuid
from typing import Any

import pytest
import redis
from numpy.testing import assert_allclose

from tests.acceptance import brute_force
from tests.acceptance.lookups import Lookups
from tests.made_model import ODD_ITEMS, ODD_USERS, Event


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
    assert list(found["bands"]) == list(expected["bands"]) == ["50", "80", "90"]
    assert_allclose([*found["bands"].values()], [*expected["bands"].values()], rtol=1e-5)
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
    found = lookups.answer("/v1/recommend", user=user, n=25, seen=seen, by="rating")
    expected = raw.recommend(user, 25, seen=seen == "true")
    assert [each["item"] for each in found["items"]] == [item for item, _ in expected]
    assert_allclose([each["score"] for each in found["items"]], [score for _, score in expected], rtol=1e-5)
    assert found["known_user"] == (user != "nobody")


@pytest.mark.parametrize("user", [*ODD_USERS, "nobody"])
@pytest.mark.parametrize("c", [0, 0.5, 4])
def test_what_is_taken_next_is_that_of_the_raw_rows(
    lookups: Lookups, raw: brute_force.Server, user: str, c: float
) -> None:
    found = lookups.answer("/v1/recommend", user=user, n=25, c=c)
    assert found["by"] == "next"
    expected = raw.next_items(user, 25, c)
    assert [each["item"] for each in found["items"]] == [item for item, _ in expected]
    assert_allclose(
        [each["score"] for each in found["items"]], [s for _, s in expected], rtol=1e-4, atol=1e-5
    )
    for each in found["items"]:
        assert_allclose(sum(each["parts"].values()), each["score"], rtol=1e-6)
        assert (each["because"] == []) == (user == "nobody")


def test_another_program_finds_the_same_in_the_store(lookups: Lookups) -> None:
    def run_script(*arguments: str) -> Any:
        argv = [sys.executable, "-I", brute_force.__file__, lookups.store, lookups.model, *arguments]
        return json.loads(subprocess.run(argv, check=True, capture_output=True, text=True).stdout)

    found = lookups.answer("/v1/predict", user="a/b", item="😀")
    assert_allclose(run_script("predict", "a/b", "😀")["rating"], found["rating"], rtol=1e-5)
    items = [each["item"] for each in lookups.answer("/v1/recommend", user="a/b", n=9, by="rating")["items"]]
    assert [item for item, _ in run_script("recommend", "a/b", "9")] == items
    items = [each["item"] for each in lookups.answer("/v1/recommend", user="a/b", n=9, c=2)["items"]]
    assert [item for item, _ in run_script("next", "a/b", "9", "2")] == items


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
        lookups.client.post("/v1/recommend", json={"items": [item, "😀"]})
        lookups.answer("/v1/explain", user=user, item=item)
        for path, unknown in (
            ("user", {"user": user}),
            ("item", {"item": item}),
            ("history", {"user": user}),
            ("similar", {"item": item}),
        ):
            assert lookups.get(f"/v1/{path}", **unknown).status_code == 404
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
