"""The list of breakages is one of this code, and the document has its result."""

from pathlib import Path

import pytest

from tests.mutants.breakage import Breakage
from tests.mutants.breakages import BREAKAGES

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("breakage", BREAKAGES, ids=lambda b: b.title.replace(" ", "-"))
def test_a_breakage_finds_its_place_and_its_tests(breakage: Breakage) -> None:
    assert (ROOT / breakage.file).read_text().count(breakage.old) == 1
    assert breakage.new != breakage.old
    for test in breakage.tests:
        assert (ROOT / test).exists()


def test_the_document_has_every_breakage_and_each_was_caught() -> None:
    text = (ROOT / "docs" / "faults.md").read_text()
    assert [b.title for b in BREAKAGES if f"| {b.title} | `{b.file}` |" not in text] == []
    assert "**nothing**" not in text
