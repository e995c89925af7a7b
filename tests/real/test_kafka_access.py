"""Kafka behind logins and TLS: every client of the project, with certificates made on the spot."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest

from tests.acceptance.workers import PATIENCE_SECONDS, Play, address_of, until
from tests.commands import Command, StartCommand
from tests.contracts.sources import CLIENTS
from tests.servers.secure import Certificates, SecureKafka
from worker.demo.run import Run

SECRET = "k4fka-s3cret"
RATINGS = 120


@pytest.fixture(scope="module")
def secure(run: Run, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    certificates = Certificates(tmp_path_factory.mktemp("certificates"))
    kafka = SecureKafka(run, "secure-kafka", certificates, {"learner": SECRET}).start()
    for mechanism in ("SCRAM-SHA-256", "SCRAM-SHA-512"):
        kafka.add_scram("learner", SECRET, mechanism)
    yield SimpleNamespace(kafka=kafka, certificates=certificates)
    kafka.kill()


@pytest.fixture
def ratings_file(tmp_path: Path) -> str:
    lines = [f"u{j % 20},i{j % 13},{1 + j % 5},{1_600_000_000 + j}" for j in range(RATINGS)]
    path = tmp_path / "ratings.csv"
    path.write_text("\n".join(["userId,movieId,rating,timestamp", *lines, ""]))
    return str(path)


def sasl(secure: Any, mechanism: str, secret: str = SECRET) -> tuple[str, dict[str, str]]:
    return f"127.0.0.1:{secure.kafka.sasl_port}", {
        "LFM_KAFKA_SECURITY": "sasl_ssl",
        "LFM_KAFKA_MECHANISM": mechanism,
        "LFM_KAFKA_USER": "learner",
        "LFM_KAFKA_PASSWORD": secret,
        "LFM_KAFKA_CA_FILE": str(secure.certificates.authority),
    }


def tls(secure: Any) -> tuple[str, dict[str, str]]:
    certificate, key = secure.certificates.client
    return f"127.0.0.1:{secure.kafka.tls_port}", {
        "LFM_KAFKA_SECURITY": "ssl",
        "LFM_KAFKA_CA_FILE": str(secure.certificates.authority),
        "LFM_KAFKA_CERTIFICATE_FILE": str(certificate),
        "LFM_KAFKA_KEY_FILE": str(key),
    }


@pytest.mark.parametrize("source", CLIENTS)
@pytest.mark.parametrize("way", ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", "client certificate"])
def test_topic_producer_worker_dead_letters_and_proof_come_through(
    secure: Any, way: str, source: str, store: str, process: StartCommand, ratings_file: str
) -> None:
    address, env = tls(secure) if way == "client certificate" else sasl(secure, way)
    topic = f"ratings-{source}-{way.lower().replace(' ', '-')}"
    started: list[Command] = []

    def start(*arguments: str) -> Command:
        started.append(process(*arguments, env=env))
        return started[-1]

    produced = start("produce", ratings_file, "--kafka", address, "--topic", topic)
    assert produced.wait(PATIENCE_SECONDS) == 0, produced.log
    play = Play(secure.kafka.bootstrap, store, topic, start)  # type: ignore[arg-type]  # the environment is set
    play.produce([(b"x", b"not an event")], partition=0)
    play.broker, play.source = address, source
    worker = play.worker("--log-level", "debug")
    play.wait_learned(RATINGS + 1, worker)
    until(lambda: play.client.hlen(play.key("dead:0")) == 0, worker)
    play.verified_by_process(RATINGS)
    url = address_of(worker)
    shown = httpx.get(f"{url}/metrics", timeout=30).text + httpx.get(f"{url}/readyz", timeout=30).text
    play.wait_drained(worker)
    shown += "".join(command.log + command.output for command in started)
    assert SECRET not in shown


@pytest.mark.parametrize("source", CLIENTS)
def test_a_wrong_password_and_a_strangers_certificate_are_told_and_nothing_is_sent(
    secure: Any, source: str, store: str, process: StartCommand
) -> None:
    wrong = sasl(secure, "SCRAM-SHA-512", "wr0ng-s3cret")
    stranger = sasl(secure, "PLAIN")
    stranger[1]["LFM_KAFKA_CA_FILE"] = str(secure.certificates.stranger)
    for address, env in (wrong, stranger):
        worker = process(
            *("worker", "--kafka", address, "--store", store, "--worker-port", "0", "--source", source),
            env=env,
        )
        url = address_of(worker)

        def problems(url: str = url) -> str:
            return httpx.get(f"{url}/readyz", timeout=30).text

        until(lambda: "LFM_KAFKA" in problems(), worker)
        assert SECRET not in worker.log + problems()
        assert "wr0ng-s3cret" not in worker.log + problems()
        worker.kill()
