"""Workers that are learning take priors over; what to ask a newcomer is read from the store."""

from __future__ import annotations

import json
import uuid
from pathlib import Path
from typing import Any

from lfm_online.store.redis import RedisStore
from tests.acceptance.workers import Play, rating_bytes
from tests.commands import StartCommand
from tests.made_model import learn_in_commits, random_ratings
from tests.terminal import terminal
from tests.topics import create_topic

USERS, ITEMS, EVENTS = 30, 20, 2000


def ratings_of(items: range, first: int, n: int) -> list[tuple[bytes, bytes]]:
    """Comedies (even numbers) are liked, horror (odd numbers) is not."""
    events = []
    for j in range(first, first + n):
        user, item = f"u{j % USERS}", items[j * 7 % len(items)]
        stars = 1.0 if item % 2 else 4.5
        events.append((user.encode(), rating_bytes(user, f"i{item}", stars, 10**12 + 60_000 * j)))
    return events


def write_catalogue(path: Path) -> Path:
    lines = [f"i{n},Film {n},{'Horror' if n % 2 else 'Comedy'},{1950 + n}" for n in range(2 * ITEMS)]
    path.write_text("\n".join(["item,title,genres,year", *lines]))
    return path


def test_new_items_start_from_their_genres_in_every_worker(
    broker: str, store: str, process: StartCommand, tmp_path: Path
) -> None:
    play = Play(broker, store, create_topic(broker, 2), process)
    catalogue = write_catalogue(tmp_path / "films.csv")
    where = ["--store", store, "--model", play.model]

    def told(*words: str) -> Any:
        found = terminal(*words, *where, "--json")
        assert found.code == 0, found.log
        return json.loads(found.output)

    workers = [play.worker() for _ in range(2)]
    play.produce(ratings_of(range(ITEMS), 0, EVENTS))
    play.wait_learned(EVENTS, *workers)
    before = [told("predict", "u1", item) for item in ("i22", "i23")]
    assert {each["item_basis"] for each in before} == {"mean"}

    prior = process("prior", str(catalogue), *where, "--json")
    assert prior.wait() == 0, prior.log
    found = json.loads(prior.output)
    assert (found["known"], found["items"]) == (ITEMS, ITEMS)
    after = [told("predict", "u1", item) for item in ("i22", "i23")]
    assert {each["item_basis"] for each in after} == {"attributes"}
    assert after[0]["rating"] > before[0]["rating"] + 0.1
    assert after[1]["rating"] < before[1]["rating"] - 0.1

    play.produce(ratings_of(range(ITEMS, 2 * ITEMS), EVENTS, EVENTS))
    play.wait_learned(2 * EVENTS, *workers)
    assert told("predict", "u1", "i22")["item_basis"] == "ratings"
    for worker in workers:
        play.wait_drained(worker)
    play.verified(2 * EVENTS)

    refused = terminal("prior", str(catalogue), *where)
    assert refused.code == 1
    assert "at least one of each" in refused.log
    questions = told("insight", "questionnaire", "-n", "3", "--catalogue", str(catalogue))["questions"]
    assert len({each["item"] for each in questions}) == 3
    assert all(each["title"].startswith("Film ") and 0 < each["known_to"] <= 1 for each in questions)
    shown = terminal("insight", "questionnaire", *where, "--catalogue", str(catalogue))
    assert shown.code == 0, shown.log
    assert "Film " in shown.output


def test_of_the_textbooks_model_new_items_take_priors_too_but_no_questions_are_asked(
    store: str, tmp_path: Path
) -> None:
    model = f"m-{uuid.uuid4().hex}"
    catalogue = write_catalogue(tmp_path / "films.csv")
    where = ["--store", store, "--model", model]
    # Of i0 to i19, and of ids that no catalogue has.
    learn_in_commits(RedisStore(store, model), random_ratings(400, items=25), rule="sgd")

    def basis() -> str:
        found = terminal("predict", "u1", "i22", *where, "--json")
        return str(json.loads(found.output)["item_basis"])

    assert basis() == "mean"
    prior = terminal("prior", str(catalogue), *where, "--json")
    assert prior.code == 0, prior.log
    assert basis() == "attributes"
    asked = terminal("insight", "questionnaire", *where, "-n", "3", "--catalogue", str(catalogue), "--json")
    assert asked.code == 1
    assert "LFM_RULE" in asked.log
