"""Starts a run's processes, and ends them and removes its directory once the run itself is gone.

It is a process of its own, started by `worker.demo.run`, in a session of its own, so that no Ctrl-C reaches
it or what it starts. It is run by this file's path and uses the standard library only, so that it is up at
once. It starts the processes itself, so that no instant exists in which one is there and nobody knows of
it: each writes its id and start time into the run's record between its fork and its exec.

Standard input and output carry one JSON object a line, request and answer with the same `n`:

    {"n": 1, "start": ARGV, "env": {NAME: VALUE}, "log": PATH, "output": PATH} -> "pid": PID or "error": TEXT
    {"n": 2, "poll": PID}                                                      -> "code": null or CODE
    {"n": 3, "signal": NUMBER, "pid": PID}                                     -> "code": null or CODE

At the end of its input (the run closed it, or was killed), or on a signal:
1. each process is asked to end (SIGTERM), the last started first, and killed if it has not ended within a
   grace time for all;
2. what it had started itself, in its process group, is killed;
3. the directory is removed.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

# For all together. A worker that drains finishes a batch and leaves its group, well under a second; but one
# that is still to be let in can't leave for some seconds, and no broker ends sooner. A kill loses nothing.
GRACE_SECONDS = 2.0
# Linux: a word that each start of the system draws anew.
PROC = Path("/proc/sys/kernel/random/boot_id")


def started_at(pid: int) -> str | None:
    """When process `pid` started, as a word that no other of the same id has; None once it has ended."""
    return _started_by_proc(pid) if PROC.exists() else _started_by_ps(pid)


def _started_by_proc(pid: int) -> str | None:
    try:
        # The second field, the command in parentheses, may hold spaces and parentheses of its own.
        fields = Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()
    except OSError:
        return None
    # Clock ticks since the system's start: so it takes both to tell.
    return None if fields[0] in "ZX" else f"{PROC.read_text().strip()}:{fields[19]}"


def _started_by_ps(pid: int) -> str | None:
    shown = subprocess.run(  # noqa: S603 - fixed words and a number
        ["/bin/ps", "-o", "stat=", "-o", "lstart=", "-p", str(pid)],
        env={"LC_ALL": "C"},
        capture_output=True,
        text=True,
        check=False,
    )
    state, *start = shown.stdout.split() or ["Z"]
    return None if state.startswith("Z") else "_".join(start)


class Children:
    """The processes of a run, by id in the order of their start, each the leader of a process group."""

    def __init__(self, record: int) -> None:
        self._record = record
        self._running: dict[int, subprocess.Popen[bytes]] = {}
        self._codes: dict[int, int] = {}

    def start(self, argv: list[str], env: dict[str, str], log: str, output: str) -> int:
        """Start `argv`; standard error is appended to `log`, standard output to `output`."""

        def enter_record() -> None:
            pid = os.getpid()
            os.write(self._record, f"{pid} {started_at(pid)}\n".encode())

        with Path(log).open("ab") as errors, Path(output).open("ab") as out:
            child = subprocess.Popen(  # noqa: S603 - the run's own commands
                argv,
                env={**os.environ, **env},
                stdin=subprocess.DEVNULL,
                stdout=errors if output == log else out,
                stderr=errors,
                process_group=0,
                preexec_fn=enter_record,  # noqa: PLW1509 - safe: this process has one thread
            )
        self._running[child.pid] = child
        return child.pid

    def poll(self, pid: int) -> int | None:
        """The exit code, minus the signal's number where one ended it; None while it runs."""
        child = self._running.get(pid)
        if child is None:
            return self._codes[pid]
        # Left a zombie until its group is killed: till then nobody else can have its number.
        if os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
            return None
        kill_group(pid)
        self._codes[pid] = child.wait()
        del self._running[pid]
        return self._codes[pid]

    def signal(self, pid: int, number: int) -> int | None:
        """Send signal `number` to a process that still runs."""
        code = self.poll(pid)
        if code is None:
            os.kill(pid, number)
        return code

    def end(self) -> None:
        """End all, the last started first: a worker before the store that it commits to."""
        deadline = time.monotonic() + GRACE_SECONDS
        for pid in reversed(list(self._running)):
            self.signal(pid, signal.SIGTERM)
            while self.poll(pid) is None:
                if time.monotonic() > deadline:
                    self.signal(pid, signal.SIGKILL)
                time.sleep(0.01)


def kill_group(pid: int) -> None:
    """Kill all that is left of the process group that `pid` leads."""
    try:
        os.killpg(pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):  # macOS: a group of zombies only is no permission
        return


def answer(children: Children, request: dict[str, Any]) -> dict[str, Any]:
    """Do what one request asks."""
    if "start" in request:
        try:
            pid = children.start(request["start"], request["env"], request["log"], request["output"])
        except (OSError, subprocess.SubprocessError) as error:
            return {"error": str(error)}
        return {"pid": pid}
    if "poll" in request:
        return {"code": children.poll(request["poll"])}
    return {"code": children.signal(request["pid"], request["signal"])}


def stop(_number: int, _frame: FrameType | None) -> NoReturn:
    """Leave the loop."""
    raise SystemExit


def main(directory: str, record: int) -> None:
    """Serve the run whose pipe is standard input, then clear up after it."""
    os.set_inheritable(record, False)  # the record's lock is this process's and the run's, no child's
    endings = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
    for number in endings:
        signal.signal(number, stop)
    children = Children(record)
    try:
        for line in sys.stdin.buffer:
            request = json.loads(line)
            reply = {"n": request["n"], **answer(children, request)}
            sys.stdout.buffer.write(json.dumps(reply).encode() + b"\n")
            sys.stdout.buffer.flush()
    except BrokenPipeError:
        pass  # the run is gone, and its request with it
    finally:
        for number in endings:
            signal.signal(number, signal.SIG_IGN)
        children.end()
        shutil.rmtree(directory, ignore_errors=True)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
