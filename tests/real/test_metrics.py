"""Every expression of dashboard and alerts, on a Prometheus that scrapes a worker and lookups at work."""

from __future__ import annotations

import math
import subprocess
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import httpx
import numpy as np
import pytest
import yaml
from kafka import KafkaProducer

from lfm_online.ratings_file import RatingsTable
from tests.commands import Command
from tests.deployed import DEPLOY, RULES, Query, alert_queries, dashboard, operands, panel_queries, read_yaml
from tests.servers.prometheus import Prometheus, promtool
from tests.topics import create_topic
from worker.demo.run import Run
from worker.demo.server import free_port
from worker.producer import produce
from worker.settings import Settings

# What ends a wait that would never end; nothing here is measured against it.
PATIENCE_SECONDS = 120.0
RATINGS_A_WAVE = 1500
# Longer than the test takes, so that a rate sees all of it.
INTERVAL = "10m"
BAD = [b"{", b'{"user_id":"u1","item_id":"i1","rating":9}', b'{"user_id":"","item_id":"i1","rating":3}']
LOOKUPS = [
    "predict?user=u1&item=i1",
    "predict?user=stranger&item=i1",
    "recommend?user=u1&n=5",
    "similar?item=i1&n=5",
    "explain?user=u1&item=i1",
    "user?user=u1",
    "model",
]


@dataclass(frozen=True)
class Live:
    """The processes that are scraped, by job, and the Prometheus that scrapes them."""

    urls: dict[str, str]
    prometheus: Prometheus


@pytest.fixture(scope="module")
def live(run: Run, broker: str, store: str) -> Iterator[Live]:
    """A worker that has learned two waves of ratings and bad events, and lookups, some of them refused."""
    topic, model = create_topic(broker, 4), f"watched-{uuid.uuid4().hex}"
    settings = Settings(kafka=broker, topic=topic)
    ports = {"lfm-worker": free_port(), "lfm-lookups": free_port()}
    urls = {job: f"http://127.0.0.1:{port}" for job, port in ports.items()}
    common = ["--store", store, "--model", model]
    worker = ["worker", "--kafka", broker, "--topic", topic, "--group", model, *common]
    serve = ["serve", *common]
    commands = [
        Command(run, "watched-worker", (*worker, "--worker-port", str(ports["lfm-worker"])), None),
        Command(run, "watched-serve", (*serve, "--serve-port", str(ports["lfm-lookups"])), None),
    ]
    for url in urls.values():
        until(partial(answers, f"{url}/readyz"), commands)
    prometheus = Prometheus(run, scraping(ports), "prometheus-watching").start()
    for job in ports:
        until(partial(prometheus.query, f'up{{job="{job}"}} == 1'), commands)
    for wave in (1, 2):
        produce(ratings(wave), settings)
        produce_bad(broker, topic)
        letters, events = wave * len(BAD), wave * (RATINGS_A_WAVE + len(BAD))
        until(partial(prometheus.query, f"sum(lfm_events_total) == {events}"), commands)
        until(partial(prometheus.query, f"lfm_dead_letters_forwarded_total == {letters}"), commands)
        for lookup in LOOKUPS:
            assert answers(f"{urls['lfm-lookups']}/v1/{lookup}"), lookup
        assert answers(f"{urls['lfm-lookups']}/v1/recommend?user=u1&n=0", status=400)
        lookups = wave * (len(LOOKUPS) + 1)
        until(partial(prometheus.query, f"sum(lfm_lookups_total) == {lookups}"), commands)
    yield Live(urls, prometheus)
    prometheus.stop()
    for command in commands:
        command.terminate()
        assert command.wait() == 0, command.log


def ratings(wave: int) -> RatingsTable:
    """Ratings that have users, items and a taste in them, of half stars as MovieLens's are."""
    random = np.random.default_rng(wave)
    user, item = random.integers(0, 90, RATINGS_A_WAVE), random.integers(0, 60, RATINGS_A_WAVE)
    taste = np.where((user + item) % 2, 0.7, -0.7)
    value = 3.2 + 0.5 * np.sin(user) + 0.5 * np.cos(item) + taste + random.normal(0, 0.5, RATINGS_A_WAVE)
    return RatingsTable(
        users=[f"u{number}" for number in user],
        items=[f"i{number}" for number in item],
        ratings=np.clip(np.round(value * 2) / 2, 0.5, 5.0),
        times_ms=1_600_000_000_000 + 1000 * np.arange(RATINGS_A_WAVE, dtype=np.int64),
    )


