"""Short vectors that a kernel keeps in registers, so that its loop reads like the equations.

A NumPy array, however short, lies in memory, where each store to a row might change it: so a loop over
it is compiled to one scalar step after another, and its sums to one long chain. A vector of ``Lanes``
is a single value to the compiler, which has instructions for eight numbers at a time; sums are trees.

A vector has a power of two of float64; what is made of fewer numbers ends in zeros. It is never changed
in place. Operators ``+ - *`` take vectors of one size, or a vector and a number; ``v[j]`` is a number.
In compiled code only.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any, Final

from llvmlite import ir
from numba.core import types
from numba.core.imputils import lower_builtin
from numba.core.typing.templates import AbstractTemplate, infer_global, signature
from numba.extending import intrinsic, models, register_model
from numba.np.arrayobj import make_array

from lfm_online.numba_flags import FASTMATH

_DOUBLE: Final = ir.DoubleType()
_INT: Final = ir.IntType(32)
_FLAGS: Final = tuple(sorted(FASTMATH))
_OPERATORS: Final = {operator.add: "fadd", operator.sub: "fsub", operator.mul: "fmul"}


class Lanes(types.Type):
    """Numba's type of a vector of ``n`` numbers."""

    def __init__(self, n: int) -> None:
        self.n = n
        super().__init__(name=f"Lanes({n})")


@register_model(Lanes)
class _Model(models.PrimitiveModel):
    def __init__(self, manager: Any, lanes: Lanes) -> None:
        super().__init__(manager, lanes, ir.VectorType(_DOUBLE, lanes.n))


def _size(n: int) -> int:
    return 1 << (n - 1).bit_length()


def _pick(builder: Any, vector: Any, places: list[int]) -> Any:
    """The lanes at those places; a place past the last is 0."""
    zeros = ir.Constant(vector.type, None)
    return builder.shuffle_vector(vector, zeros, ir.Constant(ir.VectorType(_INT, len(places)), places))


def _as_vector(builder: Any, value: Any, n: int) -> Any:
    """The value, or the number in each of ``n`` lanes."""
    if isinstance(value.type, ir.VectorType):
        return value
    first = builder.insert_element(ir.Constant(ir.VectorType(_DOUBLE, n), None), value, _INT(0))
    return _pick(builder, first, [0] * n)


def _both(a: Any, b: Any) -> Any:
    """``(Lanes, type of a, type of b)`` if one of the two is a vector, and the other one or a number."""
    kinds = [kind for kind in (a, b) if isinstance(kind, Lanes)]
    if not kinds or not all(isinstance(kind, Lanes | types.Number) for kind in (a, b)):
        return None
    return kinds[0], *(kind if isinstance(kind, Lanes) else types.float64 for kind in (a, b))


class _Arithmetic(AbstractTemplate):
    def generic(self, args: Any, _keywords: Any) -> Any:
        kinds = _both(*args) if len(args) == 2 else None
        return None if kinds is None else signature(*kinds)


def _arithmetic(name: str) -> Callable[..., Any]:
    def generate(_context: Any, builder: Any, sig: Any, args: Any) -> Any:
        a, b = (_as_vector(builder, value, sig.return_type.n) for value in args)
        return getattr(builder, name)(a, b, flags=_FLAGS)

    return generate


for _operator, _name in _OPERATORS.items():
    infer_global(_operator)(type(f"_{_name}", (_Arithmetic,), {}))
    for _kinds in ((Lanes, Lanes), (Lanes, types.float64), (types.float64, Lanes)):
        lower_builtin(_operator, *_kinds)(_arithmetic(_name))


@infer_global(operator.getitem)
class _Item(AbstractTemplate):
    def generic(self, args: Any, _keywords: Any) -> Any:
        vector, place = args
        if isinstance(vector, Lanes) and isinstance(place, types.Integer):
            return signature(types.float64, vector, types.intp)
        return None


@lower_builtin(operator.getitem, Lanes, types.intp)
def _item(_context: Any, builder: Any, _signature: Any, args: Any) -> Any:
    return builder.extract_element(args[0], builder.trunc(args[1], _INT))


