"""What deploy/ holds, as the tests read it."""

from __future__ import annotations

import json
import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple, cast

import yaml
from prometheus_client import CollectorRegistry

from lfm_online.model import Model
from lfm_online.replica import Replica
from lfm_online.rules.registry import make_rule
from worker.api.app import LOOKUPS
from worker.api.metrics import LookupMetrics
from worker.common_metrics import register_common
from worker.metrics import WorkerMetrics

ROOT = Path(__file__).parents[1]
DEPLOY = ROOT / "deploy"
RULES = DEPLOY / "prometheus" / "rules.yml"
RULES_TEST = DEPLOY / "prometheus" / "rules_test.yml"
DASHBOARD = DEPLOY / "grafana" / "dashboards" / "lfm-online.json"

# A comparison with a number, which is how an alert's condition ends.
COMPARISON = re.compile(r"\s(?:==|!=|<=|>=|<|>)\s+-?\d[\d.e+-]*(?=\s|$)")


class Query(NamedTuple):
    """One expression, and where it stands."""

    where: str
    expression: str


def read_yaml(path: Path) -> Any:
    return yaml.safe_load(path.read_text())


def dashboard() -> dict[str, Any]:
    read: dict[str, Any] = json.loads(DASHBOARD.read_text())
    return read


def panels() -> list[dict[str, Any]]:
    """The panels that show something, which rows don't."""
    return [panel for panel in dashboard()["panels"] if panel["type"] != "row"]


def panel_queries() -> list[Query]:
    return [
        Query(f"panel {panel['title']}, {target['refId']}", target["expr"])
        for panel in panels()
        for target in panel["targets"]
    ]


def alerts() -> list[dict[str, Any]]:
    return [rule for group in read_yaml(RULES)["groups"] for rule in group["rules"]]


def alert_queries() -> list[Query]:
    return [Query(f"alert {alert['alert']}", alert["expr"]) for alert in alerts()]


def operands(expression: str) -> str:
    """An alert's expression without its comparisons: what is compared, whether or not it fires."""
    return COMPARISON.sub("", expression)


def samples_by_label() -> dict[str, set[str]]:
    """Every sample name of the worker and the lookups, with the labels that it has."""
    learner, lookups = CollectorRegistry(), CollectorRegistry()
    metrics = WorkerMetrics(learner, Model(make_rule("adaptive", 0.5, 5.0, 1), factors=2))
    metrics.show_model()
    with metrics.step("learn"):
        pass
    for gauge in (metrics.lag, metrics.outbox):
        gauge.labels("0")
    metrics.rmse.labels("model", "all")
    register_common(learner, ready=lambda: True, rows=lambda: {"user": 0, "item": 0})
    replica = cast(Replica, SimpleNamespace(age_seconds=lambda: 0.0))
    LookupMetrics(lookups, replica, [str(handler.name) for handler in LOOKUPS])
    register_common(lookups, ready=lambda: True, rows=lambda: {"user": 0, "item": 0})
    found: dict[str, set[str]] = {}
    for registry in (learner, lookups):
        for family in registry.collect():
            for sample in family.samples:
                found.setdefault(sample.name, set()).update(sample.labels)
    return found
