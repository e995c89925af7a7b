"""Logins, certificates and rights: enough, no more than is needed, and never told."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import redis

from tests.acceptance.workers import (
    PATIENCE_SECONDS,
    Play,
    address_of,
    rating_bytes,
    ratings,
    until,
    wait_shared,
)
from tests.commands import Command, StartCommand
from tests.deployed import DEPLOY
from tests.servers.secure import Certificates, SecureStore
from worker.demo.run import Run
from worker.demo.server import free_port

WORKER_SECRET, LOOKUPS_SECRET, ADMIN_SECRET = "w0rker-s3cret", "l00kups-s3cret", "adm1n-s3cret"
SECRETS = (WORKER_SECRET, LOOKUPS_SECRET, ADMIN_SECRET)


def deployed_acl() -> str:
    """What is in deploy/, with passwords of the test's own."""
    text = (DEPLOY / "redis.acl").read_text()
    for placeholder, secret in (("worker", WORKER_SECRET), ("lookups", LOOKUPS_SECRET)):
        assert text.count(f"change-this-{placeholder}-password") == 1
        text = text.replace(f"change-this-{placeholder}-password", secret)
    return text


def as_user(user: str, secret_file: Path, secret: str) -> dict[str, str]:
    secret_file.write_text(secret + "\n")
    return {"LFM_STORE_USER": user, "LFM_STORE_PASSWORD_FILE": str(secret_file)}


@pytest.fixture
def guarded(run: Run, real_servers: bool) -> Iterator[SecureStore]:
    acl = deployed_acl()
    server = SecureStore(
        run, f"acl-{free_port()}", acl, ADMIN_SECRET, certificates=None, real=real_servers
    ).start()
    yield server
    server.kill()


@pytest.fixture
def behind_tls(run: Run, tmp_path: Path, real_servers: bool) -> Iterator[tuple[SecureStore, Certificates]]:
    if not real_servers:
        pytest.skip("the embedded store has no TLS")
    certificates = Certificates(tmp_path / "certificates")
    acl = deployed_acl()
    server = SecureStore(
        run, f"tls-{free_port()}", acl, ADMIN_SECRET, certificates=certificates, real=True
    ).start()
    yield server, certificates
    server.kill()


def told(*commands: Command) -> str:
    return "".join(command.log + command.output for command in commands)


def test_the_deployed_rights_are_enough_and_no_more(
    broker: str, guarded: SecureStore, topic: str, process: StartCommand, tmp_path: Path
) -> None:
    worker_env = as_user("lfm-worker", tmp_path / "worker.secret", WORKER_SECRET)
    lookups_env = as_user("lfm-lookups", tmp_path / "lookups.secret", LOOKUPS_SECRET)

    def start(*arguments: str, env: dict[str, str] | None = None) -> Command:
        return process(*arguments, env=env or (worker_env if arguments[0] == "worker" else lookups_env))

    play = Play(broker, guarded.url, topic, start)
    play.client = guarded.admin()
    # Full chunks of a history, a retraction, a tombstone, a dead letter: all that is ever written.
    many = [(b"many", rating_bytes("many", f"i{j}", 3)) for j in range(70)]
    workers = [play.worker(), play.worker()]  # one alone would ask for no turns
    wait_shared(*workers)
    play.produce([*ratings(300), *many])
    play.wait_learned(370, *workers)
    play.produce([(b"many", rating_bytes("many", "i1", None)), (b"u1", None), (b"x", b"{")])
    play.wait_learned(373, *workers)
    until(lambda: not play.client.keys("*:dead:*"), *workers)  # forwarded, and taken out
    lookups = start(
        "serve", "--store", guarded.url, "--model", play.model, "--serve-port", str(port := free_port())
    )

    def ready() -> bool:
        try:
            return httpx.get(f"http://127.0.0.1:{port}/readyz", timeout=30).status_code == 200
        except httpx.TransportError:
            return False

    until(ready, lookups)
    for path in (
        "recommend?user=many&n=5",
        "predict?user=u2&item=i1",
        "similar?item=i1&n=3",
        "user?user=many",
    ):
        assert httpx.get(f"http://127.0.0.1:{port}/v1/{path}", timeout=30).status_code == 200, path
    # The proof reads what lookups read.
    proof = play.verified_by_process(372)
    # No command is granted that the project doesn't send (checked against the server's own count).
    sent = {name.removeprefix("cmdstat_") for name in play.client.info("commandstats")}
    granted = set(re.findall(r"\+([a-z]+)", (DEPLOY / "redis.acl").read_text()))
    assert granted - sent <= {"select"}, "of a database other than 0"
    # Neither reaches another key, and lookups write nothing.
    for user, secret in (("lfm-worker", WORKER_SECRET), ("lfm-lookups", LOOKUPS_SECRET)):
        client: Any = redis.Redis(port=guarded.port, username=user, password=secret)
        for words in ("GET other", "FLUSHALL", "CONFIG GET *", "EVAL 1 0", "KEYS *", "ACL LIST"):
            with pytest.raises(redis.exceptions.NoPermissionError):
                client.execute_command(*words.split())
        if user == "lfm-lookups":
            with pytest.raises(redis.exceptions.NoPermissionError):
                client.set(play.key("head"), b"")
        client.close()
    # No secret is told anywhere.
    metrics = [*map(address_of, workers), f"http://127.0.0.1:{port}"]
    shown = told(*workers, lookups, proof)
    shown += "".join([httpx.get(f"{address}/metrics", timeout=30).text for address in metrics])
    for worker in workers:
        play.wait_drained(worker)
    assert not [secret for secret in SECRETS if secret in shown]


