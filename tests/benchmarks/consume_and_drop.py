"""The ceiling: the worker's own client at its own settings, which drops what it reads.

``python -m tests.benchmarks.consume_and_drop EVENTS`` prints events a second from the first
record to the last; settings come from the environment, as the worker's do.
"""

from __future__ import annotations

import sys
import time

from worker.pipeline import POLL_RECORDS
from worker.settings import Settings
from worker.source.kafka_python import KafkaPythonSource


def main() -> None:
    """Read that many events."""
    settings = Settings()
    source = KafkaPythonSource(settings)
    events, read, began = int(sys.argv[1]), 0, 0.0
    while read < events:
        found = source.poll(0.2, POLL_RECORDS)
        assigned = source.take_assignment()
        for partition in assigned or ():
            source.seek(partition, 0)
        if found and began == 0.0:
            began = time.perf_counter()
            events -= sum(len(r.offsets) for r in found)
            continue
        read += sum(len(r.offsets) for r in found)
    print(events / (time.perf_counter() - began))
    source.close()


main()
