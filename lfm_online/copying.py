"""Bytes from one address to another, within compiled loops."""

from __future__ import annotations

from typing import Any

from numba.core import cgutils, types
from numba.extending import intrinsic


def _memcpy(_context: Any, _target: Any, _source: Any, _size: Any) -> Any:
    """Copy ``size`` bytes from address ``source`` to ``target``; they do not overlap."""

    def generate(context: Any, builder: Any, _signature: Any, args: Any) -> Any:
        byte = cgutils.voidptr_t
        target, source = (builder.inttoptr(address, byte) for address in args[:2])
        cgutils.raw_memcpy(builder, target, source, args[2], 1)
        return context.get_dummy_value()

    return types.void(types.intp, types.intp, types.intp), generate


# A loop over bytes knows neither its length nor that the arrays are apart: it goes 32 bytes at a time
# and then one by one, 13 of a header's 28 bytes and more.
copy_bytes: Any = intrinsic(_memcpy)
"""``copy_bytes(target, source, size)``, addresses and bytes; the caller holds both arrays, and they are large enough."""
