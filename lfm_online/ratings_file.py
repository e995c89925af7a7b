"""Ratings from a file: any comma, tab or semicolon separated table with a header line.

Columns are found by name; capitals, spaces, underscores and RecBole's types (``user_id:token``) do not
matter. Other columns are passed over. A column of times is optional.

Times are Unix times. One rule for the whole file decides their unit, by the largest magnitude T in it: below
1e11 they are seconds (the year 5138), below 1e14 milliseconds, else an error.
"""

from __future__ import annotations

import csv
import math
import re
from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Final, NamedTuple, NoReturn, Self, TextIO

import numpy as np
from numpy.typing import NDArray

COLUMN_NAMES: Final[dict[str, tuple[str, ...]]] = {
    "user": ("user", "userid", "uid", "reviewerid"),
    "item": ("item", "itemid", "iid", "movie", "movieid", "product", "productid", "asin", "bookid", "isbn"),
    "rating": ("rating", "score", "stars", "overall", "bookrating"),
    "timestamp": ("timestamp", "time", "unixreviewtime", "unixtime", "ratedat"),
}
"""What a column may be called, by what it holds; of several in one file the first in this order is taken."""

ID_MAX_BYTES: Final = 256
_SECONDS_BELOW: Final = 1e11
_MILLISECONDS_BELOW: Final = 1e14
_CHUNK_LINES: Final = 1024  # larger ones no longer fit the cache: 65,536 take four times as long
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")


class RatingsFileError(ValueError):
    """A ratings file that cannot be read; the message names file, line, value, and what is allowed."""


@dataclass(frozen=True, slots=True)
class RatingsTable:
    """Ratings in the order of their file; all four columns have one length."""

    users: list[str]
    items: list[str]
    ratings: NDArray[np.float64]
    times_ms: NDArray[np.int64]
    """Unix time, milliseconds; all zero where ``has_times`` is false."""
    has_times: bool = True

    def __len__(self) -> int:
        return len(self.users)

    def sorted_by_time(self) -> Self:
        """The same ratings by time; those of one time stay in the file's order."""
        if np.all(self.times_ms[1:] >= self.times_ms[:-1]):
            return self
        return self.take(np.argsort(self.times_ms, kind="stable"))

    def take(self, places: NDArray[np.intp]) -> Self:
        """The ratings at these places, in their order."""
        listed = places.tolist()
        return type(self)(
            [self.users[place] for place in listed],
            [self.items[place] for place in listed],
            self.ratings[places],
            self.times_ms[places],
            self.has_times,
        )


def read_ratings(path: Path) -> RatingsTable:
    """Read the whole file.

    Raises:
        RatingsFileError: no such file, no such column, or a line that is not a rating.
    """
    try:
        shape = _shape(path)
        try:
            return _read(shape)
        except (ValueError, csv.Error):
            _raise_first_fault(shape)  # the fast path does not know which line it was
    except OSError as error:
        raise RatingsFileError(f"{path} cannot be read: {error.strerror}") from None


class _Shape(NamedTuple):
    path: Path
    delimiter: str
    header: list[str]
    place: dict[str, int]  # what a column holds -> its place in a line

    def lines(self) -> Iterator[tuple[int, list[str]]]:
        """The lines after the header that are not blank, with their numbers."""
        with _opened(self.path) as file:
            reader = csv.reader(file, delimiter=self.delimiter)
            next(reader)
            while True:
                try:
                    row = next(reader)
                except StopIteration:
                    return
                except csv.Error as error:
                    raise RatingsFileError(f"{self.path}, line {reader.line_num}: {error}") from None
                if row:
                    yield reader.line_num, row

    def chunks(self) -> Iterator[list[list[str]]]:
        """The same without numbers, many at a time."""
        with _opened(self.path) as file:
            reader = csv.reader(file, delimiter=self.delimiter)
            next(reader)
            rows = filter(None, reader)
            while chunk := list(islice(rows, _CHUNK_LINES)):
                yield chunk


def _opened(path: Path) -> TextIO:
    # What is not UTF-8 becomes a surrogate: an id with one is refused, other columns may hold what they like.
    return path.open(encoding="utf-8-sig", errors="surrogateescape", newline="")


