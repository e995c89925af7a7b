"""How every kernel is compiled, named once."""

from typing import Any, Final

# ``nnan`` and ``ninf`` are left out: with them the compiler may drop the guards that keep a row from
# being overwritten with a value that is not a number. ``math.isfinite`` guards nothing even so: it is
# compiled as ``x - x``, which ``reassoc`` folds to 0 where x is a sum. Hence ``bookkeeping.is_sound``.
FASTMATH: Final = {"nsz", "arcp", "contract", "afn", "reassoc"}

KERNEL: Final[dict[str, Any]] = {"fastmath": FASTMATH, "cache": True, "nogil": True, "error_model": "numpy"}
"""Keyword arguments of ``numba.njit`` for kernels on floats."""

EXACT: Final[dict[str, Any]] = {"cache": True, "nogil": True}
"""Keyword arguments of ``numba.njit`` for kernels on integers and bytes."""

# Numba counts references to each array that a call passes, which costs more than what most steps do
# (events parsed at 0.65 us each; 0.11 without). A kernel that makes no array can do without.
BORROWING: Final[dict[str, Any]] = {**EXACT, "_nrt": False}
"""The same, for kernels and their steps that only borrow their caller's arrays."""

# As calls, the steps of one event pass arrays about, and each passing counts references: 4.0 M
# events/s at 32 factors; inlined by Numba itself 11.3 M (one core of an EPYC, ML-100K).
STEP: Final[dict[str, Any]] = {"fastmath": FASTMATH, "error_model": "numpy", "inline": "always"}
"""Keyword arguments of ``numba.njit`` for one step of a kernel's loop, compiled into its caller."""
