"""What a run leaves behind, however it ends: no process and no file."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, cast

import pytest

from worker.demo import guardian, leftovers
from worker.demo.run import ParentLostError, ProcessEndedError, Run

OWNER = [sys.executable, "-m", "tests.acceptance.owner"]
ROOT = Path(__file__).parents[2]
# What ends a wait that would never end; nothing here is measured against it.
PATIENCE_SECONDS = 60.0


@dataclass
class Owner:
    """A started owner of a run. `pid` is the owner's, `popen` perhaps its parent's."""

    popen: subprocess.Popen[str]
    pid: int
    guardian: int
    directory: Path
    pids: list[int]

    def all_gone(self) -> bool:
        return self.processes_gone() and not self.directory.exists()

    def processes_gone(self) -> bool:
        return not any(guardian.started_at(pid) for pid in [*self.pids, self.pid, self.guardian])


StartOwner = Callable[..., Owner]


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The system's temporary directory as these runs see it."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    return tmp_path


@pytest.fixture
def start_owner(temporary: Path) -> Iterator[StartOwner]:
    started: list[subprocess.Popen[str]] = []
    # These tests may themselves be run by a make, whose flags another make would take over.
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}

    def start(argv: list[str] = OWNER) -> Owner:
        popen = subprocess.Popen(
            argv,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=ROOT,
            env={**inherited, "TMPDIR": str(temporary), "PYTHONPATH": str(ROOT)},
        )
        started.append(popen)
        line = cast(IO[str], popen.stdout).readline()
        assert line, cast(IO[str], popen.stderr).read()
        state = json.loads(line)
        directory = Path(state["directory"])
        return Owner(popen, state["owner"], state["guardian"], directory, state["pids"])

    yield start
    for popen in started:
        popen.kill()
        popen.communicate(timeout=PATIENCE_SECONDS)
    leftovers.sweep()


def until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not true():
        assert time.monotonic() < deadline, "it never came to be"
        time.sleep(0.02)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_to_the_owner_leaves_nothing_behind(start_owner: StartOwner, number: signal.Signals) -> None:
    owner = start_owner()
    owner.popen.send_signal(number)
    owner.popen.wait(PATIENCE_SECONDS)
    until(owner.all_gone)


def test_an_exception_leaves_nothing_behind_and_is_shown(start_owner: StartOwner) -> None:
    owner = start_owner([*OWNER, "--fail"])
    _, errors = owner.popen.communicate(timeout=PATIENCE_SECONDS)
    assert owner.popen.returncode == 1
    assert "failed as told" in errors
    assert owner.all_gone()  # at once: the owner waits for the guardian to clear up


def test_a_killed_owner_leaves_nothing_behind(start_owner: StartOwner) -> None:
    owner = start_owner()
    owner.popen.kill()
    owner.popen.wait(PATIENCE_SECONDS)
    until(owner.all_gone)


def test_a_process_that_will_not_end_is_killed(start_owner: StartOwner) -> None:
    owner = start_owner([*OWNER, "--stubborn"])
    owner.popen.terminate()
    owner.popen.wait(PATIENCE_SECONDS)
    assert owner.all_gone()


def test_a_killed_make_stops_the_owner_that_it_ran(start_owner: StartOwner, tmp_path: Path) -> None:
    makefile = tmp_path / "Makefile"
    makefile.write_text(f"demo:\n\t@exec {' '.join(OWNER)} --parent $$PPID\n")
    owner = start_owner(["make", "--no-print-directory", "-f", str(makefile), "demo"])
    assert owner.popen.pid != owner.pid
    owner.popen.kill()
    owner.popen.wait(PATIENCE_SECONDS)
    until(owner.all_gone)


def test_a_parent_that_was_gone_before_the_run_began_is_noticed(temporary: Path) -> None:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    with Run(parent=ended.pid) as run, pytest.raises(ParentLostError, match=str(ended.pid)):
        run.check()


def test_an_owner_whose_guardian_is_killed_stops_and_clears_up_itself(start_owner: StartOwner) -> None:
    owner = start_owner()
    os.kill(owner.guardian, signal.SIGKILL)
    _, errors = owner.popen.communicate(timeout=PATIENCE_SECONDS)
    assert "GuardianLostError" in errors
    until(owner.all_gone)


def test_a_guardian_that_is_told_to_end_clears_up_first(start_owner: StartOwner) -> None:
    owner = start_owner()
    os.kill(owner.guardian, signal.SIGTERM)
    owner.popen.wait(PATIENCE_SECONDS)
    until(owner.all_gone)


def test_what_a_killed_guardian_and_owner_left_is_swept_by_the_next_run(start_owner: StartOwner) -> None:
    owner = start_owner()
    os.kill(owner.pid, signal.SIGSTOP)  # so that it does not clear up before it is killed as well
    os.kill(owner.guardian, signal.SIGKILL)
    owner.popen.kill()
    owner.popen.wait(PATIENCE_SECONDS)
    until(lambda: guardian.started_at(owner.guardian) is None)
    assert owner.directory.exists()
    assert guardian.started_at(owner.pids[0])

    other = start_owner()
    assert owner.all_gone()
    assert guardian.started_at(other.pids[0])


def test_a_sweep_leaves_a_live_run_alone(start_owner: StartOwner) -> None:
    owner = start_owner()
    assert leftovers.sweep() == []
    # The owner is gone, but its guardian still has to clear up.
    os.kill(owner.guardian, signal.SIGSTOP)
    owner.popen.kill()
    owner.popen.wait(PATIENCE_SECONDS)
    assert leftovers.sweep() == []
    os.kill(owner.guardian, signal.SIGCONT)
    until(owner.all_gone)


def test_a_sweep_spares_a_process_that_got_the_number_of_a_recorded_one(temporary: Path) -> None:
    other = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], process_group=0)
    directory = temporary / f"{leftovers.PREFIX}earlier"
    directory.mkdir()
    (directory / leftovers.RECORD).write_text(f"{other.pid} another-start\n")
    assert leftovers.sweep() == [directory]
    assert not directory.exists()
    assert other.poll() is None
    other.kill()
    other.wait()


def test_runs_that_start_together_do_not_sweep_each_other(start_owner: StartOwner) -> None:
    owners = [start_owner() for _ in range(4)]
    assert len({owner.directory for owner in owners}) == 4
    assert all(owner.directory.exists() and owner.popen.poll() is None for owner in owners)


def test_processes_end_in_reverse_order_of_their_start(temporary: Path) -> None:
    log = temporary / "order"
    code = (
        "import signal, sys, time;"
        "signal.signal(signal.SIGTERM, lambda *_: (open(sys.argv[2], 'a').write(sys.argv[1]), sys.exit()));"
        "print('up', flush=True); time.sleep(600)"
    )
    names = ("store", "worker", "lookups")
    with Run() as run:
        for name in names:
            run.start(name, [sys.executable, "-c", code, f"{name} ", str(log)])
        until(lambda: all(run.tail(name) == "up" for name in names))
    assert log.read_text().split() == ["lookups", "worker", "store"]


def test_a_process_that_ends_by_itself_is_told_with_the_end_of_its_log(temporary: Path) -> None:
    with Run() as run:
        worker = run.start("worker", [sys.executable, "-c", "print('no luck'); raise SystemExit(3)"])
        until(lambda: worker.poll() is not None)
        with pytest.raises(ProcessEndedError, match=r"(?s)worker .* ended with code 3; .*no luck"):
            run.check()
        run.check()  # told once


def test_a_program_that_is_not_there_is_told(temporary: Path) -> None:
    with Run() as run, pytest.raises(ProcessEndedError, match="no-such-program"):
        run.start("worker", ["no-such-program"])


def test_standard_output_and_the_log_are_apart_when_asked(temporary: Path) -> None:
    with Run() as run:
        output = run.directory / "output"
        code = "import os, sys; print(os.environ['WORD']); print('to the log', file=sys.stderr)"
        run.start("worker", [sys.executable, "-c", code], env={"WORD": "ö"}, output=output).wait()
        assert (output.read_text(), run.tail("worker")) == ("ö\n", "to the log")


@pytest.mark.parametrize("started", [guardian.started_at, guardian._started_by_ps])
def test_a_start_time_stays_the_same_and_ends_with_the_process(started: Callable[[int], str | None]) -> None:
    if not Path("/bin/ps").exists():
        pytest.skip("this system has no ps, and needs none: it has /proc")
    process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    first = started(process.pid)
    assert first
    assert started(process.pid) == first
    process.kill()
    until(lambda: started(process.pid) is None)  # a zombie has ended
    process.wait()
    assert started(process.pid) is None
