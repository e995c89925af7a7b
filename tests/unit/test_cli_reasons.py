"""Reasons of dead letters on the command line."""

import pytest
from click.testing import CliRunner

from worker.cli import main


@pytest.mark.parametrize("command", ["list", "send"])
def test_a_reason_that_there_is_not_is_a_usage_error_that_names_those_there_are(command: str) -> None:
    result = CliRunner().invoke(main, ["dead-letters", command, "--kafka", "127.0.0.1:1", "--reason", "ugly"])
    assert result.exit_code == 2
    assert "--reason is 'ugly'; allowed: malformed, type, " in result.output
