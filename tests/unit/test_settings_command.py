"""``lfm-online settings``, and the flags that other commands get from the settings."""

from __future__ import annotations

import json

import click
import pytest
from click.testing import CliRunner

from worker.cli import main
from worker.cli.options import settings_options
from worker.cli.serve import serve
from worker.cli.worker import worker
from worker.settings import Settings
from worker.settings_catalogue import ACCESS_SETTINGS, catalogue


@click.command()
@settings_options("factors", "rating_range", "new_model")
def show(settings: Settings) -> None:
    click.echo(f"{settings.factors} {settings.rating_range} {settings.new_model} {settings.seed}")


def test_settings_lists_every_setting_in_each_form() -> None:
    objects = json.loads(CliRunner().invoke(main, ["settings", "--json"]).output)
    table = CliRunner(env={"COLUMNS": "400"}).invoke(main, ["settings"]).output
    markdown = CliRunner().invoke(main, ["settings", "--markdown"]).output
    assert [each["name"] for each in objects] == list(Settings.model_fields)
    for each in objects:
        assert each["variable"] in table
        assert f"| `{each['variable']}` |" in markdown


@pytest.mark.parametrize("columns", [80, 119, 120, 200])
def test_a_terminal_of_any_usual_width_shows_every_name_whole(columns: int) -> None:
    # FORCE_COLOR has rich take the test's pipe for a terminal; TERM has it leave colours out all the same.
    env = {"COLUMNS": str(columns), "FORCE_COLOR": "1", "TERM": "dumb"}
    output = CliRunner(env=env).invoke(main, ["settings"]).output
    assert max(map(len, output.splitlines())) <= columns
    words = set(output.split())
    for name, entry in catalogue().items():
        assert {name, entry.variable} <= words


def test_without_a_terminal_each_setting_has_a_line_with_all_of_it() -> None:
    header, *lines = CliRunner(env={"COLUMNS": "80"}).invoke(main, ["settings"]).output.splitlines()
    assert "environment variable" in header
    for line, entry in zip(lines, catalogue().values(), strict=True):
        for part in (entry.name, entry.variable, entry.default, entry.unit, entry.allowed, entry.meaning):
            assert part in line


def test_a_command_gets_flags_for_the_settings_it_names_and_the_rest_from_the_environment() -> None:
    runner = CliRunner(env={"LFM_SEED": "7", "LFM_FACTORS": "9"})
    flagged = runner.invoke(show, ["--factors", "4", "--range", "1,5", "--new-model"])
    assert flagged.output == "4 1,5 True 7\n"
    assert runner.invoke(show, []).output == "9 0.5,5 False 7\n"
    assert (
        runner.invoke(show, ["--no-new-model"], env={"LFM_NEW_MODEL": "true"}).output == "9 0.5,5 False 7\n"
    )
    assert runner.invoke(show, ["--seed", "1"]).exit_code == 2


def test_every_setting_but_logins_and_certificates_is_a_flag_of_the_worker_or_the_lookup_server() -> None:
    flags = {param.name for each in (worker, serve) for param in each.params}
    assert set(Settings.model_fields) - flags == set(ACCESS_SETTINGS) - flags


@pytest.mark.parametrize(
    ("args", "env", "said"),
    [
        (["--factors", "0"], {}, "--factors, LFM_FACTORS"),
        ([], {"LFM_STORE": "x"}, "LFM_STORE"),
        ([], {"LFM_NO": "1"}, "LFM_NO is not a setting"),
    ],
)
def test_a_setting_that_is_not_allowed_is_a_usage_error_that_names_it(
    args: list[str], env: dict[str, str], said: str
) -> None:
    result = CliRunner(env=env).invoke(show, args)
    assert result.exit_code == 2
    assert said in result.output
