"""Rows on their way from memory before they are needed.

A batch meets rows in no order, and a large model's lie in memory, 0.1 us away each; a kernel knows
which come next. Asking for them changes no value (docs/decisions/0025 and 0029).
"""

from __future__ import annotations

from typing import Any, Final

import numba
import numpy as np
from llvmlite import ir
from numba.core import types
from numba.extending import intrinsic

from lfm_online.numba_flags import BORROWING, STEP

LINE: Final = 64
"""Bytes that a processor loads at once."""

AHEAD: Final = 8
"""How many rows before one is needed it is asked for."""

AT_ONCE: Final = 64
"""How many are asked for before the first is used, where a loop does nothing else: their lines fit in the
nearest cache (16 are 77 ns each of 10 M ids, 64 are 57, 512 are 67)."""


def _prefetch(_context: Any, _address: Any) -> Any:
    """Ask for the line that holds an address, any address, by LLVM's instruction for it."""

    def generate(context: Any, builder: Any, _signature: Any, args: Any) -> Any:
        flag, byte = ir.IntType(32), ir.IntType(8).as_pointer()
        kind = ir.FunctionType(ir.VoidType(), [byte, flag, flag, flag])
        prefetch = builder.module.declare_intrinsic("llvm.prefetch", (byte,), kind)
        address = builder.inttoptr(args[0], byte)
        builder.call(prefetch, [address, flag(0), flag(3), flag(1)])  # to read, to keep, data
        return context.get_dummy_value()

    return types.void(types.intp), generate


# To a type checker a decorated function still takes the context, which Numba itself gives.
_ask: Any = intrinsic(_prefetch)


# A place is an array's address and the bytes of its rows: handing the array itself to a step of a loop
# counts references, and takes longer than what is gained (rule sgd 4 M events/s, so 10 M).
@numba.njit(**STEP)
def place_of(array: Any) -> Any:
    """Where an array's rows lie, for :func:`ask_for`; the array is C-contiguous, and must be held."""
    return array.ctypes.data, array.strides[0]


@numba.njit(**STEP)
def places_of(rows: Any) -> Any:
    """Where the parts of ``rows: Rows`` lie."""
    return place_of(rows.header), place_of(rows.state), place_of(rows.factors)


@numba.njit(**STEP)
def ask_for(place: Any, row: int) -> None:
    """Ask for a row, whole."""
    first = place[0] + row * place[1]
    for offset in range(0, place[1], LINE):
        _ask(first + offset)
    _ask(first + place[1] - 1)


@numba.njit(**STEP)
def ask_for_few(place: Any, first: int, last: int) -> None:
    """Ask for rows of an array that lie within a line, or across two."""
    _ask(place[0] + first * place[1])
    _ask(place[0] + (last + 1) * place[1] - 1)


@numba.njit(**STEP)
def ask_for_rows(batch: Any, event: int, users: Any, items: Any) -> None:
    """Ask for the rows, by the places of their parts, of the event that comes ``AHEAD`` after this one."""
    if event + AHEAD < len(batch.user):
        for place in users:
            ask_for(place, batch.user[event + AHEAD])
        for place in items:
            ask_for(place, batch.item[event + AHEAD])


@numba.njit(**BORROWING)
def ask_for_all(sections: Any, rows: Any) -> None:
    """Ask for ``rows: int32[n]`` of arrays, each ``uint8[n_rows, width]``."""
    for section in sections:
        place = place_of(section)
        for row in rows:
            ask_for(place, np.int64(row))
