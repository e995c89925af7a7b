"""Numbers from the command line that no command can do anything with."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from worker.cli import main
from worker.decode_one import NEWEST_MS


@pytest.mark.parametrize("value", ["nan", "inf"])
@pytest.mark.parametrize(
    "words",
    [
        ["fit", "FILE", "--decay"],
        ["fit", "FILE", "--hold-out"],
        ["demo", "--rate"],
        ["produce", "FILE", "--rate"],
    ],
)
def test_a_number_that_is_not_finite_is_a_usage_error(words: list[str], value: str, tmp_path: Path) -> None:
    file = tmp_path / "ratings.csv"
    file.write_text("user,item,rating,timestamp\nu,i,3,1\n")
    result = CliRunner().invoke(main, [*(str(file) if word == "FILE" else word for word in words), value])
    assert result.exit_code == 2
    assert f"'{words[-1]}': {value} is" in result.output


@pytest.mark.parametrize("words", [["predict", "u", "i"], ["recommend", "u"], ["explain", "u", "i"]])
@pytest.mark.parametrize("at", [str(NEWEST_MS + 1), str(2**63 - 1), str(10**20), "-1"])
def test_a_time_that_the_lookup_server_refuses_is_a_usage_error(words: list[str], at: str) -> None:
    result = CliRunner().invoke(main, [*words, "--at", at])
    assert result.exit_code == 2
    assert f"{at} is not in the range" in result.output
