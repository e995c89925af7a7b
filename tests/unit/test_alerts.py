"""The alert rules, their texts, their tests and the runbook."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.deployed import (
    COMPARISON,
    DEPLOY,
    ROOT,
    RULES_TEST,
    alerts,
    operands,
    panels,
    read_yaml,
    samples_by_label,
)

each_alert = pytest.mark.parametrize("alert", alerts(), ids=lambda alert: alert["alert"])


@each_alert
def test_an_alert_says_how_bad_it_is_what_it_means_and_what_to_do_first(alert: dict[str, Any]) -> None:
    assert alert["labels"] in ({"severity": "critical"}, {"severity": "warning"})
    assert alert["for"]
    notes = alert["annotations"]
    assert set(notes) == {"summary", "description", "runbook"}
    assert not notes["summary"].endswith(".")
    assert " First " in notes["description"]
    named = re.findall(r'[Pp]anel "([^"]+)"', notes["description"])
    assert named
    assert set(named) <= {panel["title"] for panel in panels()}


@each_alert
def test_an_alert_compares_something_with_a_number(alert: dict[str, Any]) -> None:
    assert COMPARISON.search(alert["expr"])
    bare = re.sub(r"\{[^}]*\}", "", operands(alert["expr"]))
    assert not re.search(r"[<>]|==|!=", bare)


@each_alert
def test_an_alert_asks_for_metrics_that_exist_with_labels_that_they_have(alert: dict[str, Any]) -> None:
    labels = samples_by_label()
    for name, matchers in re.findall(r"\b(lfm_\w+)(?:\{([^}]*)\})?", alert["expr"]):
        assert name in labels
        assert set(re.findall(r"(\w+)=", matchers)) <= labels[name]
    jobs = {job["job_name"] for job in read_yaml(DEPLOY / "prometheus" / "prometheus.yml")["scrape_configs"]}
    assert set(re.findall(r'job="([^"]*)"', alert["expr"])) <= jobs


def test_the_runbook_has_a_section_for_each_alert_and_no_other() -> None:
    text = (ROOT / "docs" / "runbook.md").read_text()
    sections = re.findall(r"^## (\w+)$", text, re.MULTILINE)
    assert sections == [alert["alert"] for alert in alerts()]
    for alert in alerts():
        assert alert["annotations"]["runbook"] == f"docs/runbook.md#{alert['alert'].lower()}"
    named = re.findall(r"[Pp]anel \"([^\"]+)\"", text)
    assert set(named) <= {panel["title"] for panel in panels()}


def test_each_alert_has_a_test_in_which_it_fires_and_one_in_which_it_does_not() -> None:
    fires: set[str] = set()
    quiet: set[str] = set()
    for test in read_yaml(RULES_TEST)["tests"]:
        for case in test["alert_rule_test"]:
            (fires if case.get("exp_alerts") else quiet).add(case["alertname"])
    names = {alert["alert"] for alert in alerts()}
    assert names == fires
    assert names == quiet
