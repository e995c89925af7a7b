"""A commit's rows as RESP bytes, laid out by compiled loops.

``python -m tests.benchmarks --only lay_out`` measures them beside an MSET packed by redis-py.
https://redis.io/docs/latest/develop/reference/protocol-spec/
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numba
import numpy as np

from lfm_online.copying import copy_bytes
from lfm_online.numba_flags import BORROWING
from lfm_online.prefetch import place_of
from lfm_online.store.protocol import HistoryRuns, ValueBlock

AT_ONCE: Final = 128
"""Keys of one command. Valkey 9 has a command's first keys, up to ``prefetch-batch-max-size``, on their way
from memory before it executes it (docs/decisions/0034)."""


@numba.njit(**BORROWING)
def _digits(value: int) -> int:
    n = 1
    while value >= 10:
        value //= 10
        n += 1
    return n


@numba.njit(**BORROWING)
def _put_number(out: Any, at: int, value: int) -> Any:
    n = _digits(value)
    for place in range(at + n - 1, at - 1, -1):
        out[place] = 48 + value % 10
        value //= 10
    return at + n


@numba.njit(**BORROWING)
def _put_crlf(out: Any, at: int) -> int:
    out[at] = 13
    out[at + 1] = 10
    return at + 2


@numba.njit(**BORROWING)
def _put_length(out: Any, at: int, length: int) -> Any:
    r"""``$length\r\n``."""
    out[at] = 36
    return _put_crlf(out, _put_number(out, at + 1, length))


@numba.njit(**BORROWING)
def _put_bytes(out: Any, at: int, source: Any, start: int, end: int) -> int:
    copy_bytes(place_of(out)[0] + at, place_of(source)[0] + start, end - start)
    return at + end - start


@numba.njit(**BORROWING)
def _msets(
    name: Any, prefix: Any, ids: Any, id_lengths: Any, values: Any, lengths: Any, at_once: int, out: Any
) -> int:
    at = 0
    id_at = 0
    value_at = 0
    for j in range(len(id_lengths)):
        if j % at_once == 0:
            out[at] = 42  # *
            at = _put_crlf(out, _put_number(out, at + 1, 1 + 2 * min(at_once, len(id_lengths) - j)))
            at = _put_bytes(out, at, name, 0, len(name))
        id_end = id_at + id_lengths[j]
        value_end = value_at + lengths[j]
        at = _put_length(out, at, len(prefix) + id_lengths[j])
        at = _put_bytes(out, at, prefix, 0, len(prefix))
        at = _put_crlf(out, _put_bytes(out, at, ids, id_at, id_end))
        at = _put_length(out, at, lengths[j])
        at = _put_crlf(out, _put_bytes(out, at, values, value_at, value_end))
        id_at = id_end
        value_at = value_end
    return at


@numba.njit(**BORROWING)
def _setranges(
    command: Any, prefix: Any, ids: Any, id_lengths: Any, offsets: Any, starts: Any, slots: Any, out: Any
) -> int:
    at = 0
    id_at = 0
    for j in range(len(id_lengths)):
        id_end = id_at + id_lengths[j]
        at = _put_bytes(out, at, command, 0, len(command))
        at = _put_length(out, at, len(prefix) + id_lengths[j])
        at = _put_bytes(out, at, prefix, 0, len(prefix))
        at = _put_crlf(out, _put_bytes(out, at, ids, id_at, id_end))
        at = _put_length(out, at, _digits(offsets[j]))
        at = _put_crlf(out, _put_number(out, at, offsets[j]))
        at = _put_length(out, at, starts[j + 1] - starts[j])
        at = _put_crlf(out, _put_bytes(out, at, slots, starts[j], starts[j + 1]))
        id_at = id_end
    return at


def _bytes_of(text: bytes) -> Any:
    return np.frombuffer(text, np.uint8)


def msets(prefix: str, block: ValueBlock, at_once: int = AT_ONCE) -> memoryview:
    """MSETs of the values of a block, ``at_once`` each."""
    key, name = _bytes_of(prefix.encode()), _bytes_of(b"$4\r\nMSET\r\n")
    # A length has at most 19 digits: 2 ($length CRLF) + 2 CRLF behind the bytes themselves. A command
    # begins with how many words it has, and its name.
    room = len(block.ids) + block.values.size + len(block.id_lengths) * (len(key) + 48)
    room += commands_for(len(block.id_lengths), at_once) * (22 + len(name))
    out = np.empty(room, np.uint8)
    end = _msets(name, key, block.ids, block.id_lengths, block.values, block.lengths, at_once, out)
    laid_out: memoryview = out[:end].data
    return laid_out


def commands_for(n: int, at_once: int = AT_ONCE) -> int:
    """How many commands take ``n`` keys, ``at_once`` each."""
    return -(-n // at_once)


def of_keys(command: str, prefix: str, ids: Sequence[str]) -> bytes:
    """A command on keys that share a prefix, as MGET, in a third of the time that redis-py takes."""
    keys = b"".join([b"$%d\r\n%b\r\n" % (len(key), key) for key in ((prefix + i).encode() for i in ids)])
    return b"*%d\r\n$%d\r\n%b\r\n%b" % (1 + len(ids), len(command), command.encode(), keys)


def setranges(prefix: str, runs: HistoryRuns) -> bytes:
    """One SETRANGE a run."""
    key = _bytes_of(prefix.encode())
    command = _bytes_of(b"*4\r\n$8\r\nSETRANGE\r\n")
    room = len(runs.ids) + len(runs.slots) + len(runs.id_lengths) * (len(command) + len(key) + 96)
    out = np.empty(room, np.uint8)
    end = _setranges(command, key, runs.ids, runs.id_lengths, runs.offsets, runs.starts, runs.slots, out)
    return out[:end].tobytes()
