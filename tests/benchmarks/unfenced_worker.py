"""``python -m tests.benchmarks.unfenced_worker worker``: a worker whose commits nothing guards.

Its rows go as many a command as the guarded worker's.
"""

from __future__ import annotations

from tests.benchmarks.unfenced_store import UnfencedStore
from worker import access
from worker.cli import main

if __name__ == "__main__":
    vars(access)["RedisStore"] = UnfencedStore  # what every part of the worker opens
    main()
