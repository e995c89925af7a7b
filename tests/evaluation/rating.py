"""Sections on predicted ratings: in the stream, held out, bands, factors, what each part buys."""

from __future__ import annotations

from typing import Any, Final

from tests.evaluation.report import Report, table

_FACTORS: Final = (8, 16, 64, 128, 32)  # the rest is measured with the last, the default
_RMSE: Final = {"ml-100k": 0.9198, "latest-small": 0.8366, "dslabs": 0.8647}
_EVENTS_PER_SECOND: Final = 3_000_000
_BETTER_PERCENT: Final = 2.5
_IN_SAMPLE: Final = {"10": 0.94, "50": 0.90, "100": 0.88, "200": 0.87, "in full": 0.86}
"""Errors after truncating a decomposition of the very ratings that it is measured on, as often taught."""


def in_the_stream(report: Report) -> str:
    """Each set in one pass with the shipped defaults, beside River and the textbook rule."""
    parts = []
    for data in report.sets:
        chart = report.charts / f"{data.name}.svg"
        found = report.commands.json(
            "evaluate",
            data.ratings,
            *("--range", data.range),
            *("--factors", ",".join(map(str, _FACTORS))),
            *("--compare", "river,sgd,mean,bias"),
            "--ablate",
            *("--plot", chart),
        )
        report.results[data.name] = found
        _stream_goals(report, data.name, found)
        parts.append(f"### {data.name}\n\n{_stream_table(found)}\n\n{_grids(found)}")
        parts.append(
            f"![RMSE over the stream, calibration, cohorts, factors]({chart.parent.name}/{chart.name})"
        )
    return "\n\n".join(parts)


def _stream_goals(report: Report, name: str, found: dict[str, Any]) -> None:
    if name not in _RMSE:
        return
    report.at_most(f"{name}: RMSE", found["rmse"], _RMSE[name])
    report.at_least(f"{name}: events/s in the kernel", found["events_per_second"], _EVENTS_PER_SECOND)
    river = next(
        row for row in found["compare"]["online"] if row["peer"] == "river" and row["how"] != "defaults"
    )
    report.at_least(f"{name}: percent better than River's best", river["better_by_percent"], _BETTER_PERCENT)


def _stream_table(found: dict[str, Any]) -> str:
    rows = [
        [
            f"**{found['rule']}**, defaults, {found['factors']} factors",
            f"**{found['rmse']:.4f}**",
            f"{found['mae']:.4f}",
            f"{found['rmse_last_half']:.4f}",
            "",
            f"{found['events_per_second']:,.0f}",
        ]
    ]
    for row in found["compare"]["online"]:
        constants = "" if row["how"] == "defaults" else f": {row['constants']}"
        rows.append(
            [
                f"{row['peer']}, {row['how']}{constants}",
                f"{row['rmse']:.4f}",
                f"{row['mae']:.4f}",
                f"{row['rmse_last_half']:.4f}",
                f"{row['better_by_percent']:.2f}%",
                f"{row['events_per_second']:,.0f}",
            ]
        )
    for name, key in (("bias-only guess", "bias"), ("running mean", "mean")):
        rmse, last = found[f"rmse_{key}"], found[f"rmse_{key}_last_half"]
        better = 100 * (rmse - found["rmse"]) / rmse
        rows.append([name, f"{rmse:.4f}", f"{found[f'mae_{key}']:.4f}", f"{last:.4f}", f"{better:.2f}%", ""])
    headings = [
        f"{found['events']:,} ratings",
        "RMSE",
        "MAE",
        "RMSE, last half",
        "ours better by",
        "events/s",
    ]
    return table(headings, rows)


def _grids(found: dict[str, Any]) -> str:
    return "\n".join(f"Grid of {peer}: {grid}.\n" for peer, grid in found["compare"]["grids"].items()).strip()


def held_out(report: Report) -> str:
    """Held-out parts of ML-100K, beside Surprise."""
    data = report.sets[0]
    found = report.commands.json(
        "evaluate",
        data.ratings,
        *("--range", data.range),
        *(word for plan in ("cv:5", "random:0.9", "time:0.8") for word in ("--split", plan)),
        *("--compare", "surprise"),
    )
    epochs = report.commands.json("fit", data.ratings, "--range", data.range, *_TEXTBOOK, "--dry-run")
    rows = [
        [split["split"], f"{split['train']:,}", f"{split['test']:,}"]
        + [f"{split[way]['rmse']:.4f}" for way in ("frozen", "kept_learning")]
        + [f"{split['frozen']['rmse_bias']:.4f}"]
        for split in found["splits"]
    ]
    splits = table(["split", "trained", "tested", "frozen", "learning on", "bias-only, frozen"], rows)
    folds = table(
        [f"{found['compare']['folds']} folds, frozen", "RMSE", "MAE"],
        [
            [f"{row['peer']}, {row['how']}: {row['constants']}", f"{row['rmse']:.4f}", f"{row['mae']:.4f}"]
            for row in found["compare"]["batch"]
        ],
    )
    by_plan = {split["split"]: split for split in found["splits"]}
    d2l = table(
        ["random 90/10, each of its own draw", "passes", "RMSE"],
        [
            ["adaptive, frozen", "1", f"{by_plan['random:0.9']['frozen']['rmse']:.4f}"],
            ["sgd", str(epochs["epochs"]), f"{epochs['rmse_held_out']:.4f}"],
            ["as stated in Dive into Deep Learning, matrix factorisation, 20 passes", "20", "1.043"],
        ],
    )
    if data.name == "ml-100k":
        report.at_most("ml-100k, 5 folds: RMSE of one pass", by_plan["cv:5"]["frozen"]["rmse"], 0.9145)
        report.at_most(
            "ml-100k, random 90/10: RMSE of adaptive", by_plan["random:0.9"]["frozen"]["rmse"], 0.911
        )
        report.at_most("ml-100k, random 90/10: RMSE of sgd", epochs["rmse_held_out"], 0.95)
    grid = f"Grid of surprise: {found['compare']['grids']['surprise']}."
    return f"{splits}\n\n{folds}\n\n{grid}\n\n{d2l}"


