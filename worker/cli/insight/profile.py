"""What ``insight user`` and ``insight item`` share."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from worker.cli.insight.show import interval, named, note_on_variances, print_columns
from worker.cli.lookup import print_json
from worker.cli.reading import in_words, read_whole_model
from worker.settings import Settings

if TYPE_CHECKING:
    from lfm_online.insight.profiles import OnAxis, Profile
    from lfm_online.layout import Kind


def show_profile(
    settings: Settings,
    kind: Kind,
    row_id: str,
    n: int,
    n_axes: int,
    least: int,
    catalogue_file: Path | None,
    *,
    as_json: bool,
) -> None:
    """Read one user or item, and print what was found."""
    from lfm_online.insight.axes import NoAxesError, axes_of
    from lfm_online.insight.profiles import read_profile

    with in_words(NoAxesError):
        model, catalogue = read_whole_model(settings, catalogue_file)
        found = read_profile(model, axes_of(model), kind, row_id, catalogue, n_axes=n_axes, n=n, least=least)
    if as_json:
        print_json(found)
    else:
        _print(found)


def _print(found: Profile) -> None:
    bias = found.bias
    sure = "" if bias.low is None else f" (90%: {interval(bias.low, bias.high)})"
    click.echo(
        f"{found.kind} {named(bias.id, bias.title)}: {bias.ratings:,} ratings, bias {bias.bias:+.2f}{sure} "
        f"{found.units}{note_on_variances(found.rule, [bias])}\n"
    )
    unit = "deviations" if found.kind == "user" else found.units
    print_columns(
        f"place on the axes of taste, in {unit}",
        [_axis_row(each) for each in found.axes],
        "axis",
        "at",
        "90% interval",
        "towards",
        names=(0, 3),
    )
    print_columns(
        f"nearest {found.kind}s",
        [
            (named(each.id, each.title), f"{each.agreement:+.2f}", f"{each.ratings:,}")
            for each in found.nearest
        ],
        found.kind,
        "agreement",
        "ratings",
    )


def _axis_row(axis: OnAxis) -> tuple[str, ...]:
    towards = "; ".join(place.title or place.id for place in axis.towards)
    return str(axis.axis), f"{axis.at:+.2f}", interval(axis.low, axis.high), towards