def _shape(path: Path) -> _Shape:
    with _opened(path) as file:
        first = file.readline()
    headers = {delimiter: next(csv.reader([first], delimiter=delimiter), []) for delimiter in ",\t;"}
    for delimiter, header in headers.items():
        place = _places(header)
        if {"user", "item", "rating"} <= place.keys():
            return _Shape(path, delimiter, header, place)
    header = max(headers.values(), key=len)
    missing = [what for what in ("user", "item", "rating") if what not in _places(header)]
    allowed = "; ".join(f"for {what} {', '.join(COLUMN_NAMES[what])}" for what in missing)
    found = ", ".join(map(repr, header)) or "nothing"
    raise RatingsFileError(
        f"{path}, line 1: no column for {' and '.join(missing)} in {found}; "
        f"allowed: {allowed}; separated by comma, tab or semicolon"
    )


def _places(header: list[str]) -> dict[str, int]:
    plain = [re.sub(r"[\s_.-]", "", name.split(":")[0]).lower() for name in header]
    found = {}
    for what, names in COLUMN_NAMES.items():
        for name in reversed(names):
            if name in plain:
                found[what] = plain.index(name)
    return found


def _read(shape: _Shape) -> RatingsTable:
    place = shape.place
    users: list[str] = []
    items: list[str] = []
    ratings, times = array("d"), array("d")
    known: dict[str, str] = {}  # one string object an id, however often it stands in the file
    for chunk in shape.chunks():
        columns = tuple(zip(*chunk, strict=True))
        if len(columns) != len(shape.header):
            raise ValueError("too few or too many columns")
        for what, ids in (("user", users), ("item", items)):
            column = columns[place[what]]
            for new in set(column).difference(known):
                check_id(new)
            ids.extend(map(known.setdefault, column, column))
        ratings.extend(map(float, columns[place["rating"]]))
        if "timestamp" in place:
            times.extend(map(float, columns[place["timestamp"]]))
    return RatingsTable(
        users, items, _finite(ratings), _milliseconds(_finite(times), len(users)), "timestamp" in place
    )


def check_id(text: str) -> None:
    """Refuse what cannot be the id of a user or an item.

    Raises:
        ValueError: empty, longer than 256 bytes of UTF-8, not UTF-8, or with control characters.
    """
    if not 0 < len(text.encode()) <= ID_MAX_BYTES or _CONTROL.search(text):
        raise ValueError("not an id")


def _finite(numbers: array[float]) -> NDArray[np.float64]:
    values = np.array(numbers)
    if not np.isfinite(values).all():
        raise ValueError("not finite")
    return values


def _milliseconds(times: NDArray[np.float64], n: int) -> NDArray[np.int64]:
    if not len(times):
        return np.zeros(n, np.int64)
    largest = float(np.abs(times).max())
    if largest >= _MILLISECONDS_BELOW:
        raise ValueError("neither seconds nor milliseconds")
    return np.rint(times * (1000 if largest < _SECONDS_BELOW else 1)).astype(np.int64)


def _raise_first_fault(shape: _Shape) -> NoReturn:
    for number, row in shape.lines():
        if fault := _fault(shape, row):
            raise RatingsFileError(f"{shape.path}, line {number}: {fault}")
    raise AssertionError(f"{shape.path} changed while it was read")


def _fault(shape: _Shape, row: list[str]) -> str | None:
    if len(row) != len(shape.header):
        return f"{len(row)} columns; allowed: {len(shape.header)}, as in line 1"
    for what in ("user", "item"):
        value = row[shape.place[what]]
        try:
            check_id(value)
        except ValueError:
            return (
                f"{what} is {value!r}; allowed: 1 to {ID_MAX_BYTES} bytes of UTF-8 without control characters"
            )
    if not _is_number(value := row[shape.place["rating"]]):
        return f"rating is {value!r}; allowed: a finite number"
    if "timestamp" in shape.place:
        value = row[shape.place["timestamp"]]
        if not (_is_number(value) and abs(float(value)) < _MILLISECONDS_BELOW):
            return f"timestamp is {value!r}; allowed: Unix time in seconds or milliseconds"
    return None


def _is_number(text: str) -> bool:
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False
