"""What a deliberate breakage is, and the names of files that several of them share."""

from __future__ import annotations

from typing import Final, NamedTuple

SIMULATION: Final = "tests/simulation"
STORE: Final = "tests/contracts/test_store.py"
FAILURES: Final = "tests/contracts/test_store_failures.py"
REDIS: Final = "tests/contracts/test_store_redis.py"
SOURCE: Final = "tests/contracts/test_source.py"
TWINS: Final = "tests/unit/test_rules_against_twins.py"

CHECKPOINT: Final = "worker/checkpoint.py"
PIPELINE: Final = "worker/pipeline.py"
LISTENER: Final = "worker/source/listener.py"
CONSUMER: Final = "worker/source/consumer_settings.py"
COMMIT_OF: Final = "worker/commit_of.py"
REDIS_STORE: Final = "lfm_online/store/redis.py"
TRANSACTION: Final = "lfm_online/store/transaction.py"
REPLICA: Final = "lfm_online/replica.py"


class Breakage(NamedTuple):
    """One deliberate breakage."""

    title: str
    file: str
    old: str  # stands once in the file
    new: str
    tests: tuple[str, ...]
    kernel: bool = False  # compiled anew, since a cached caller doesn't see that what it calls has changed
