"""Breakages of the worker: checkpoint, pipeline, source, dead letters."""

from typing import Final

from tests.mutants.breakage import (
    CHECKPOINT,
    COMMIT_OF,
    CONSUMER,
    LISTENER,
    PIPELINE,
    REPLICA,
    SIMULATION,
    SOURCE,
    Breakage,
)

OF_THE_WORKER: Final = (
    Breakage(
        "a lost reply is taken for failure: the watermarks that it moved are not read",
        CHECKPOINT,
        "        self.watermarks = {\n",
        "        self.watermarks = self.watermarks if self.in_flight else {\n",
        (SIMULATION, "tests/unit/test_checkpoint_recovery.py"),
    ),
    Breakage(
        "rows that an unanswered commit touched stay in memory",
        CHECKPOINT,
        "            self.model.users.forget(flight.users)\n"
        "            self.model.items.forget(flight.items)\n",
        "            pass\n",
        (SIMULATION,),
    ),
    Breakage(
        "rows are kept in memory after the store fell back",
        CHECKPOINT,
        "        self.model.users.forget_all()\n        self.model.items.forget_all()\n",
        "",
        (SIMULATION,),
    ),
    Breakage(
        "after the store fell back the worker goes on from where it was",
        CHECKPOINT,
        "        self.rewinds += 1\n        if self._known:\n            self.beginnings = {}",
        "        if self._known:\n            self.beginnings = self.beginnings",
        (SIMULATION, "tests/unit/test_checkpoint_recovery.py"),
    ),
    Breakage(
        "an entry of the feed is skipped by a worker",
        CHECKPOINT,
        "for entry in entries or ():",
        "for entry in (entries or ())[1:]:",
        (SIMULATION,),
    ),
    Breakage(
        "an entry of the feed is skipped by a replica",
        REPLICA,
        "        changes = read_changes(self._store, model, entries)\n",
        "        changes = read_changes(self._store, model, entries[-1:])\n",
        (SIMULATION,),
    ),
    Breakage(
        "rows are taken over that were read at another head",
        CHECKPOINT,
        "        if read is not None and read.head != self.head:\n            self.resync()\n"
        "            return None\n",
        "",
        (SIMULATION, "tests/unit/test_checkpoint.py"),
    ),
    Breakage(
        "what lies below the watermarks is learned again",
        CHECKPOINT,
        "left, gaps = events.from_watermarks(self.beginnings | self.watermarks)",
        "left, gaps = events, []",
        (SIMULATION, "tests/unit/test_checkpoint.py"),
    ),
    Breakage(
        "events that do not join up with the watermark are learned",
        "worker/events.py",
        "if watermarks.get(r.partition, -1) < r.first]",
        "if r.partition not in watermarks]",
        (SIMULATION, "tests/unit/test_checkpoint.py"),
    ),
    Breakage(
        "globals are not read again after a refusal",
        CHECKPOINT,
        "        self.model.load_globals(state.globals, state.ring)\n",
        "",
        (SIMULATION,),
    ),
    Breakage(
        "the rebalance listener commits the group's offsets",
        LISTENER,
        "        assigned = list(assigned)\n        for tp in assigned:\n",
        "        assigned = list(assigned)\n        self._consumer.commit()\n        for tp in assigned:\n",
        (SOURCE,),
    ),
    Breakage(
        "partitions start from the group's offsets, not from the watermarks",
        PIPELINE,
        "self.source.seek(partition, (first | marks)[partition])",
        "self.source.seek(partition, (first | marks | self.source.committed())[partition])",
        (SIMULATION,),
    ),
    Breakage(
        "records of aborted transactions are read",
        CONSUMER,
        '"isolation_level": "read_committed"',
        '"isolation_level": "read_uncommitted"',
        ("tests/unit/test_consumer_settings.py",),
    ),
    Breakage(
        "the client commits the group's offsets by itself",
        CONSUMER,
        '"enable_auto_commit": False',
        '"enable_auto_commit": True',
        ("tests/unit/test_consumer_settings.py",),
    ),
    Breakage(
        "what was fetched before a rebalance is learned after it",
        PIPELINE,
        "        self._fetched = None\n        self.checkpoint.resync()\n        self._rewinds",
        "        self.checkpoint.resync()\n        self._rewinds",
        ("tests/unit/test_pipeline.py",),
    ),
    Breakage(
        "dead letters are dropped when the outbox is full",
        PIPELINE,
        "        if full:\n"
        "            self.source.poll(IDLE_SECONDS, 1)  # stays in the group\n"
        "            return\n",
        "        if full:\n            events.letters.clear()\n",
        (SIMULATION,),
    ),
    Breakage(
        "dead letters leave the outbox before they are confirmed",
        "worker/dead_letters/forwarder.py",
        "            if receipt.confirmed():\n",
        "            if receipt.done():\n",
        (SIMULATION,),
    ),
    Breakage(
        "dead letters are left out of a commit without events",
        CHECKPOINT,
        "            if not left.ranges:\n                return",
        "            if not len(left):\n                return",
        (SIMULATION, "tests/unit/test_checkpoint.py"),
    ),
    Breakage(
        "a forgotten user's row stays",
        COMMIT_OF,
        "        forgotten=list(model.users.ids.take(gone)),\n",
        "",
        (SIMULATION, "tests/unit/test_checkpoint.py"),
    ),
    Breakage(
        "the first commit of a model does not carry the meta",
        CHECKPOINT,
        "                meta=self.meta if self.head == NO_HEAD else None,\n",
        "                meta=None,\n",
        ("tests/unit/test_pipeline.py",),
    ),
    Breakage(
        "a store that lost the model is begun anew without a word",
        "worker/model_opening.py",
        "if read_before and not settings.new_model:",
        "if read_before and not settings.model:",
        ("tests/unit/test_pipeline.py", "tests/acceptance/test_errors.py"),
    ),
    Breakage(
        "a replica keeps users that were read before a change overtook them",
        REPLICA,
        "        if loads != self._loads or (head != self._head and head.sequence <= self._head.sequence):\n"
        "            return False\n",
        "",
        (SIMULATION, "tests/integration/test_replica.py"),
    ),
    Breakage(
        "a replica does not ask whether the feed leads through the heads that its reads have seen",
        REPLICA,
        "if feed.entries is None or not ahead <= heads or not",
        "if feed.entries is None or not",
        (SIMULATION, "tests/integration/test_replica.py"),
    ),
    Breakage(
        "a replica keeps users that a commit changed",
        REPLICA,
        "                self._users.forget(entry.users.tolist())\n",
        "                pass\n",
        (SIMULATION,),
    ),
    Breakage(
        "a rating outside the range is learned",
        "worker/decode.py",
        "((rating >= low) & (rating <= high))",
        "(rating >= low)",
        ("tests/unit/test_decode.py", "tests/unit/test_decode_alike.py"),
    ),
)
