"""``python -m tests.benchmarks.unfenced_mset_worker worker``: one that commits by MSETs nothing guards.

All users' rows in one, all items' in another, as one writes them who thinks of no cache.
"""

from __future__ import annotations

from typing import Final

from lfm_online.store import transaction
from lfm_online.store.protocol import Commit
from tests.benchmarks.unfenced_store import UnfencedStore
from worker import access
from worker.cli import main

ALL: Final = 2**31


class MsetStore(UnfencedStore):
    """Writes all rows of a kind by one command."""

    def lay_out(self, commit: Commit) -> None:
        """Make a commit ready while the server works on the one in flight."""
        self._ahead = commit, self._sender.submit(transaction.lay_out, self.keys, commit, ALL)

    def _laid_out(self, commit: Commit) -> transaction.LaidOut:
        if self._ahead is not None and self._ahead[0] is commit:
            return super()._laid_out(commit)
        return transaction.lay_out(self.keys, commit, ALL)


if __name__ == "__main__":
    vars(access)["RedisStore"] = MsetStore  # what every part of the worker opens
    main()
