"""The progress bar of the commands."""

import pytest

from worker.cli.reading import Bar


def test_it_shows_what_is_counted(capsys: pytest.CaptureFixture[str]) -> None:
    with Bar() as bar:
        bar.show("items", 1, 2)
        bar.show("items", 2, 2)
    output, error = capsys.readouterr()
    assert output == ""
    assert error.startswith("items ")
    assert " 2/2 " in error


def test_without_anything_to_count_it_leaves_no_empty_line(capsys: pytest.CaptureFixture[str]) -> None:
    with Bar():
        pass
    assert capsys.readouterr() == ("", "")
