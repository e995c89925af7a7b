"""``python -m tests.benchmarks.unfenced_mset_worker worker``: one that commits by MSETs nothing guards.

All users' rows in one, all items' in another, as one writes them who thinks of no cache.
"""

from __future__ import annotations

from functools import partial
from typing import Final

from lfm_online.store import transaction
from tests.benchmarks.unfenced_store import UnfencedStore
from worker import access
from worker.cli import main

ALL: Final = 2**31

if __name__ == "__main__":
    vars(transaction)["lay_out"] = partial(transaction.lay_out, at_once=ALL)
    vars(access)["RedisStore"] = UnfencedStore  # what every part of the worker opens
    main()