def _of(_context: Any, numbers: Any) -> Any:
    """A vector of the numbers of a tuple."""

    def generate(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        vector = ir.Constant(ir.VectorType(_DOUBLE, sig.return_type.n), None)
        for j, kind in enumerate(numbers.types):
            number = context.cast(builder, builder.extract_value(args[0], j), kind, types.float64)
            vector = builder.insert_element(vector, number, _INT(j))
        return vector

    return Lanes(_size(len(numbers)))(numbers), generate


def _load(_context: Any, array: Any, n: Any) -> Any:
    """A vector of the first ``n`` numbers, a constant, of a C-contiguous ``array``, float32 or float64."""
    count = n.literal_value

    def generate(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        data = make_array(array)(context, builder, args[0]).data
        place = builder.bitcast(data, ir.VectorType(data.type.pointee, count).as_pointer())
        lanes = sig.return_type.n
        vector = _pick(builder, builder.load(place, align=1), [min(j, count) for j in range(lanes)])
        kind = ir.VectorType(_DOUBLE, lanes)
        return vector if array.dtype == types.float64 else builder.fpext(vector, kind)

    return Lanes(_size(count))(array, n), generate


def _store(_context: Any, array: Any, n: Any, vector: Any) -> Any:
    """The first ``n`` numbers, a constant, become those of the vector; see :data:`load`."""
    count = n.literal_value

    def generate(context: Any, builder: Any, _signature: Any, args: Any) -> Any:
        data = make_array(array)(context, builder, args[0]).data
        kind = ir.VectorType(data.type.pointee, count)
        values = _pick(builder, args[2], list(range(count)))
        values = values if array.dtype == types.float64 else builder.fptrunc(values, kind)
        builder.store(values, builder.bitcast(data, kind.as_pointer()), align=1)
        return context.get_dummy_value()

    return types.void(array, n, vector), generate


def _picked(_context: Any, vector: Any, places: Any) -> Any:
    """A vector of ``vector[j]`` for each j of ``places``, a tuple of constants."""

    def generate(_context: Any, builder: Any, _signature: Any, args: Any) -> Any:
        return _pick(builder, args[0], [place.literal_value for place in places.types])

    return Lanes(len(places))(vector, places), generate


def _replaced(_context: Any, vector: Any, place: Any, _number: Any) -> Any:
    """The vector with another number at one place, a constant."""

    def generate(_context: Any, builder: Any, _signature: Any, args: Any) -> Any:
        return builder.insert_element(args[0], args[2], _INT(place.literal_value))

    return vector(vector, place, types.float64), generate


def _total(_context: Any, vector: Any) -> Any:
    """The sum of the lanes."""

    def generate(_context: Any, builder: Any, _signature: Any, args: Any) -> Any:
        kind = args[0].type
        name = f"llvm.vector.reduce.fadd.v{kind.count}f64"
        add = builder.module.declare_intrinsic(name, (), ir.FunctionType(_DOUBLE, [_DOUBLE, kind]))
        return builder.call(add, [_DOUBLE(-0.0), args[0]], fastmath=_FLAGS)

    return types.float64(vector), generate


def _chosen(comparison: str, *ones: float) -> Callable[[Any, Any, Any], Any]:
    """Lane by lane ``a`` where it compares so with ``b``, else ``b``; or else the two constants."""

    def typed(_context: Any, a: Any, b: Any) -> Any:
        kinds = _both(a, b)

        def generate(_context: Any, builder: Any, sig: Any, args: Any) -> Any:
            n = sig.return_type.n
            a, b = (_as_vector(builder, value, n) for value in args)
            chosen = [ir.Constant(a.type, [one] * n) for one in ones] or [a, b]
            return builder.select(builder.fcmp_ordered(comparison, a, b, flags=_FLAGS), *chosen)

        return None if kinds is None else (signature(*kinds), generate)

    return typed


# To a type checker a decorated function still takes the context, which Numba itself gives.
of: Final[Any] = intrinsic(_of)
load: Final[Any] = intrinsic(prefer_literal=True)(_load)
store: Final[Any] = intrinsic(prefer_literal=True)(_store)
pick: Final[Any] = intrinsic(prefer_literal=True)(_picked)
replace: Final[Any] = intrinsic(prefer_literal=True)(_replaced)
total: Final[Any] = intrinsic(_total)
minimum: Final[Any] = intrinsic(_chosen("<"))
maximum: Final[Any] = intrinsic(_chosen(">"))
above: Final[Any] = intrinsic(_chosen(">", 1.0, 0.0))
"""1 in each lane where a is above b, else 0."""
