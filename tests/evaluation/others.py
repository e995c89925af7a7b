"""Sections on newcomers, and on what is recommended."""

from __future__ import annotations

from typing import Any, Final

from tests.evaluation.data import DataSet
from tests.evaluation.report import Report, table

_TOP: Final = 10
_LIKE: Final = 4
_SEEDS: Final = (1, 2, 3)
_LEAST: Final = {"ml-100k": (0.223, 0.116), "latest-small": (0.124, 0.066)}
"""Hit rate and NDCG of the shipped scorer, mean of the seeds."""


def newcomers(report: Report) -> str:
    """The cold curve, the questionnaire, and new items known by their attributes."""
    parts = []
    for data in report.sets:
        catalogue = ("--catalogue", data.catalogue) if data.catalogue is not None else ()
        found = report.commands.json("cold-start", data.ratings, "--range", data.range, *catalogue)
        parts.append(f"### {data.name}\n\n{_curve(found['curve'])}\n\n{_asking(found['questionnaire'])}")
        if "attributes" in found:
            parts.append(_attributes(found["attributes"]))
    return "\n\n".join(parts)


def _curve(curve: dict[str, Any]) -> str:
    points = curve["points"]
    return table(
        ["ratings given", *(str(point["given"]) for point in points)],
        [
            ["RMSE", *(f"{point['rmse']:.4f}" for point in points)],
            ["RMSE, bias-only guess", *(f"{point['rmse_bias']:.4f}" for point in points)],
        ],
    )


def _asking(asking: dict[str, Any]) -> str:
    def by(what: str, stops: list[int]) -> str:
        return table(
            [f"RMSE by {what}", *map(str, stops)],
            [[way["way"], *(f"{rmse:.4f}" for rmse in way[f"rmse_by_{what}"])] for way in asking["ways"]],
        )

    return f"{by('questions', asking['questions'])}\n\n{by('answers', asking['answers'])}"


def _attributes(found: dict[str, Any]) -> str:
    named = {f"their first {n}": row for n, row in found["first"].items()} | {"the whole file": found["all"]}
    rows = [
        [name, f"{row['ratings']:,}", f"{row['rmse']:.4f}", f"{row['rmse_attributes']:.4f}"]
        for name, row in named.items()
    ]
    headings = [
        f"{found['items']:,} new items: RMSE over",
        "ratings",
        "without attributes",
        "with attributes",
    ]
    return table(headings, rows)


def recommended(report: Report) -> str:
    """Full-catalogue ranking beside refitted peers."""
    return "\n\n".join(_ranked(report, data) for data in report.sets if data.name != "dslabs")


def _ranked(report: Report, data: DataSet) -> str:
    asked = ("evaluate", data.ratings, "--range", data.range, "--top", _TOP, "--like", _LIKE)
    with_peers = report.commands.json(*asked, "--seed", _SEEDS[0], "--compare", "als,knn,ease,popular")
    seeds = [with_peers, *(report.commands.json(*asked, "--seed", seed) for seed in _SEEDS[1:])]
    peers = with_peers["compare"]["top"]
    rows = [_row(row["name"], row) for row in with_peers["top"]["scorers"]]
    rows += [_row(f"{row['peer']}, {row['how']}: {row['constants']}", row) for row in peers]
    means = [sum(found[key] for found in seeds) / len(seeds) for key in ("hit_rate", "ndcg")]
    if data.name in _LEAST:
        for what, measured, least in zip(("hit rate", "NDCG"), means, _LEAST[data.name], strict=True):
            report.at_least(f"{data.name}: {what} at {_TOP}, mean of {len(_SEEDS)} seeds", measured, least)
        best = max(row["ndcg"] for row in peers)
        report.at_least(f"{data.name}: NDCG at {_TOP} above every peer's", with_peers["ndcg"] - best, 0.0)
    headings = [
        f"{with_peers['top']['ranked']:,} events",
        "hit rate",
        "NDCG",
        "shown",
        "more popular",
        "hits rated",
    ]
    grids = "\n".join(f"Grid of {peer}: {grid}.\n" for peer, grid in with_peers["compare"]["grids"].items())
    mean = f"The first line, mean of {len(_SEEDS)} seeds: hit rate {means[0]:.4f}, NDCG {means[1]:.4f}."
    return f"### {data.name}\n\n{table(headings, rows)}\n\n{mean}\n\n{grids.strip()}"


def _row(name: str, found: dict[str, Any]) -> list[str]:
    return [
        name,
        f"{found['hit_rate']:.4f}",
        f"{found['ndcg']:.4f}",
        f"{found['coverage']:.1%}",
        f"{found['popularity_rank']:.1%}",
        "" if found["hit_rating"] is None else f"{found['hit_rating']:.3f}",
    ]
