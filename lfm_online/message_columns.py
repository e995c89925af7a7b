"""Messages of librdkafka as columns: its C structures are read, copied and given back in compiled loops.

The structure is public (``rd_kafka_message_t`` in rdkafka.h) and as stable as the library's major version::

    int32 err, void* rkt, int32 partition, void* payload, size_t len, void* key, size_t key_len, int64 offset
"""

from __future__ import annotations

from typing import Any, Final

import numba
import numpy as np
from numpy.typing import NDArray

from lfm_online.copying import copy_bytes
from lfm_online.numba_flags import BORROWING
from lfm_online.raw_memory import call, load_32, load_64

ERROR, PAYLOAD, PAYLOAD_BYTES, KEY, KEY_BYTES, OFFSET = 0, 24, 32, 40, 48, 56
"""Where its fields begin, on a machine of 64 bits."""
COLUMNS: Final = ("offset", "time_ms", "key", "key_length", "value", "value_length")


@numba.njit(**BORROWING)
def measure(messages: Any) -> Any:
    """How many of ``messages: int64[n]``, addresses, come before an error; bytes of their keys and values."""
    n_bytes = 0
    for j in range(len(messages)):
        if load_32(messages[j] + ERROR) != 0:
            return j, n_bytes
        n_bytes += load_64(messages[j] + KEY_BYTES) + load_64(messages[j] + PAYLOAD_BYTES)
    return len(messages), n_bytes


@numba.njit(**BORROWING)
def _take_part(message: int, field: int, columns: Any, part: int, j: int, data: int, at: int) -> Any:
    """Copy a key or a value; the place behind it. A null's length is -1."""
    address = load_64(message + field)
    length = load_64(message + field + 8)
    columns[part, j] = at
    columns[part + 1, j] = length if address != 0 else -1
    copy_bytes(data + at, address, length)
    return at + length


@numba.njit(**BORROWING)
def _take(messages: Any, timestamp: int, destroy: int, columns: Any, data: int) -> None:
    at = 0
    for j in range(len(messages)):
        message = messages[j]
        columns[0, j] = load_64(message + OFFSET)
        columns[1, j] = call(timestamp, message, 0)
        at = _take_part(message, KEY, columns, 2, j, data, at)
        at = _take_part(message, PAYLOAD, columns, 4, j, data, at)
        call(destroy, message, 0)


def take(
    messages: NDArray[np.int64], n_bytes: int, timestamp: int, destroy: int
) -> tuple[NDArray[np.int64], NDArray[np.uint8]]:
    """Copy messages that are no errors, and give them back to the library.

    Args:
        messages: Addresses, ``int64[n]``.
        n_bytes: What :func:`measure` found.
        timestamp: Address of ``rd_kafka_message_timestamp``.
        destroy: Address of ``rd_kafka_message_destroy``.

    Returns:
        ``int64[6, n]``, by ``COLUMNS``; and ``uint8[n_bytes]``, in which keys and values begin.
    """
    columns = np.empty((len(COLUMNS), len(messages)), np.int64)
    data = np.empty(n_bytes, np.uint8)
    _take(messages, timestamp, destroy, columns, data.ctypes.data)
    return columns, data


def prepare() -> None:
    """Compile, on no messages."""
    none = np.empty(0, np.int64)
    measure(none)
    take(none, 0, 0, 0)
