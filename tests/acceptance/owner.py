"""A stand-in for the demo: a run with dummy processes, for the tests of what it leaves behind.

Prints one JSON object once all is up, then checks its run until something ends it.
"""

import argparse
import json
import os
import signal
import sys
import time
from types import FrameType
from typing import NoReturn

from worker.demo.run import Run

SLEEPER = "import time; time.sleep(600)"
STUBBORN = f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); {SLEEPER}"
PARENT = (
    "import subprocess, sys, time;"
    f"child = subprocess.Popen([sys.executable, '-c', {SLEEPER!r}]);"
    "print(child.pid, flush=True); time.sleep(600)"
)


def stop(_number: int, _frame: FrameType | None) -> NoReturn:
    raise SystemExit(0)


def main(*, parent: int | None, fail: bool, stubborn: bool) -> None:
    signal.signal(signal.SIGTERM, stop)
    with Run(parent) as run:
        names = {"sleeper": STUBBORN if stubborn else SLEEPER, "parent": PARENT}
        pids = [run.start(name, [sys.executable, "-c", code]).pid for name, code in names.items()]
        while not run.tail("parent").strip():
            run.check()
            time.sleep(0.01)
        pids.append(int(run.tail("parent")))
        (run.directory / "file").write_text("a temporary file")
        state = {
            "directory": str(run.directory),
            "pids": pids,
            "owner": os.getpid(),
            "guardian": run.guardian_pid,
        }
        print(json.dumps(state), flush=True)  # noqa: T201 - what the test waits for
        if fail:
            raise RuntimeError("failed as told")
        while True:
            run.check()
            time.sleep(0.05)


if __name__ == "__main__":
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--parent", type=int)
    arguments.add_argument("--fail", action="store_true")
    arguments.add_argument("--stubborn", action="store_true")
    main(**vars(arguments.parse_args()))
