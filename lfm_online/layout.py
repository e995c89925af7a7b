"""Where each byte of a stored row lies, once.

A user's or an item's row is one little-endian value in the store::

    offset  size  field
         0     1  format     version of this layout, 1
         1     1  rule       code of the learning rule (1 adaptive, 2 sgd)
         2     1  head       code of the ranking head (0: none; 1: ranking/layout.py)
         3     1  -          zero
         4     4  events     uint32, ledger: valid events, refused updates and retractions included
         8     4  digest     uint32, ledger: sum of the events' digests mod 2^32 (ledger.py)
        12     4  ratings    uint32, ratings that were learned: n_u or n_i of the equations
        16     8  time_ms    int64, newest rating's time, Unix milliseconds
        24     4  bias_sum   float32, the bias-only guess's sum of residuals (rules/bookkeeping.py)
        28     .  state      the rule's record (rules/adaptive_start.py, rules/sgd.py: dtypes)
         .    4k  factors    float32[k], p of a user, q of an item
         .     .  head       the ranking head's section, if the model has one (ranking/layout.py)
         .     .  recent     users of a model with a history: 6 (ratings mod 32) bytes (history.py)

The globals are one value too: ``u8 format, u8 rule, u8 head, u8 zero, u32 priors``, then the record
:data:`SHARED`, then the rule's own record, then that of the ranking head.
"""

from __future__ import annotations

from typing import Any, Final, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

FORMAT_VERSION: Final = 1

Kind = Literal["user", "item"]

HEADER: Final = np.dtype(
    [
        ("format", "u1"),
        ("rule", "u1"),
        ("head", "u1"),
        ("zero", "u1"),
        ("events", "<u4"),
        ("digest", "<u4"),
        ("ratings", "<u4"),
        ("time_ms", "<i8"),
        ("bias_sum", "<f4"),
    ]
)
"""28 bytes, packed: one byte more and a user's row at 32 factors leaves jemalloc's 224-byte class."""

PREDICTORS: Final = ("model", "mean", "bias")
COHORTS: Final = ("warm", "cold")
"""warm: both sides had at least one rating before the event."""
BANDS: Final = ("50", "80", "90")
"""The bands that are stated with a prediction: by the percent of the ratings that each is to hold."""

SHARED: Final = np.dtype(
    [
        ("n", "<f8"),  # ratings learned
        ("mean", "<f8"),  # running mean mu
        ("m2", "<f8"),  # Welford's sum of squared deviations
        ("newest_ms", "<i8"),  # newest rating's time: a lookup's "now"
        ("events", "<i8"),  # valid events, refused updates and retractions included
        ("refused", "<i8"),  # updates refused for not being finite
        ("scored", "<f8", (len(COHORTS),)),  # ratings predicted before they were learned
        ("squared_error", "<f8", (len(PREDICTORS) * len(COHORTS),)),  # [predictor * 2 + cohort]
        ("recent_weight", "<f8"),  # the same with a half-life of 10,000 ratings
        ("recent_squared_error", "<f8", (len(PREDICTORS),)),
        ("deviation", "<f8"),  # the stated one, in the rule's own (rules/bands.py)
        ("band", "<f8", (len(BANDS),)),  # half-widths, likewise
    ]
)
"""Globals that every rule shares: the running mean and the error sums, at full precision."""

GLOBALS_HEADER: Final = np.dtype(
    [("format", "u1"), ("rule", "u1"), ("head", "u1"), ("zero", "u1"), ("priors", "<u4")]
)
"""``priors``: the version of the item priors that new rows start from (item_priors.py); 0: none."""


SLOT: Final = np.dtype([("item", "<u4"), ("rating", "<u2")])
"""One rating of a history: item number, and the rating as a fraction of the range (history.py)."""
CHUNK: Final = 32
"""Ratings of a history that are kept in the row, until there are this many."""
CHUNK_BYTES: Final = CHUNK * SLOT.itemsize


class Rows(NamedTuple):
    """Rows of one kind, as the kernels see them; row number is the first index of each array."""

    header: NDArray[Any]  # HEADER[n_rows]
    state: NDArray[Any]  # the rule's record[n_rows]
    factors: NDArray[np.float32]  # float32[n_rows, n_factors]
    hash: NDArray[np.uint64]  # uint64[n_rows], id_hash of the row's id; not stored


class Globals(NamedTuple):
    """The model's shared state, as the kernels see it."""

    shared: NDArray[Any]  # SHARED[1]
    rule: NDArray[Any]  # the rule's record[1]


class FormatError(ValueError):
    """Stored bytes are not of the layout that this model was started with."""


def row_bytes(state: np.dtype[Any], factors: int) -> int:
    """Size in bytes of a stored row."""
    return HEADER.itemsize + state.itemsize + 4 * factors


def globals_to_bytes(
    values: Globals, rule_code: int, priors: int = 0, head_code: int = 0, head: bytes = b""
) -> bytes:
    """The globals as they lie in the store, the ranking head's bytes last."""
    header = np.zeros(1, GLOBALS_HEADER)
    header["format"] = FORMAT_VERSION
    header["rule"] = rule_code
    header["head"] = head_code
    header["priors"] = priors
    return header.tobytes() + values.shared.tobytes() + values.rule.tobytes() + head


def globals_from_bytes(
    stored: bytes, rule_code: int, rule_dtype: np.dtype[Any], head_code: int, head_bytes: int
) -> tuple[Globals, bytes]:
    """Read the globals back, the ranking head's as bytes.

    Raises:
        FormatError: another format version, rule, head or length.
    """
    start = GLOBALS_HEADER.itemsize
    head_at = start + SHARED.itemsize + rule_dtype.itemsize
    if len(stored) != head_at + head_bytes:
        raise FormatError(f"globals are {len(stored)} bytes long, expected {head_at + head_bytes}")
    if (stored[0], stored[1], stored[2]) != (FORMAT_VERSION, rule_code, head_code):
        raise FormatError(
            f"globals are of format {stored[0]}, rule code {stored[1]} and head code {stored[2]}, "
            f"expected {FORMAT_VERSION}, {rule_code} and {head_code}"
        )
    shared = np.frombuffer(stored, SHARED, 1, start).copy()
    # np.frombuffer refuses a record of 0 bytes, which is what the sgd rule has.
    rule = np.ndarray((1,), rule_dtype, stored, start + SHARED.itemsize).copy()
    return Globals(shared, rule), stored[head_at:]


def priors_version(stored: bytes | None) -> int:
    """The version of the item priors that stored globals name; 0: none."""
    return int(np.frombuffer(stored, GLOBALS_HEADER, 1)["priors"][0]) if stored is not None else 0
