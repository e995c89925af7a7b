"""One record's bytes to an event, by a complete JSON parser; what can't be one gets its reason."""

from __future__ import annotations

import contextlib
import json
import re
from typing import Any, Final, NamedTuple, NoReturn

import msgspec
import numpy as np

from lfm_online.batch import FORGET, RATING, RETRACTION
from lfm_online.plain_number import plain
from worker.dead_letters.letter import Reason
from worker.settings import Settings

ID_MAX_BYTES: Final = 256
_FIELDS: Final = "LFM_USER_FIELD, LFM_ITEM_FIELD, LFM_RATING_FIELD, LFM_TIME_FIELD"
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f]")
OLDEST_MS: Final = -(2.0**53)
"""Times lie between this and its negative: what a double counts in whole milliseconds."""
NEWEST_MS: Final = 253_402_300_799_999
"""The last millisecond of the year 9999: no lookup is answered for a later time."""


class BadEventError(Exception):
    """An event that can't be learned."""

    def __init__(self, reason: Reason, detail: str) -> None:
        """With its reason and what exactly is wrong."""
        super().__init__(detail)
        self.reason: Reason = reason


def check_id(row_id: str, field: str) -> str:
    """See that an id is 1 to 256 bytes of UTF-8 without control characters.

    Raises:
        BadEventError: it isn't.
    """
    try:
        size = len(row_id.encode())
    except UnicodeEncodeError as error:
        raise BadEventError("id", f"{field} is not valid Unicode: {error.reason}") from error
    if not 1 <= size <= ID_MAX_BYTES:
        raise BadEventError("id", f"{field} is {size} bytes long, allowed are 1 to {ID_MAX_BYTES}")
    if _CONTROL.search(row_id):
        raise BadEventError("id", f"{field} {row_id!r} holds a control character")
    return row_id


class Event(NamedTuple):
    """What one record says."""

    what: int  # lfm_online.batch: RATING, RETRACTION, FORGET
    user: str
    item: str  # empty for FORGET
    rating: float  # NaN for a retraction
    time_ms: int


class EventDecoder:
    """Decodes by the settings' field names, units and limits."""

    def __init__(self, settings: Settings) -> None:
        """For events as ``settings`` describe them."""
        self._s = settings
        self.low, self.high = settings.rating_range.low, settings.rating_range.high
        event: Any = msgspec.defstruct(
            "Event",
            [
                ("user", str | int),
                ("item", str | int),
                ("rating", float | None),
                ("time", int | float | None, None),
            ],
            rename={
                "user": settings.user_field,
                "item": settings.item_field,
                "rating": settings.rating_field,
                "time": settings.time_field,
            },
            gc=False,
        )
        self._decode = msgspec.json.Decoder(event).decode
        self._to_ms = 1000.0 if settings.time_unit == "seconds" else 1.0
        self._tolerance_ms = settings.future_tolerance_seconds * 1000.0

    def decode(self, key: bytes | None, value: bytes | None, record_ms: int) -> Event:
        """One event.

        Raises:
            BadEventError: it can't be learned.
        """
        if value is None:
            if key is None:
                raise BadEventError(
                    "malformed", "neither a key nor a value: a tombstone's key names its user"
                )
            try:
                return Event(FORGET, check_id(key.decode(), "the key"), "", 0.0, max(record_ms, 0))
            except UnicodeDecodeError as error:
                raise BadEventError("id", f"a tombstone's key is not UTF-8: {error.reason}") from error
        if len(value) > self._s.record_max_bytes:
            raise BadEventError(
                "too_large",
                f"{len(value)} bytes, allowed are {self._s.record_max_bytes} (LFM_RECORD_MAX_BYTES)",
            )
        try:
            event: Any = self._decode(value)
        except (msgspec.MsgspecError, ValueError, RecursionError) as error:
            _raise_reason(value, error)
        user = check_id(str(event.user), self._s.user_field)
        item = check_id(str(event.item), self._s.item_field)
        time_ms = self._time(event.time, record_ms)
        if event.rating is None:
            return Event(RETRACTION, user, item, float("nan"), time_ms)
        if not self.low <= event.rating <= self.high:
            raise BadEventError(
                "range",
                f"{self._s.rating_field} {event.rating!r} lies outside {plain(self.low)} to "
                f"{plain(self.high)} (LFM_RATING_RANGE)",
            )
        return Event(RATING, user, item, event.rating, time_ms)

    def _time(self, given: float | None, record_ms: int) -> int:
        name = self._s.time_field
        if given is None:
            if record_ms < 0:
                raise BadEventError("schema", f"no {name}, and the record has no time of its own")
            if record_ms > -OLDEST_MS:
                raise BadEventError("range", f"no {name}, and the record's own time {record_ms} ms is none")
            return record_ms
        try:
            ms = float(np.floor(float(given) * self._to_ms))
        except OverflowError as error:
            raise BadEventError("future_time", f"{name} is too large a number") from error
        if record_ms >= 0 and ms > record_ms + self._tolerance_ms:
            raise BadEventError(
                "future_time",
                f"{name} {given!r} lies more than {self._s.future_tolerance_seconds:g} s past the record's "
                f"own time {record_ms} ms (LFM_FUTURE_TOLERANCE_SECONDS, LFM_TIME_UNIT)",
            )
        if not OLDEST_MS <= ms <= -OLDEST_MS:
            raise BadEventError("range", f"{name} {given!r} lies outside what a time can be (LFM_TIME_UNIT)")
        return int(ms)


def _not_finite(name: str) -> NoReturn:
    raise BadEventError("non_finite", f"{name} is not a number that JSON or a model knows")


def _raise_reason(value: bytes, error: Exception) -> NoReturn:
    """Why the typed decoder refused a value."""
    said = str(error)
    if isinstance(error, msgspec.ValidationError):
        if "out of range" in said:
            raise BadEventError("non_finite", said) from error
        if "missing required field" in said or said.startswith("Expected `object`"):
            raise BadEventError("schema", f"{said} ({_FIELDS})") from error
        raise BadEventError("type", f"{said} ({_FIELDS})") from error
    with contextlib.suppress(ValueError, RecursionError):
        json.loads(value, parse_constant=_not_finite)
    raise BadEventError("malformed", said) from error
