"""The command line's help: fast, and with an example everywhere."""

from __future__ import annotations

import subprocess
import sys

import pytest
from click.testing import CliRunner

from worker.cli import COMMANDS, main
from worker.cli.export import EXPORTS
from worker.cli.insight import INSIGHTS

ALL = [*COMMANDS, *(f"insight {name}" for name in INSIGHTS), *(f"export {name}" for name in EXPORTS)]


@pytest.mark.parametrize("command", ALL)
def test_every_command_has_help_with_an_example(command: str) -> None:
    result = CliRunner().invoke(main, [*command.split(), "--help"], catch_exceptions=False)
    assert result.exit_code == 0
    assert f"lfm-online {command}" in result.output.split("Example")[1]
    assert "None" not in result.output  # a bound that there isn't


def test_the_group_lists_every_command() -> None:
    output = CliRunner().invoke(main, ["--help"]).output
    listed = [line.split()[0] for line in output.split("Commands:")[1].splitlines() if line[2:3].isalpha()]
    assert listed == list(COMMANDS)


def test_help_loads_neither_numba_nor_kafka() -> None:
    code = (
        "import sys\n"
        "from worker.cli import main\n"
        "for words in (['--help'], ['insight', '--help'], ['export', '--help']):\n"
        "    main(words, standalone_mode=False)\n"
        "print(sorted({'numba', 'kafka', 'numpy', 'pydantic', 'litestar'} & set(sys.modules)))"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.splitlines()[-1] == "[]"


def test_sending_dead_letters_says_what_it_does_to_other_models_of_the_topic() -> None:
    output = CliRunner().invoke(main, ["dead-letters", "send", "--help"]).output
    text = " ".join(output.split("Options:")[0].split())
    assert "every model of the topic learns them" in text
    assert "send only what no other has learned" in text


@pytest.mark.parametrize(("command", "flag"), [("replay", "--into"), ("verify", "--against")])
def test_a_second_models_name_that_is_not_allowed_is_named_with_its_own_flag(command: str, flag: str) -> None:
    result = CliRunner().invoke(main, [command, flag, "a{b}"])
    assert result.exit_code == 2
    assert f"{flag} is 'a{{b}}'; allowed: 1 to 64 letters" in " ".join(result.output.split())


def test_an_unknown_command_is_a_usage_error() -> None:
    result = CliRunner().invoke(main, ["lern"])
    assert result.exit_code == 2
    assert "lern" in result.output
