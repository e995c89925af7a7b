"""The image and the compose file, as far as they can be checked without a container engine."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from tests.deployed import DEPLOY, ROOT, read_yaml
from worker.cli import main
from worker.demo.embedded import EmbeddedStore
from worker.demo.run import Run
from worker.settings import Settings
from worker.settings_catalogue import catalogue

SERVICES: dict[str, dict[str, Any]] = read_yaml(DEPLOY / "compose.yaml")["services"]
DOCKERFILE = (DEPLOY / "Dockerfile").read_text()
OWN = [name for name, service in SERVICES.items() if "build" in service]
LFM = re.compile(r"\bLFM_[A-Z_]+\b")

each_service = pytest.mark.parametrize("name", SERVICES)
each_own = pytest.mark.parametrize("name", OWN)


def command(name: str) -> list[str]:
    words: list[str] = SERVICES[name]["command"]
    return words


def test_there_is_all_that_a_demo_needs() -> None:
    assert set(OWN) == {"worker", "lookups", "producer"}
    assert set(SERVICES) - set(OWN) == {"kafka", "topics", "valkey", "prometheus", "grafana"}


def test_every_variable_that_is_named_is_a_setting() -> None:
    known = {entry.variable for entry in catalogue().values()}
    text = "\n".join(path.read_text() for path in DEPLOY.rglob("*") if path.is_file())
    assert set(LFM.findall(text + (ROOT / "docs" / "runbook.md").read_text())) <= known


@each_own
def test_the_settings_of_a_service_are_allowed_and_name_services(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for variable, value in SERVICES[name]["environment"].items():
        monkeypatch.setenv(variable, value)
    settings = Settings()
    inside = SERVICES["kafka"]["environment"]["KAFKA_ADVERTISED_LISTENERS"].split(",")[0]
    assert settings.kafka in (inside.removeprefix("INSIDE://"), Settings.model_fields["kafka"].default)
    if "LFM_STORE" in SERVICES[name]["environment"]:
        assert settings.store == "redis://valkey:6379/0"


@each_own
def test_a_service_runs_a_command_that_exists_with_flags_that_it_has(name: str) -> None:
    found = main.get_command(main.make_context("lfm-online", [], resilient_parsing=True), command(name)[0])
    assert found is not None
    known = {flag for parameter in found.params for flag in parameter.opts}
    assert {word for word in command(name) if word.startswith("--")} <= known


@each_service
def test_ports_are_open_to_this_machine_alone_and_are_those_that_are_listened_on(name: str) -> None:
    listening = {
        "kafka": "9092",
        "valkey": "6379",
        "worker": str(Settings.model_fields["worker_port"].default),
        "lookups": str(Settings.model_fields["serve_port"].default),
        "prometheus": "9090",
        "grafana": "3000",
    }
    for port in SERVICES[name].get("ports", []):
        assert port.startswith("127.0.0.1:")
        assert port.rsplit(":", 1)[1] == listening[name]
    check = " ".join(map(str, SERVICES[name].get("healthcheck", {}).get("test", [])))
    for asked in re.findall(r"http://127\.0\.0\.1:(\d+)", check):
        assert asked == listening[name]


def test_the_image_checks_and_exposes_the_ports_of_the_settings() -> None:
    worker, serve = (str(Settings.model_fields[f"{name}_port"].default) for name in ("worker", "serve"))
    assert f"EXPOSE {worker} {serve}\n" in DOCKERFILE
    assert re.findall(r"http://127\.0\.0\.1:(\d+)/readyz", DOCKERFILE) == [worker]


def test_prometheus_scrapes_the_services_at_their_ports() -> None:
    scraped = {}
    for job in read_yaml(DEPLOY / "prometheus" / "prometheus.yml")["scrape_configs"]:
        [found] = job["dns_sd_configs"]
        [service] = found["names"]
        scraped[service] = found["port"]
    fields = Settings.model_fields
    assert scraped == {"worker": fields["worker_port"].default, "lookups": fields["serve_port"].default}


@each_service
def test_what_is_mounted_exists_and_what_is_waited_for_can_come_true(name: str) -> None:
    declared = set(read_yaml(DEPLOY / "compose.yaml")["volumes"])
    for volume in SERVICES[name].get("volumes", []):
        source = volume.split(":")[0]
        assert (DEPLOY / source).exists() if source.startswith(".") else source in declared
    for other, wait in SERVICES[name].get("depends_on", {}).items():
        if wait["condition"] == "service_healthy":
            assert "healthcheck" in SERVICES[other] or other == "worker"  # whose check is the image's
        else:
            assert wait["condition"] == "service_completed_successfully"
            assert SERVICES[other]["restart"] == "on-failure"
        assert "profiles" not in SERVICES[other]


@each_service
def test_images_are_pinned_and_builds_name_a_stage_that_exists(name: str) -> None:
    service = SERVICES[name]
    if "build" not in service:
        assert re.search(r":v?\d+\.\d+(\.\d+)?$", service["image"])
        return
    build = service["build"]
    assert (DEPLOY / build["context"] / build["dockerfile"]).is_file()
    assert f" AS {build['target']}\n" in DOCKERFILE


def test_the_broker_is_the_one_that_the_tests_run_on() -> None:
    setup = (ROOT / "tests" / "real" / "setup.sh").read_text()
    [version] = re.findall(r"^KAFKA_VERSION=(\S+)$", setup, re.MULTILINE)
    assert {SERVICES[name]["image"] for name in ("kafka", "topics")} == {f"apache/kafka:{version}"}


def test_the_topics_that_are_made_are_those_of_the_settings() -> None:
    [made] = re.findall(r"for topic in (.+); do", command("topics")[2])
    settings = Settings()
    names = [topic.split(":")[0] for topic in made.split()]
    assert names == [settings.topic, settings.dead_letters_to]


def test_the_store_keeps_what_it_was_told_and_never_evicts() -> None:
    flags = dict(zip(command("valkey")[1::2], command("valkey")[2::2], strict=True))
    assert flags["--appendonly"] == "yes"
    assert flags["--appendfsync"] == "everysec"
    assert flags["--maxmemory-policy"] == "noeviction"


def test_the_store_of_the_demo_and_that_of_deploy_write_their_files_alike() -> None:
    with Run() as run:
        [*_, config] = EmbeddedStore(run).prepare()
        embedded = dict(line.split(" ", 1) for line in Path(config).read_text().splitlines())
    flags = dict(zip(command("valkey")[1::2], command("valkey")[2::2], strict=True))
    shared = {"bind", "port", "dir", "save"}
    assert {name: value for name, value in embedded.items() if name not in shared} == {
        name.removeprefix("--"): value for name, value in flags.items() if name != "--save"
    }


def test_the_image_runs_nothing_as_root_and_takes_packages_by_their_hashes() -> None:
    final = DOCKERFILE.split(" AS runtime\n")[1]
    assert "USER lfm\n" in final
    assert "USER root" not in final
    assert DOCKERFILE.count("pip download") == DOCKERFILE.count("--require-hashes") == 1
    assert "PIP_NO_INDEX=1" in DOCKERFILE.split(" AS install\n")[1]
    copied = re.findall(r"^COPY ([a-z_.]+) ", DOCKERFILE, re.MULTILINE)
    seen = re.findall(r"^!(.+)$", (DEPLOY / "Dockerfile.dockerignore").read_text(), re.MULTILINE)
    assert sorted(copied) == sorted(seen)
    assert all((ROOT / path).exists() for path in copied)
