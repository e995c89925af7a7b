"""The demo, interrupted while it replays."""

import json
import signal
from pathlib import Path

import pytest

from tests.acceptance.workers import until
from tests.commands import StartCommand
from worker.demo.watch import read_progress


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_during_the_replay_stops_it_and_nothing_else_is_said(
    process: StartCommand, tmp_path: Path, number: signal.Signals
) -> None:
    file = tmp_path / "ratings.csv"
    lines = [f"u{n % 50},i{n % 70},{n % 5 + 1},{1_700_000_000 + n}\n" for n in range(20_000)]
    file.write_text("user,item,rating,timestamp\n" + "".join(lines))
    demo = process("demo", "--data", str(file), "--rate", "100", "--json")
    until(lambda: demo.output.endswith("\n"), demo)
    addresses = json.loads(demo.output)
    until(lambda: read_progress(addresses["worker"]).handled > 0, demo)

    demo.send_signal(number)

    assert demo.wait() == 0
    bar = f"/{len(lines)} "
    assert [line for line in demo.log.splitlines() if bar not in line and line.strip()] == [
        "starting an embedded broker and store, a worker, and a lookup server …",
        "stopped",
    ]
    assert json.loads(demo.output) == addresses  # no summary of what was not learned
