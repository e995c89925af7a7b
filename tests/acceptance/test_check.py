"""`lfm-online check` sees what is wrong, and says what to change."""

import json
from typing import Any

from tests.acceptance.workers import PATIENCE_SECONDS, Play, ratings
from tests.commands import StartCommand
from tests.terminal import terminal
from worker.demo.embedded import EmbeddedStore


def checked(play: Play, *arguments: str) -> tuple[int, dict[str, Any]]:
    """Exit code, and the findings by what was looked at."""
    found = terminal(
        *("check", "--kafka", play.broker, "--topic", play.topic, "--store", play.store),
        *("--model", play.model, "--factors", "8", "--json", *arguments),
    )
    assert found.output, found.log
    report = json.loads(found.output)
    assert report["passed"] == (found.code == 0)
    return found.code, {finding["what"]: finding for finding in report["findings"]}


def test_what_is_fit_passes_and_what_is_wrong_is_named_with_its_remedy(
    broker: str, fresh_store: EmbeddedStore, topic: str, process: StartCommand
) -> None:
    play = Play(broker, fresh_store.url, topic, process)
    code, found = checked(play)
    assert (code, found["model"]["found"]) == (0, f"there is no model {play.model!r} yet: a worker starts it")
    assert {f["status"] for f in found.values()} <= {"ok", "warning"}
    assert found["topic"]["found"] == f"{topic}: 4 partitions, each with a leader"
    assert found["dead-letter topic"]["status"] == "warning"

    play.produce(ratings(50))
    worker = play.worker()
    play.wait_learned(50, worker)
    play.wait_drained(worker)
    play.produce(ratings(7))
    code, found = checked(play)
    assert code == 0, found
    assert found["watermarks"]["found"] == "7 offsets are left to learn"
    assert "append-only file" in found["persistence"]["found"]

    # Each trouble by itself.
    troubles = [
        ("model", ("--factors", "9"), "factors is 8 in the store and 9 here"),
        ("topic", ("--topic", "no-such-topic"), "there is no 'no-such-topic'"),
        ("broker", ("--kafka", "127.0.0.1:1"), "127.0.0.1:1"),
        ("store", ("--store", "redis://:secret@127.0.0.1:1/0"), "redis://***@127.0.0.1:1/0"),
    ]
    for what, arguments, words in troubles:
        code, found = checked(play, *arguments)
        assert (code, found[what]["status"]) == (1, "wrong"), found
        assert words in found[what]["found"]
        assert found[what]["remedy"]
        assert "secret" not in str(found)

    # Of the store and the model.
    play.client.config_set("maxmemory-policy", "allkeys-lru")
    play.client.hset(play.key("watermarks"), f"{topic}-0", 10**6)
    play.client.config_set("appendonly", "no")
    play.client.config_set("save", "")
    code, found = checked(play)
    assert code == 1
    assert found["eviction"]["status"] == "wrong"
    assert "noeviction" in found["eviction"]["remedy"]
    assert (found["watermarks"]["status"], found["persistence"]["status"]) == ("wrong", "warning")
    assert found["persistence"]["found"] == "nothing is kept: a restart loses the model"


def test_the_store_is_asked_with_the_login_of_the_settings(
    broker: str, fresh_store: EmbeddedStore, topic: str, process: StartCommand
) -> None:
    Play(broker, fresh_store.url, topic, process).client.config_set("requirepass", "s3cret")

    def store_of(**env: str) -> dict[str, Any]:
        command = process(
            *("check", "--kafka", broker, "--topic", topic, "--store", fresh_store.url, "--json"), env=env
        )
        command.wait(PATIENCE_SECONDS)
        found: dict[str, dict[str, Any]] = {f["what"]: f for f in json.loads(command.output)["findings"]}
        return found["store"]

    assert store_of(LFM_STORE_PASSWORD="s3cret")["status"] == "ok"
    for env in ({}, {"LFM_STORE_PASSWORD": "wr0ng"}, {"LFM_STORE_USER": "x", "LFM_STORE_PASSWORD": "wr0ng"}):
        refused = store_of(**env)
        assert refused["status"] == "wrong"
        assert "refuses the login" in refused["found"]
        assert "LFM_STORE_USER and LFM_STORE_PASSWORD" in refused["remedy"]
        assert "start it" not in refused["remedy"]
        assert "wr0ng" not in str(refused)


def test_people_get_a_line_for_each(broker: str, store: str, topic: str, process: StartCommand) -> None:
    command = process("check", "--kafka", broker, "--topic", topic, "--store", store)
    assert command.wait(PATIENCE_SECONDS) == 0, command.output
    lines = command.output.splitlines()
    assert all(line.split()[0] in {"ok", "warning", "wrong"} for line in lines)
    assert len(lines) >= 9
