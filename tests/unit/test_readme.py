"""The README shows what is there: commands, files, lookups; the architecture, where each byte lies."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import click
import numpy as np
import pytest
from prometheus_client import CollectorRegistry

from lfm_online.layout import GLOBALS_HEADER, HEADER, SHARED
from lfm_online.ranking import layout as ranking
from lfm_online.replica import Replica
from lfm_online.rules import adaptive_start, sgd
from lfm_online.store.memory import MemoryServer, MemoryStore
from worker.api.app import create_app
from worker.cli import COMMANDS, main

ROOT = Path(__file__).parents[2]
DOCS = sorted([ROOT / "README.md", *(ROOT / "docs").rglob("*.md")])
README = (ROOT / "README.md").read_text(encoding="utf-8")
ARCHITECTURE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")

CODE = re.compile(r"^```\w*\n(.*?)^```$", re.MULTILINE | re.DOTALL)
IN_LINE = re.compile(r"`([^`\n]+)`")
LINK = re.compile(r"\[[^\]]+\]\(([^)]+)\)")
FILE = re.compile(r"^[\w.-]+(/[\w.-]+)+$")
LOOKUP = re.compile(
    r"(?:(?P<method>GET|POST) |\$L)?(?P<url>/(?:v1/\w+|schema|livez|readyz|metrics)[^\s\"'|`,.]*)"
)

each_doc = pytest.mark.parametrize("doc", DOCS, ids=lambda path: str(path.relative_to(ROOT)))


def commands() -> list[str]:
    """What the README shows that begins with `make` or `lfm-online`, in blocks and in lines."""
    blocks = [line for block in CODE.findall(README) for line in block.splitlines()]
    shown = [*blocks, *IN_LINE.findall(CODE.sub("", README))]
    return [line for line in shown if re.match(r"(make|lfm-online)( |$)", line)]


def group_of() -> click.Context:
    return main.make_context("lfm-online", [], resilient_parsing=True)


def options_of(name: str, then: str = "") -> set[str]:
    """The flags of a command; of a group those of its command ``then``, which it must have."""
    command = main.get_command(group_of(), name)
    if isinstance(command, click.Group):
        command = command.get_command(group_of(), then)
    assert command is not None, (name, then)
    return {flag for parameter in command.params for flag in (*parameter.opts, *parameter.secondary_opts)}


def targets() -> set[str]:
    return set(re.findall(r"^([a-z-]+):[^=]", MAKEFILE, re.MULTILINE))


@pytest.mark.parametrize("line", commands())
def test_every_command_that_is_shown_exists_with_its_options(line: str) -> None:
    program, name, then, *_ = [*line.split(), "", ""]
    flags = set(re.findall(r"(?<=[\s\"])--?[a-z][a-z-]*", line))
    if program == "make":
        assert name in targets()
        assert not flags or flags <= options_of(name)  # ARGS="…" of a target that is a command's name
    elif re.match(r"[a-z]", name):
        assert name in COMMANDS
        assert flags <= options_of(name, then)


def test_every_command_and_every_target_for_people_is_told_of() -> None:
    shown = " ".join(commands())
    assert [name for name in COMMANDS if f"lfm-online {name}" not in shown] == []
    assert [
        name for name in ("demo", "test", "test-real", "lint", "bench") if f"make {name}" not in shown
    ] == []


@each_doc
def test_links_lead_to_files_and_to_headings_that_exist(doc: Path) -> None:
    for link in LINK.findall(CODE.sub("", doc.read_text(encoding="utf-8"))):
        if urlsplit(link).scheme:
            continue
        path, _, anchor = link.partition("#")
        target = (doc.parent / path).resolve() if path else doc
        assert target.exists(), link
        if anchor:
            headings = re.findall(r"^#+ (.+)$", target.read_text(encoding="utf-8"), re.MULTILINE)
            assert anchor in {re.sub(r"[^\w -]", "", h.lower()).replace(" ", "-") for h in headings}, link


@each_doc
def test_files_that_are_named_exist(doc: Path) -> None:
    roots = ("lfm_online/", "worker/", "tests/", "docs/", "deploy/")
    named = [name for name in IN_LINE.findall(doc.read_text(encoding="utf-8")) if FILE.match(name)]
    assert [name for name in named if name.startswith(roots) and not (ROOT / name).exists()] == []


def test_every_lookup_that_is_shown_is_a_route_with_its_parameters() -> None:
    replica = Replica(lambda: MemoryStore(MemoryServer()), "m", users=1)
    app = create_app(replica, live=list, ready=list, registry=CollectorRegistry())
    described: dict[str, Any] = app.openapi_schema.to_schema()["paths"]
    routes = {route.path for route in app.routes}
    section = README.split("## Lookups")[1].split("## Settings")[0]
    shown = set()
    for found in LOOKUP.finditer(section):
        url = urlsplit(found["url"])
        assert url.path in routes, found[0]
        if found["method"]:
            assert found["method"].lower() in described[url.path], found[0]
            shown.add((found["method"].lower(), url.path))
        known = {p["name"] for p in described.get(url.path, {}).get("get", {}).get("parameters", [])}
        assert {name for name, _ in parse_qsl(url.query)} <= known, found[0]
    assert shown == {(method, path) for path, methods in described.items() for method in methods}


def documented(heading: str, rule: str = "") -> list[tuple[int, str, str]]:
    """The rows `| offset | type | field |` below a line of the architecture, perhaps those of one rule."""
    rows, of_rule = [], ""
    for line in ARCHITECTURE.split(heading, 1)[1].split("\n| --- ", 1)[1].splitlines()[1:]:
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if not line.startswith("|"):
            break
        if rule:
            of_rule = cells.pop(0) or of_rule
        if of_rule == rule and cells[0].isdigit() and cells[1]:
            rows.append((int(cells[0]), cells[1], cells[2].split(",")[0]))
    return rows


def laid_out(*records: np.dtype[Any]) -> list[tuple[int, str, str]]:
    """The same of records that lie one behind the other."""
    rows, start = [], 0
    for record in records:
        for name in record.names or ():
            field, at = record.fields[name][:2]  # type: ignore[index]  # a record with names has fields
            count = f"[{field.shape[0]}]" if field.shape else ""
            rows.append((start + at, f"{field.base.name}{count}", name))
        start += record.itemsize
    return rows


@pytest.mark.parametrize(
    ("heading", "rule", "records"),
    [
        ("Header, 28 bytes:", "", [HEADER]),
        ("A user's record", "adaptive", [HEADER, adaptive_start.USER_STATE]),
        ("A user's record", "sgd", [HEADER, sgd.USER_STATE]),
        ("An item's:", "adaptive", [HEADER, adaptive_start.ITEM_STATE]),
        ("An item's:", "sgd", [HEADER, sgd.ITEM_STATE]),
        ("## Globals", "", [GLOBALS_HEADER, SHARED, adaptive_start.RULE_GLOBALS]),
        ("A user's section:", "", [ranking.USER_STATE, np.dtype([("p", "<f4")])]),
        ("An item's section:", "", [ranking.ITEM_STATE, np.dtype([("y", "<f4")])]),
        ("Of the globals:", "", [ranking.GLOBALS]),
    ],
)
def test_the_documented_offsets_are_those_of_the_layout(
    heading: str, rule: str, records: list[np.dtype[Any]]
) -> None:
    found, expected = documented(heading, rule), laid_out(*records)
    if rule:  # the header stands above; the factors follow
        expected = [row for row in expected if row[0] >= HEADER.itemsize]
        factors = found.pop()
        assert factors[:2] == (sum(record.itemsize for record in records), "float32[k]")
    assert [(at, kind.removesuffix("[k]"), name) for at, kind, name in found] == expected