_TEXTBOOK: Final = ("--rule", "sgd", "--hold-out", "0.1")


def textbook(report: Report) -> str:
    """The textbook rule's links, with biases and without."""
    data = report.sets[0]
    rows = []
    for link in ("clip", "sigmoid_range"):
        for flag, named in (("--sgd-biases", "biases"), ("--no-sgd-biases", "no biases")):
            asked = ("fit", data.ratings, "--range", data.range, *_TEXTBOOK, "--sgd-link", link, flag)
            found = report.commands.json(*asked, "--dry-run")
            rows.append([f"{link}, {named}", str(found["epochs"]), f"{found['rmse_held_out']:.4f}"])
    return table([f"sgd on {data.name}", "epochs", "RMSE of the tenth held out"], rows)


def factors(report: Report) -> str:
    """RMSE, bytes and speed by the number of factors, beside the usual in-sample figures."""
    names = [data.name for data in report.sets]
    rows = []
    for place in sorted(range(len(_FACTORS)), key=_FACTORS.__getitem__):
        by_set = [_result(report, name)["by_factors"][place] for name in names]
        first = by_set[0]
        rows.append(
            [
                str(first["factors"]),
                *(f"{row['rmse']:.4f}" for row in by_set),
                str(first["user_row_bytes"]),
                str(first["item_row_bytes"]),
                *(f"{row['events_per_second']:,.0f}" for row in by_set),
            ]
        )
    headings = ["factors", *names, "bytes a user", "bytes an item", *(f"events/s, {name}" for name in names)]
    in_sample = table(
        ["factors kept", *_IN_SAMPLE], [["RMSE in sample", *(f"{rmse:.2f}" for rmse in _IN_SAMPLE.values())]]
    )
    said = (
        "The usual figures for a truncated decomposition are errors on the ratings that it was made from; "
        "more factors always look better there. Above, each rating was predicted before it was learned."
    )
    return f"{table(headings, rows)}\n\n{said}\n\n{in_sample}"


def bands(report: Report) -> str:
    """What the stated bands hold, and the likelihood."""
    rows = []
    for data in report.sets:
        found = _result(report, data.name)
        for where, suffix in (("all", ""), ("last half", "_last_half")):
            coverage = found[f"coverage{suffix}"]
            rows.append(
                [
                    f"{data.name}, {where}",
                    *(f"{coverage[level]:.1%}" for level in ("50", "80", "90")),
                    f"{found[f'log_likelihood{suffix}']:.4f}",
                    f"{found[f'log_likelihood_bias{suffix}']:.4f}",
                ]
            )
        if data.name in _RMSE:
            last = found["coverage_last_half"]
            for level, low, high in (("90", 0.89, 0.91), ("50", 0.48, 0.52)):
                report.at_least(f"{data.name}, last half: share in the {level}% band", last[level], low)
                report.at_most(f"{data.name}, last half: share in the {level}% band", last[level], high)
            gained = found["log_likelihood"] - found["log_likelihood_bias"]
            report.at_least(f"{data.name}: log-likelihood above the bias-only guess's", gained, 0.0)
    headings = ["ratings held by the band of", "50%", "80%", "90%", "log-likelihood", "bias-only guess's"]
    return table(headings, rows)


def parts(report: Report) -> str:
    """What is lost without each part of the rule."""
    names = [data.name for data in report.sets]
    by_set = [_result(report, name)["ablation"] for name in names]
    rows = [
        [
            at_once[0]["without"],
            *(f"{row['rmse_lost']:.4f}" for row in at_once),
            *(f"{row['log_likelihood_lost']:.4f}" for row in at_once),
        ]
        for at_once in zip(*by_set, strict=True)
    ]
    headings = [
        "without",
        *(f"RMSE, {name}" for name in names),
        *(f"log-likelihood, {name}" for name in names),
    ]
    return table(headings, rows)


def _result(report: Report, name: str) -> Any:
    return report.results[name]