def test_a_wrong_password_stops_a_worker_and_is_not_told(
    broker: str, guarded: SecureStore, topic: str, process: StartCommand
) -> None:
    def start(*arguments: str, env: dict[str, str] | None = None) -> Command:
        return process(*arguments, env={"LFM_STORE_USER": "lfm-worker", "LFM_STORE_PASSWORD": "wr0ng-s3cret"})

    worker = Play(broker, guarded.url, topic, start).worker("--log-level", "debug")
    assert worker.wait(PATIENCE_SECONDS) == 1
    assert "the store refuses the login" in worker.log
    assert "LFM_STORE_PASSWORD" in worker.log
    assert "wr0ng-s3cret" not in told(worker)


def test_secrets_are_in_no_list_of_settings_and_no_error(process: StartCommand, tmp_path: Path) -> None:
    secret = "s33ded-s3cret"
    env = {
        "LFM_STORE_PASSWORD": secret,
        "LFM_KAFKA_PASSWORD": secret,
        "LFM_STORE": f"redis://u:{secret}@h:1/0",
    }
    settings = process("settings", "--json", env=env)
    assert settings.wait(PATIENCE_SECONDS) == 0
    assert {"store_password", "kafka_password"} <= {each["name"] for each in json.loads(settings.output)}
    refused = [
        process("worker", env=env | {"LFM_KAFKA_PASSWORD": secret * 1000}),
        process("worker", env=env | {"LFM_KAFKA_SECURITY": "sasl_ssl"}),
        process("worker", env=env | {"LFM_STORE_CA_FILE": "ca.pem"}),
        process("worker", env=env | {"LFM_KAFKA_CERTIFICATE_FILE": "c.pem"}),
        process("verify", env={"LFM_STORE_PASSWORD_FILE": str(tmp_path / "none")}),
        process("worker", env={"LFM_KAFKA_CA_FILE": str(tmp_path / "none")}),
    ]
    for command in refused:
        assert command.wait(PATIENCE_SECONDS) in (1, 2), command.log
        assert "Traceback" not in command.log
        assert "LFM_" in command.log or "allowed:" in command.log
    assert secret not in told(settings, *refused)


def test_a_store_behind_tls_is_reached_with_its_authority_and_a_certificate(
    broker: str,
    behind_tls: tuple[SecureStore, Certificates],
    topic: str,
    process: StartCommand,
    tmp_path: Path,
) -> None:
    server, certificates = behind_tls
    certificate, key = certificates.client
    env = as_user("lfm-worker", tmp_path / "secret", WORKER_SECRET) | {
        "LFM_STORE_CA_FILE": str(certificates.authority),
        "LFM_STORE_CERTIFICATE_FILE": str(certificate),
        "LFM_STORE_KEY_FILE": str(key),
    }
    play = Play(broker, server.url, topic, lambda *arguments: process(*arguments, env=env))  # type: ignore[arg-type]
    play.client = server.admin()
    play.produce(ratings(100))
    worker = play.worker()
    play.wait_learned(100, worker)
    play.wait_drained(worker)
    # Somebody else's authority: nothing is sent, and the certificate is named as the reason.
    env["LFM_STORE_CA_FILE"] = str(certificates.stranger)
    worker = play.worker()
    url = address_of(worker)
    until(lambda: "certificate" in httpx.get(f"{url}/readyz", timeout=30).text, worker)
    assert WORKER_SECRET not in told(worker)
