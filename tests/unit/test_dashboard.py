"""The Grafana dashboard, as far as it can be checked without a Grafana."""

from __future__ import annotations

import re
from collections import Counter
from itertools import combinations
from typing import Any

import pytest

from tests.deployed import DEPLOY, dashboard, panel_queries, panels, read_yaml, samples_by_label

# Grafana's names of the units that are used here.
UNITS = {"bool_yes_no", "eps", "none", "ops", "percentunit", "reqps", "s", "short"}
GRID_COLUMNS = 24


@pytest.mark.parametrize("panel", panels(), ids=lambda panel: panel["title"])
def test_a_panel_has_title_description_unit_and_expressions(panel: dict[str, Any]) -> None:
    assert panel["title"].strip()
    assert panel["description"].strip().endswith(".")
    assert panel["fieldConfig"]["defaults"]["unit"] in UNITS
    assert panel["datasource"] == {"type": "prometheus", "uid": "${datasource}"}
    assert panel["targets"]
    assert all(target["expr"].strip() and target["legendFormat"].strip() for target in panel["targets"])
    letters = [target["refId"] for target in panel["targets"]]
    assert letters == [chr(ord("A") + place) for place in range(len(letters))]


def test_panel_ids_and_titles_are_unique() -> None:
    for key in ("id", "title"):
        counts = Counter(
            panel[key] for panel in dashboard()["panels"] if key == "id" or panel["type"] != "row"
        )
        assert [value for value, count in counts.items() if count > 1] == []


def test_panels_lie_within_the_grid_and_do_not_overlap() -> None:
    def cells(panel: dict[str, Any]) -> set[tuple[int, int]]:
        x, y, w, h = (panel["gridPos"][key] for key in "xywh")
        assert x >= 0
        assert y >= 0
        assert w > 0
        assert h > 0
        assert x + w <= GRID_COLUMNS, panel["title"]
        return {(column, line) for column in range(x, x + w) for line in range(y, y + h)}

    for one, other in combinations(dashboard()["panels"], 2):
        assert not cells(one) & cells(other), f"{one['title']} lies over {other['title']}"


def test_panels_stand_in_the_order_of_their_places() -> None:
    places = [(panel["gridPos"]["y"], panel["gridPos"]["x"]) for panel in dashboard()["panels"]]
    assert places == sorted(places)


@pytest.mark.parametrize("query", panel_queries(), ids=lambda query: query.where)
def test_an_expression_asks_for_metrics_that_exist_with_labels_that_they_have(query: Any) -> None:
    labels = samples_by_label()
    selectors = re.findall(r"\b(lfm_\w+)(?:\{([^}]*)\})?", query.expression)
    assert selectors
    for name, matchers in selectors:
        assert name in labels
        matched = re.findall(r"(\w+)\s*[=!]", re.sub(r'"[^"]*"', '""', matchers))
        assert {"job", "instance"} <= set(matched), f"{name} does not follow the variables of the dashboard"
        assert set(matched) - {"job", "instance"} <= labels[name]


@pytest.mark.parametrize("query", panel_queries(), ids=lambda query: query.where)
def test_a_rate_is_over_grafanas_own_interval(query: Any) -> None:
    assert set(re.findall(r"\[([^\]]*)\]", query.expression)) <= {"$__rate_interval"}


def test_every_variable_of_an_expression_is_one_of_the_dashboard() -> None:
    variables = {variable["name"] for variable in dashboard()["templating"]["list"]}
    assert variables == {"datasource", "job", "instance"}
    for query in panel_queries():
        assert set(re.findall(r"\$(\w+)", query.expression)) <= variables | {"__rate_interval"}


def test_every_metric_is_shown_by_some_panel() -> None:
    shown = " ".join(query.expression for query in panel_queries())
    families = {re.sub(r"_(bucket|sum|count|created)$", "", name) for name in samples_by_label()}
    counters = {f"{name}_total" for name in families} & families
    assert [name for name in sorted(families - {name[:-6] for name in counters}) if name not in shown] == []


def test_the_provisioned_data_source_knows_the_scrape_interval_and_the_dashboard_is_found() -> None:
    provisioning = DEPLOY / "grafana" / "provisioning"
    [source] = read_yaml(provisioning / "datasources" / "prometheus.yaml")["datasources"]
    scraping = read_yaml(DEPLOY / "prometheus" / "prometheus.yml")["global"]["scrape_interval"]
    assert source["jsonData"]["timeInterval"] == scraping
    [provider] = read_yaml(provisioning / "dashboards" / "lfm-online.yaml")["providers"]
    mounts = read_yaml(DEPLOY / "compose.yaml")["services"]["grafana"]["volumes"]
    assert f"./grafana/dashboards:{provider['options']['path']}:ro" in mounts