def produce_bad(broker: str, topic: str) -> None:
    producer = KafkaProducer(bootstrap_servers=broker, acks="all")
    for value in BAD:
        producer.send(topic, key=b"u1", value=value)
    producer.close()


def scraping(ports: dict[str, int]) -> str:
    """The deployed configuration with other targets, and a second for every interval."""
    config = read_yaml(DEPLOY / "prometheus" / "prometheus.yml")
    config["global"] = {"scrape_interval": "1s", "evaluation_interval": "1s"}
    config["rule_files"] = [str(RULES)]
    for job in config["scrape_configs"]:
        del job["dns_sd_configs"]
        job["static_configs"] = [{"targets": [f"127.0.0.1:{ports[job['job_name']]}"]}]
    return yaml.safe_dump(config)


def answers(url: str, status: int = 200) -> bool:
    """Whether there is an answer with this status."""
    try:
        return httpx.get(url, timeout=10).status_code == status
    except httpx.TransportError:
        return False


def until(true: Callable[[], object], commands: list[Command]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not true():
        ended = [command.log for command in commands if command.poll() is not None]
        assert not ended, ended
        assert time.monotonic() < deadline, "it never came to be: " + "\n".join(c.log for c in commands)
        time.sleep(0.2)


def values(samples: list[dict[str, Any]]) -> list[float]:
    return [float(sample["value"][1]) for sample in samples]


@pytest.mark.parametrize("query", panel_queries(), ids=lambda query: query.where)
def test_every_expression_of_every_panel_returns_data(live: Live, query: Query) -> None:
    expression = query.expression.replace("$__rate_interval", INTERVAL).replace("$__range", INTERVAL)
    for variable in dashboard()["templating"]["list"]:
        expression = expression.replace(f"${variable['name']}", variable.get("allValue", ""))
    assert "$" not in expression
    assert any(math.isfinite(value) for value in values(live.prometheus.query(expression))), expression


@pytest.mark.parametrize("query", alert_queries(), ids=lambda query: query.where)
def test_what_every_alert_compares_returns_data(live: Live, query: Query) -> None:
    compared = operands(query.expression)
    assert any(math.isfinite(value) for value in values(live.prometheus.query(compared))), compared


def test_prometheus_evaluates_every_rule_without_error(live: Live) -> None:
    def rules() -> list[dict[str, Any]]:
        return [rule for group in live.prometheus.get("rules")["groups"] for rule in group["rules"]]

    until(lambda: all(rule["health"] != "unknown" for rule in rules()), [])
    assert [(rule["name"], rule.get("lastError")) for rule in rules() if rule["health"] != "ok"] == []
    assert len(rules()) == len(alert_queries())


def test_the_rmse_of_the_counters_is_that_of_the_gauges(live: Live) -> None:
    of_counters = live.prometheus.query(
        "sqrt(sum by (predictor) (lfm_squared_error_total)"
        " / ignoring(predictor) group_left () sum(lfm_scored_events_total))"
    )
    of_gauges = live.prometheus.query('sum by (predictor) (lfm_rmse{window="all"})')
    assert {s["metric"]["predictor"]: float(s["value"][1]) for s in of_counters} == pytest.approx(
        {s["metric"]["predictor"]: float(s["value"][1]) for s in of_gauges}
    )
    assert len(of_gauges) == 3


@pytest.mark.parametrize("job", ["lfm-worker", "lfm-lookups"])
def test_promtool_finds_nothing_wrong_with_the_metrics(live: Live, job: str) -> None:
    metrics = httpx.get(f"{live.urls[job]}/metrics").raise_for_status().content
    checked = promtool_says("check", "metrics", text=metrics)
    assert checked == ""


def test_promtool_finds_nothing_wrong_with_the_rules() -> None:
    assert "SUCCESS" in promtool_says("check", "config", str(DEPLOY / "prometheus" / "prometheus.yml"))
    assert "SUCCESS" in promtool_says("check", "rules", "--lint-fatal", str(RULES))


def test_the_alerts_fire_when_they_should_and_only_then() -> None:
    assert "SUCCESS" in promtool_says("test", "rules", str(DEPLOY / "prometheus" / "rules_test.yml"))


def promtool_says(*arguments: str, text: bytes = b"") -> str:
    done = subprocess.run([promtool(), *arguments], input=text, capture_output=True, timeout=60, check=False)
    said = (done.stdout + done.stderr).decode()
    assert done.returncode == 0, said
    return said
