"""What a worker says of what waiting would not mend, and how it waits for the rest."""

import socket

import httpx

from tests.acceptance.workers import PATIENCE_SECONDS, Play, address_of, ratings, until
from tests.commands import Command, StartCommand
from worker.demo.embedded import EmbeddedStore


def ended(worker: Command) -> str:
    """The log of a worker that gave up."""
    assert worker.wait(PATIENCE_SECONDS) == 1, worker.log
    return worker.log


def test_a_model_is_neither_mixed_with_another_nor_silently_begun_anew(
    broker: str, store: str, topic: str, process: StartCommand
) -> None:
    play = Play(broker, store, topic, process)
    play.produce(ratings(300))
    worker = play.worker()
    play.wait_learned(300, worker)
    play.wait_drained(worker)

    # Other settings than the model's: both values are named.
    log = ended(play.worker("--factors", "16", "--range", "1,10"))
    for words in (
        "factors is 8 in the store and 16 here",
        "rating_range is '0.5,5' in the store and '1,10' here",
        "LFM_MODEL",
    ):
        assert words in log
    play.verified(300)

    # A store that lost the model is no fresh start: the group has read the topic.
    names = play.client.keys(play.key("*").replace("{", "\\{"))
    assert names
    play.client.delete(*names)
    log = ended(play.worker())
    for words in (f"does not know model {play.model!r}", play.model, topic, "--new-model", "LFM_STORE"):
        assert words in log
    worker = play.worker("--new-model")
    play.wait_learned(300, worker)
    play.verified(300)


def test_a_host_or_port_that_can_not_be_listened_on_is_named_with_its_setting(
    broker: str, store: str, topic: str, process: StartCommand
) -> None:
    play = Play(broker, store, topic, process)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        log = ended(play.worker("--worker-port", port))
    assert f"127.0.0.1:{port}" in log
    assert "LFM_WORKER_PORT" in log
    log = ended(play.worker("--worker-host", "nohost.invalid"))
    assert "nohost.invalid:" in log
    assert "LFM_WORKER_HOST" in log


def test_a_store_that_is_away_is_waited_for(
    broker: str, fresh_store: EmbeddedStore, topic: str, process: StartCommand
) -> None:
    play = Play(broker, fresh_store.url, topic, process)
    play.produce(ratings(200))
    fresh_store.kill()
    worker = play.worker()
    url = address_of(worker)

    def problems() -> str:
        answer = httpx.get(f"{url}/readyz", timeout=30)
        assert answer.status_code == (503 if answer.json()["problems"] else 200)
        return " ".join(answer.json()["problems"])

    # Away when the worker starts ...
    until(lambda: "LFM_STORE" in problems(), worker)
    assert worker.log.count("tried again every") == 1
    assert httpx.get(f"{url}/livez", timeout=30).status_code == 200
    fresh_store.start()
    play.wait_learned(200, worker)
    until(lambda: not problems(), worker)
    assert f"waiting for partitions of {topic!r}" in worker.log
    # ... and while it runs.
    fresh_store.kill()
    play.produce(ratings(200, seed=2))
    until(lambda: "LFM_STORE" in problems(), worker)
    fresh_store.start()
    play.wait_learned(400, worker)
    until(lambda: not problems(), worker)
    play.verified(400)
    # Away for good: it still stops when told.
    fresh_store.kill()
    until(problems, worker)
    play.wait_drained(worker)
