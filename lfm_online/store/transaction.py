"""A commit as the bytes of one transaction; the numbered steps are those of ``store.protocol``."""

from __future__ import annotations

from typing import NamedTuple

from lfm_online.store import feed, resp
from lfm_online.store.keys import Keys
from lfm_online.store.protocol import Commit

Word = bytes | str | int


class LaidOut(NamedTuple):
    """What to send for a commit."""

    payload: list[bytes | memoryview]  # one behind the other
    queued: int  # replies between that of MULTI and that of EXEC


def lay_out(keys: Keys, commit: Commit, at_once: int = resp.AT_ONCE) -> LaidOut:
    """TIME, MULTI, the commit's commands, EXEC, TIME; the head is watched since the last commit.

    Rows go ``at_once`` a command. EXEC's last reply is whose turn it was.

    The two TIMEs tell what the commit cost the server, receiving included (within a transaction its
    clock stands still).
    """
    # 2. Rows, histories, globals, ring, items, watermarks, dead letters.
    blocks = [(keys.user_prefix, commit.users), (keys.item_prefix, commit.items)]
    n_rows = sum(resp.commands_for(len(block.id_lengths), at_once) for _, block in blocks)
    commands: list[list[Word]] = []
    gone = [name(user) for user in commit.forgotten for name in (keys.user, keys.history)]
    gone += [keys.history(user) for user, value in commit.histories.items() if not value]
    if gone:
        commands.append(["DEL", *gone])
    kept = {keys.history(user): value for user, value in commit.histories.items() if value}
    if kept:
        commands.append(["MSET", *(word for pair in kept.items() for word in pair)])
    if commit.new_items:
        commands.append(["RPUSH", keys.items, *commit.new_items])
    commands.append(["SET", keys.globals, commit.globals])
    if commit.meta is not None:
        commands.append(["SET", keys.meta, commit.meta])
    if commit.priors is not None:
        commands.append(["SET", keys.priors, commit.priors])
    commands += [["SETRANGE", keys.ring, offset, value] for offset, value in commit.ring]
    if commit.watermarks:
        commands.append(
            ["HSET", keys.watermarks, *(word for pair in commit.watermarks.items() for word in pair)]
        )
    for partition, letters in commit.dead.items():
        commands.append(["HSET", keys.dead(partition), *(word for pair in letters.items() for word in pair)])
    runs = resp.setranges(keys.history_prefix, commit.runs) if commit.runs is not None else b""
    # 3. Head and feed.
    fields = [word for pair in feed.to_fields(commit.entry).items() for word in pair]
    entry_id = f"{commit.head.sequence}-0"
    last: list[list[Word]] = [
        ["SET", keys.head, commit.head.to_bytes()],
        ["XADD", keys.feed, "MAXLEN", "~", commit.feed_entries, entry_id, *fields],
        ["GETDEL" if commit.ends_turn else "GET", keys.turn],
    ]
    payload: list[bytes | memoryview] = [
        _command(["TIME"]) + _command(["MULTI"]),
        *(resp.msets(prefix, block, at_once) for prefix, block in blocks),
        b"".join(map(_command, commands)),
        runs,
        b"".join(map(_command, last)) + _command(["EXEC"]) + _command(["TIME"]),
    ]
    n_runs = len(commit.runs.id_lengths) if commit.runs is not None else 0
    return LaidOut(payload, n_rows + len(commands) + n_runs + len(last))


def history_keys(keys: Keys, commit: Commit) -> list[str]:
    """The histories that a commit writes into, each once."""
    if commit.runs is None:
        return []
    ends = commit.runs.id_lengths.cumsum().tolist()
    ids = commit.runs.ids.tobytes()
    users = [
        ids[end - n : end].decode() for end, n in zip(ends, commit.runs.id_lengths.tolist(), strict=True)
    ]
    return [keys.history(user) for user in dict.fromkeys(users)]


def _command(words: list[Word]) -> bytes:
    encoded = [word if isinstance(word, bytes) else str(word).encode() for word in words]
    return b"*%d\r\n" % len(words) + b"".join([b"$%d\r\n%b\r\n" % (len(word), word) for word in encoded])
