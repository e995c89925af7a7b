"""The list: what is broken, by which replacement of text, and which tests must see it."""

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
KAFKA: Final = "worker/source/kafka_python.py"
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


BREAKAGES: Final = (
    Breakage(
        "the head is not compared before a commit, nor watched",
        REDIS_STORE,
        'connection.pack_commands([("WATCH", self.keys.head), ("GET", self.keys.head)])',
        'connection.pack_commands([("EXISTS", self.keys.head), ("GET", self.keys.head)])',
        (STORE, REDIS),
    ),
    Breakage(
        "the head is watched, and not compared",
        REDIS_STORE,
        "if self._watched == commit.expected:",
        "if self._watched is not None:",
        (STORE,),
    ),
    Breakage(
        "the made store does not compare the head",
        "lfm_online/store/memory.py",
        "if self.head != commit.expected:",
        "if self.head.sequence < 0:",
        (SIMULATION,),
    ),
    Breakage(
        "watermarks are written apart from the rows, before them",
        TRANSACTION,
        '        _command(["MULTI"]),\n        rows,\n        *map(_command, commands),\n',
        "        *(_command(c) for c in commands if c[1] == keys.watermarks),\n"
        '        _command(["MULTI"]),\n        rows,\n'
        "        *(_command(c) for c in commands if c[1] != keys.watermarks),\n",
        (STORE, FAILURES),
    ),
    Breakage(
        "rows are read apart from the head",
        REDIS_STORE,
        "            head, values, *parts = self._transact(connection, commands)\n",
        "            head, values = self._transact(connection, commands[:2])\n"
        "            parts = self._transact(connection, commands[2:])\n",
        (REDIS,),
    ),
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
        "items of an unanswered commit keep their numbers",
        "lfm_online/rows.py",
        "        self.index.truncate(n)\n",
        "        self.index.truncate(n if n == 0 else len(self))\n",
        (SIMULATION, "tests/unit/test_checkpoint.py"),
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
        "an entry of the feed is not written",
        TRANSACTION,
        '["XADD", keys.feed, "MAXLEN", "~", commit.feed_entries, entry_id, *fields]',
        '["STRLEN", keys.head]',
        ("tests/contracts/test_store_feed.py",),
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
        "globals are left out of the commit",
        TRANSACTION,
        '    commands.append(["SET", keys.globals, commit.globals])\n',
        "",
        (STORE,),
    ),
    Breakage(
        "globals are not read again after a refusal",
        CHECKPOINT,
        "        self.model.load_globals(state.globals, state.ring)\n",
        "",
        (SIMULATION,),
    ),
    Breakage(
        "the digest is added and the update skipped",
        "lfm_online/rules/adaptive.py",
        "        learn_weights(rule, X, S, e, hyper)  # 8\n",
        "        if user.ratings == 3:\n            continue\n"
        "        learn_weights(rule, X, S, e, hyper)  # 8\n",
        (TWINS,),
        kernel=True,
    ),
    Breakage(
        "an update that is not finite is learned",
        "lfm_online/rules/adaptive.py",
        "if not (S > 1.0 / LARGEST and is_sound(S) and is_sound(z + moved)):",
        "if S < 0.0:",
        ("tests/unit/test_refusals.py",),
        kernel=True,
    ),
    Breakage(
        "an event counts in its user's ledger alone",
        "lfm_online/rules/bookkeeping.py",
        "    item.digest += digest\n",
        "",
        (TWINS,),
        kernel=True,
    ),
    Breakage(
        "the rebalance listener commits the group's offsets",
        KAFKA,
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
        KAFKA,
        '"isolation_level": "read_committed"',
        '"isolation_level": "read_uncommitted"',
        ("tests/unit/test_consumer_settings.py",),
    ),
    Breakage(
        "the client commits the group's offsets by itself",
        KAFKA,
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
        "a forgotten user's history stays",
        TRANSACTION,
        "for name in (keys.user, keys.history)]",
        "for name in (keys.user,)]",
        (STORE,),
    ),
    Breakage(
        "a forgotten user's row stays",
        CHECKPOINT,
        "            forgotten=list(model.users.ids.take(gone)),\n",
        "",
        (SIMULATION, "tests/unit/test_checkpoint.py"),
    ),
    Breakage(
        "the first commit of a model does not carry the meta",
        CHECKPOINT,
        "            meta=self.meta if self.head == NO_HEAD else None,\n",
        "",
        ("tests/unit/test_pipeline.py",),
    ),
    Breakage(
        "the append-only file is not rewritten after a start of the store",
        "lfm_online/store/fitness.py",
        '    if facts.get("aof_enabled") != "1" or',
        '    if facts.get("aof_enabled") == "1" or',
        ("tests/unit/test_fitness.py",),
    ),
    Breakage(
        "a commit goes out on another connection than its WATCH",
        REDIS_STORE,
        "if connection._sock is None:",
        "if connection is None:",
        (FAILURES,),
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
    Breakage(
        "a stored row of another length is taken over",
        "lfm_online/rows.py",
        "fits = len(value) > 16 and len(value) == self.row_bytes + self._tail_bytes(value)",
        "fits = len(value) > 16",
        ("tests/fuzz/test_stored_rows.py",),
    ),
)
