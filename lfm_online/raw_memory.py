"""What a kernel needs of the memory and the functions of a C library: reads and calls by address.

Nothing is checked: an address that is wrong ends the process. Each is one instruction or call of LLVM's.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba.core import types
from numba.extending import intrinsic

_WORD = ir.IntType(64)


def _reader(bits: int) -> Any:
    """Code that reads a signed integer of so many bits at an address."""

    def generate(_context: Any, builder: Any, _signature: Any, args: Any) -> Any:
        address = builder.inttoptr(args[0], ir.IntType(bits).as_pointer())
        value = builder.load(address, align=1)
        return value if bits == _WORD.width else builder.sext(value, _WORD)

    return generate


def _load_64(_context: Any, _address: Any) -> Any:
    return types.intp(types.intp), _reader(64)


def _load_32(_context: Any, _address: Any) -> Any:
    return types.intp(types.intp), _reader(32)


def _call(_context: Any, _function: Any, _first: Any, _second: Any) -> Any:
    """Call the C function at an address with two words, for one.

    A function that takes fewer does not look at the rest; what one without a result gives means nothing.
    """

    def generate(_context: Any, builder: Any, _signature: Any, args: Any) -> Any:
        kind = ir.FunctionType(_WORD, [_WORD, _WORD])
        return builder.call(builder.inttoptr(args[0], kind.as_pointer()), args[1:])

    return types.intp(types.intp, types.intp, types.intp), generate


# To a type checker a decorated function still takes the context, which Numba itself gives.
load_64: Any = intrinsic(_load_64)
load_32: Any = intrinsic(_load_32)
call: Any = intrinsic(_call)
