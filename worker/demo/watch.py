"""What the demo's processes say of themselves, read as any other program would."""

from __future__ import annotations

import json
import urllib.error
import urllib.parse
import urllib.request
from typing import Any, NamedTuple

from prometheus_client.parser import text_string_to_metric_families

Samples = dict[tuple[str, tuple[tuple[str, str], ...]], float]


class Progress(NamedTuple):
    """How far the learner is."""

    learned: int
    dead_letters: int
    handled: int  # events of any outcome
    lag: int
    users: int
    items: int
    rmse: dict[str, float]  # by predictor
    ranked: int  # events of the live hit rate
    hit_rate: dict[str, float]  # by scorer; empty until an event was ranked


def address(url: str, **query: str | int) -> str:
    """A lookup with its query, as anybody can repeat it."""
    return f"{url}?{urllib.parse.urlencode(query)}"


def get_json(url: str, **query: str | int) -> Any:
    """A lookup's answer."""
    with urllib.request.urlopen(address(url, **query), timeout=10) as reply:  # noqa: S310 - our own server's URL
        return json.load(reply)


def is_ready(url: str) -> bool:
    """Whether ``/readyz`` says so."""
    try:
        with urllib.request.urlopen(f"{url}/readyz", timeout=5):  # noqa: S310 - our own server's URL
            return True
    except (urllib.error.URLError, OSError):
        return False


def read_progress(worker_url: str) -> Progress:
    """The learner's progress, from its metrics."""
    with urllib.request.urlopen(f"{worker_url}/metrics", timeout=10) as reply:  # noqa: S310 - our own server's URL
        text = reply.read().decode()
    samples: Samples = {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }
    outcome = {labels[0][1]: int(v) for (name, labels), v in samples.items() if name == "lfm_events_total"}
    rows = {labels[0][1]: int(v) for (name, labels), v in samples.items() if name == "lfm_rows"}
    ranked = samples.get(("lfm_ranked_events_total", ()), 0.0)
    return Progress(
        learned=outcome.get("learned", 0),
        dead_letters=outcome.get("dead_letter", 0),
        handled=sum(outcome.values()),
        lag=int(sum(v for (name, _), v in samples.items() if name == "lfm_lag_events")),
        users=rows.get("user", 0),
        items=rows.get("item", 0),
        rmse={
            dict(labels)["predictor"]: v
            for (name, labels), v in samples.items()
            if name == "lfm_rmse" and dict(labels)["window"] == "all"
        },
        ranked=int(ranked),
        hit_rate={
            dict(labels)["scorer"]: v / ranked
            for (name, labels), v in samples.items()
            if name == "lfm_hits_total" and ranked
        },
    )
