"""Record bytes to columns of events; what can't be one becomes a dead letter with its reason.

Each value is decoded by itself (0.22 microseconds with msgspec's typed decoder, which refuses NaN,
booleans and overflow): joined values would decode no faster, and a crafted record could then
shift the others' places.
"""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Sequence
from typing import Any, Final, NoReturn

import msgspec
import numpy as np
from numpy.typing import NDArray

from lfm_online.batch import FORGET, RATING, RETRACTION
from lfm_online.store.protocol import Range
from worker.dead_letters.letter import DeadLetter, Reason, cut
from worker.events import Events
from worker.settings import Settings
from worker.source.protocol import Records

ID_MAX_BYTES: Final = 256
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f]")
_OLDEST_MS: Final = -(2.0**53)


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


class Decoder:
    """Decodes records by the settings' field names, units and limits."""

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

    def decode(self, records: Records) -> Events:
        """Columns of the valid events, letters for the others, in the records' order."""
        try:
            return self._fast(records)
        except (msgspec.MsgspecError, BadEventError, TypeError, ValueError, OverflowError, RecursionError):
            return self._slow(records)

    def _fast(self, records: Records) -> Events:
        """All records are valid ratings or retractions, or this raises."""
        values: Sequence[Any] = records.values
        if max(map(len, values)) > self._s.record_max_bytes:
            raise BadEventError("too_large", "")
        events = list(map(self._decode, values))
        users, items = _ids([e.user for e in events]), _ids([e.item for e in events])
        rating = np.array([e.rating for e in events], np.float64)
        record_ms = np.array(records.times_ms, np.int64)
        time_ms = self._times([e.time for e in events], record_ms)
        taken_back = np.isnan(rating)
        inside = (rating >= self.low) & (rating <= self.high)
        if not (inside | taken_back).all():
            raise BadEventError("range", "")
        keys = records.keys
        return Events(
            np.where(taken_back, np.uint8(RETRACTION), np.uint8(RATING)),
            users,
            items,
            rating,
            time_ms,
            np.full(len(users), records.partition, np.int32),
            np.array(records.offsets, np.int64),
            record_ms,
            [],
            [Range(records.partition, records.first, records.end)],
            _foreign(keys, users),
        )

    def _times(self, times: list[Any], record_ms: NDArray[np.int64]) -> NDArray[np.int64]:
        """Event times in ms, the record's own where there is none.

        Raises:
            BadEventError: at least one that is not allowed.
        """
        given = np.array(times, np.float64)
        ms = np.where(np.isnan(given), record_ms, np.floor(given * self._to_ms))
        future = (record_ms >= 0) & (ms > record_ms + self._tolerance_ms)
        missing = np.isnan(given) & (record_ms < 0)
        if (future | missing | (ms < _OLDEST_MS) | (ms > -_OLDEST_MS)).any():
            raise BadEventError("future_time", "")
        return ms.astype(np.int64)

    def _slow(self, records: Records) -> Events:
        """One by one: the good events as by :meth:`_fast`, the others as letters."""
        what: list[int] = []
        rows: list[tuple[str, str, float, int, int, int]] = []
        letters: list[DeadLetter] = []
        keys: list[bytes | None] = []
        for offset, time_ms, key, value in zip(
            records.offsets, records.times_ms, records.keys, records.values, strict=True
        ):
            try:
                kind, row = self._one(key, value, time_ms)
            except BadEventError as bad:
                letters.append(self._letter(bad, records.partition, offset, time_ms, key, value))
                continue
            what.append(kind)
            rows.append((*row, offset, time_ms))
            keys.append(key)
        columns: list[Sequence[Any]] = list(zip(*rows, strict=True)) if rows else [()] * 6
        users = list(columns[0])
        return Events(
            np.array(what, np.uint8),
            users,
            list(columns[1]),
            np.array(columns[2], np.float64),
            np.array(columns[3], np.int64),
            np.full(len(users), records.partition, np.int32),
            np.array(columns[4], np.int64),
            np.array(columns[5], np.int64),
            letters,
            [Range(records.partition, records.first, records.end)],
            _foreign(keys, users),
        )

    def _one(
        self, key: bytes | None, value: bytes | None, record_ms: int
    ) -> tuple[int, tuple[str, str, float, int]]:
        """One event: what it is, and its user, item, rating and time.

        Raises:
            BadEventError: it can't be learned.
        """
        if value is None:
            if key is None:
                raise BadEventError(
                    "malformed", "neither a key nor a value: a tombstone's key names its user"
                )
            try:
                return FORGET, (check_id(key.decode(), "the key"), "", 0.0, max(record_ms, 0))
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
            return RETRACTION, (user, item, float("nan"), time_ms)
        if not self.low <= event.rating <= self.high:
            raise BadEventError(
                "range",
                f"{self._s.rating_field} {event.rating!r} lies outside {self.low:g} to {self.high:g} "
                "(LFM_RATING_RANGE)",
            )
        return RATING, (user, item, event.rating, time_ms)

    def _time(self, given: float | None, record_ms: int) -> int:
        name = self._s.time_field
        if given is None:
            if record_ms < 0:
                raise BadEventError("schema", f"no {name}, and the record has no time of its own")
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
        if not _OLDEST_MS <= ms <= -_OLDEST_MS:
            raise BadEventError("range", f"{name} {given!r} lies outside what a time can be (LFM_TIME_UNIT)")
        return int(ms)

    def _letter(
        self,
        bad: BadEventError,
        partition: int,
        offset: int,
        time_ms: int,
        key: bytes | None,
        value: bytes | None,
    ) -> DeadLetter:
        kept, sha256 = cut(value, self._s.dead_letter_max_bytes)
        return DeadLetter(
            reason=bad.reason,
            detail=str(bad)[:1000],
            topic=self._s.topic,
            partition=partition,
            offset=offset,
            time_ms=time_ms,
            key=None if key is None else key[: self._s.dead_letter_max_bytes],
            value=kept,
            value_bytes=0 if value is None else len(value),
            sha256=sha256,
        )


def _ids(ids: list[Any]) -> list[str]:
    """Ids as text, all valid, or this raises."""
    try:
        text = "".join(ids)
    except TypeError:
        ids = [str(row_id) for row_id in ids]
        text = "".join(ids)
    if not all(ids) or _CONTROL.search(text):
        raise BadEventError("id", "")
    if max(map(len, ids)) > (ID_MAX_BYTES if text.isascii() else ID_MAX_BYTES // 4):
        raise BadEventError("id", "")  # perhaps: the slow way counts bytes
    text.encode()  # a lone surrogate raises
    return ids


def _foreign(keys: Sequence[bytes | None], users: list[str]) -> int:
    """How many keys are not their event's user id."""
    try:
        if b"\0".join(keys) == "\0".join(users).encode():  # type: ignore[arg-type]  # a None raises
            return 0
    except TypeError:
        pass
    return sum(key != user.encode() for key, user in zip(keys, users, strict=True))


def _not_finite(name: str) -> NoReturn:
    raise BadEventError("non_finite", f"{name} is not a number that JSON or a model knows")


def _raise_reason(value: bytes, error: Exception) -> NoReturn:
    """Why the typed decoder refused a value."""
    said = str(error)
    if isinstance(error, msgspec.ValidationError):
        if "out of range" in said:
            raise BadEventError("non_finite", said) from error
        if "missing required field" in said or said.startswith("Expected `object`"):
            raise BadEventError("schema", said) from error
        raise BadEventError("type", said) from error
    with contextlib.suppress(ValueError, RecursionError):
        json.loads(value, parse_constant=_not_finite)
    raise BadEventError("malformed", said) from error
