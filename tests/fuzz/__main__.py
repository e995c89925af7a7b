"""Records by libFuzzer, which is led by what of the decoder it has reached: needs `pip install atheris`.

`python -m tests.fuzz -runs=100000`; further flags are libFuzzer's. A record that breaks something is
written to a file, and `python -m tests.fuzz FILE` repeats it.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["worker"]):
    from tests.fuzz.records import check_record
from tests.made_records import event, raw

SEEDS = (
    event(),
    event(rating=None),
    event(timestamp=..., user_id=7),
    event(note={"a": [1, 2.5e3, "\u00fc\n"]}),
    raw("rating", "-1e-3"),
    raw("user_id", '"\\u00fc\\ud83d\\ude00"'),
)


def one(data: bytes) -> None:
    """One record as libFuzzer made it; its first byte decides about key and value."""
    kind, value = data[:1], data[1:]
    check_record(None if kind == b"\0" else value, None if kind == b"\1" else b"u")


def main() -> None:
    """Go on until it is told to stop, or something breaks."""
    with tempfile.TemporaryDirectory(prefix="lfm-fuzz-") as corpus:
        for number, seed in enumerate(SEEDS):
            Path(corpus, str(number)).write_bytes(b"v" + seed)
        atheris.Setup([*sys.argv, corpus], one)
        atheris.Fuzz()


if __name__ == "__main__":
    main()
