"""The map: an SVG that any XML reader takes, and labels that leave each other alone."""

from __future__ import annotations

from itertools import combinations
from pathlib import Path
from xml.etree.ElementTree import Element, fromstring

import click
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from lfm_online.catalogue import EMPTY, Catalogue, CatalogueItem
from lfm_online.insight.axes import NoAxesError, axes_of
from lfm_online.insight.labels import Box, place_labels
from lfm_online.insight.map import HEIGHT, WIDTH, draw_map
from tests.reading import whole_model
from worker.cli import main
from worker.cli.options import svg_file

SVG = "{http://www.w3.org/2000/svg}"


def read_xml(text: str) -> Element:
    return fromstring(text)  # noqa: S314 - what this process wrote


ROOM = Box(0, 0, 300, 200)


def test_the_map_is_well_formed_whatever_the_titles() -> None:
    model = whole_model()
    catalogue = Catalogue(
        {item: CatalogueItem(f"<b>&\"'{item}]]> 映画", ("A&B", "C<D")) for item in model.items.ids}
    )
    root = read_xml(draw_map(model, axes_of(model), catalogue, 40))
    dots = root.findall(f"{SVG}circle[{SVG}title]")
    assert len(dots) == 40
    assert root.tag == f"{SVG}svg"
    for dot in root.findall(f"{SVG}circle"):
        assert 0 < float(dot.get("cx", "")) < WIDTH
        assert 0 < float(dot.get("cy", "")) < HEIGHT
    texts = [text.text or "" for text in root.findall(f"{SVG}text")]
    assert sum(text.startswith("<b>&") for text in texts) >= 10
    assert sum("of the variance of tastes, in rating points" in text for text in texts) == 2


def test_the_items_drawn_are_those_with_the_most_ratings() -> None:
    model = whole_model()
    drawn = read_xml(draw_map(model, axes_of(model), EMPTY, 10)).findall(f"{SVG}circle/{SVG}title")
    counts = model.items.rows.header["ratings"][:60]
    ids = {(title.text or "").rsplit(" (", 1)[0] for title in drawn}
    least = min(counts[model.items.number(item)] for item in ids)
    assert sum(counts > least) <= 9


def test_the_same_model_gives_the_same_map() -> None:
    first, second = whole_model(), whole_model()
    assert draw_map(first, axes_of(first), EMPTY, 60) == draw_map(second, axes_of(second), EMPTY, 60)


def test_one_axis_makes_no_map_and_is_not_called_none() -> None:
    model = whole_model(factors=1)
    with pytest.raises(NoAxesError, match=r"two axes of taste, and the model's factors have one"):
        draw_map(model, axes_of(model), EMPTY, 10)


@given(st.lists(st.tuples(st.floats(0, 300), st.floats(0, 200), st.text(max_size=12)), max_size=30))
def test_labels_lie_within_the_room_and_cover_no_other_label_or_its_point(
    given_points: list[tuple[float, float, str]],
) -> None:
    points = [(x, y) for x, y, _ in given_points]
    labels = place_labels(points, [text for _, _, text in given_points], 10.0, 2.0, ROOM)
    for one, other in combinations(labels, 2):
        assert not one.box.meets(other.box)
        for box, (x, y) in ((one.box, points[other.number]), (other.box, points[one.number])):
            assert not (box.left < x < box.right and box.top < y < box.bottom)
    assert all(label.box.within(ROOM) for label in labels)
    assert [label.number for label in labels] == sorted(label.number for label in labels)


def test_the_first_point_chooses_first_and_one_without_room_goes_unnamed() -> None:
    labels = place_labels([(50, 50), (50, 50), (299, 199)], ["first", "second", "x" * 100], 10.0, 2.0, ROOM)
    assert [label.number for label in labels] == [0, 1]


@pytest.mark.parametrize("name", ["m.png", "m.svg.pdf"])
def test_a_map_that_would_be_no_svg_by_its_ending_is_refused_before_the_model_is_read(
    name: str, tmp_path: Path
) -> None:
    file = tmp_path / name
    result = CliRunner().invoke(main, ["insight", "map", str(file), "--store", "redis://127.0.0.1:1/0"])
    assert result.exit_code == 2
    assert f"ends in '{file.suffix}'; allowed: .svg" in result.stderr
    assert not file.exists()


@pytest.mark.parametrize("name", ["m.svg", "M.SVG", "/dev/stdout"])
def test_an_svg_may_go_to_any_file_or_to_a_pipe(name: str) -> None:
    command = click.Command("map", params=[click.Argument(["file"], type=Path, callback=svg_file)])
    assert command.make_context("map", [name]).params == {"file": Path(name)}
