"""``lfm-online check``: a doctor for what a worker rests on."""

from __future__ import annotations

import json
import sys

import click

from worker.cli.options import settings_options
from worker.settings import Settings
from worker.settings_catalogue import MODEL_SETTINGS

MARKS = {"ok": "[green]ok[/]", "warning": "[yellow]warning[/]", "wrong": "[red]wrong[/]"}


@click.command()
@settings_options(
    "kafka",
    "topic",
    "store",
    "model",
    *MODEL_SETTINGS,
    "dead_letter_topic",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def check(settings: Settings, as_json: bool) -> None:
    """See that broker, topic, store and model are fit, and say what to change. Nothing is changed.

    Give it the worker's settings. A line for each thing that was looked at: ok, warning or wrong. Exit code 1
    if something is wrong.

    \b
    Example:
      lfm-online check --kafka 127.0.0.1:9092 --store redis://127.0.0.1:6379/0
    """
    from rich.console import Console
    from rich.markup import escape

    from worker.diagnosis import Finding, diagnose

    console = Console(soft_wrap=True, highlight=False)
    findings: list[Finding] = []
    for finding in diagnose(settings):
        findings.append(finding)
        if not as_json:
            remedy = f" -> {escape(finding.remedy)}" if finding.remedy else ""
            console.print(f"{MARKS[finding.status]:<9} {finding.what}: {escape(finding.found)}{remedy}")
    wrong = any(finding.status == "wrong" for finding in findings)
    if as_json:
        click.echo(json.dumps({"passed": not wrong, "findings": [each._asdict() for each in findings]}))
    sys.exit(1 if wrong else 0)
