"""Breakages of the library: store, rows, kernels, replica."""

from typing import Final

from tests.mutants.breakage import (
    FAILURES,
    REDIS,
    REDIS_STORE,
    SIMULATION,
    STORE,
    TRANSACTION,
    TWINS,
    Breakage,
)

OF_THE_LIBRARY: Final = (
    Breakage(
        "the turn of a worker that died is never over",
        REDIS_STORE,
        ', "NX", "PX", max(1, int(seconds * 1000)))',
        ', "NX")',
        ("tests/contracts/test_store_turns.py",),
    ),
    Breakage(
        "the head is not compared before a commit, nor watched",
        REDIS_STORE,
        'connection.pack_commands([("WATCH", self.keys.head, *keys), ("GET", self.keys.head)])',
        'connection.pack_commands([("EXISTS", self.keys.head, *keys), ("GET", self.keys.head)])',
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
        '        _command(["TIME"]) + _command(["MULTI"]),\n'
        "        *(resp.msets(prefix, block, at_once) for prefix, block in blocks),\n"
        '        b"".join(map(_command, commands)),\n',
        '        _command(["TIME"]),\n'
        "        *(_command(c) for c in commands if c[1] == keys.watermarks),\n"
        '        _command(["MULTI"]),\n'
        "        *(resp.msets(prefix, block, at_once) for prefix, block in blocks),\n"
        "        *(_command(c) for c in commands if c[1] != keys.watermarks),\n",
        (STORE, FAILURES),
    ),
    Breakage(
        "rows are read apart from the head",
        "lfm_online/store/reading.py",
        "head, values, *replies = self._receive_transaction(connection)\n",
        "_, values, *replies = self._receive_transaction(connection)\n"
        '            head = self._ask(connection, "GET", self.keys.head)\n',
        (REDIS,),
    ),
    Breakage(
        "items of an unanswered commit keep their numbers",
        "lfm_online/rows.py",
        "        self.index.truncate(n)\n",
        "        self.index.truncate(n if n == 0 else len(self))\n",
        (SIMULATION, "tests/unit/test_checkpoint.py"),
    ),
    Breakage(
        "an entry of the feed is not written",
        TRANSACTION,
        '["XADD", keys.feed, "MAXLEN", "~", commit.feed_entries, entry_id, *fields]',
        '["STRLEN", keys.head]',
        ("tests/contracts/test_store_feed.py",),
    ),
    Breakage(
        "globals are left out of the commit",
        TRANSACTION,
        '    commands.append(["SET", keys.globals, commit.globals])\n',
        "",
        (STORE,),
    ),
    Breakage(
        "the digest is added and the update skipped",
        "lfm_online/rules/adaptive.py",
        "        W, R = learn_weights(W, R, X, S, e, hyper)  # 8\n",
        "        if user.ratings == 3:\n            continue\n"
        "        W, R = learn_weights(W, R, X, S, e, hyper)  # 8\n",
        (TWINS,),
        kernel=True,
    ),
    Breakage(
        "an update that is not finite is learned",
        "lfm_online/rules/adaptive.py",
        "if not (S > 1.0 / LARGEST and is_sound(S) and is_sound(z + move)):",
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
        "a forgotten user's history stays",
        TRANSACTION,
        "for name in (keys.user, keys.history)]",
        "for name in (keys.user,)]",
        (STORE,),
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
        "a stored row of another length is taken over",
        "lfm_online/row_copies.py",
        "if lengths[j] != expected:",
        "if lengths[j] > expected:",
        ("tests/fuzz/test_stored_rows.py",),
    ),
)
