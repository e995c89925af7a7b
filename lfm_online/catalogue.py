"""What items are called: a catalogue file of ids, titles, genres and years.

A comma, tab or semicolon separated table with a header line. Columns are found by name; others are passed
over::

    movieId,title,genres
    1,Toy Story (1995),Adventure|Animation|Children|Comedy|Fantasy

Genres are separated by ``|``; ``(no genres listed)`` is none. A year comes from a column of its own, or,
where that is missing or empty, from the end of the title.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final, NamedTuple

from lfm_online.ratings_file import COLUMN_NAMES as RATINGS_COLUMN_NAMES
from lfm_online.ratings_file import ID_MAX_BYTES, check_id

COLUMN_NAMES: Final[dict[str, tuple[str, ...]]] = {
    "item": (*RATINGS_COLUMN_NAMES["item"], "id"),
    "title": ("title", "movietitle", "booktitle", "name"),
    "genres": ("genres", "genre", "categories", "category"),
    "year": ("year", "releaseyear", "yearofpublication"),
}
"""What a column may be called, by what it holds; of several in one file the first in this order is taken."""

_NO_GENRES: Final = "(no genres listed)"  # as MovieLens says it
_TITLE_YEAR = re.compile(r"\((?:\d{4}[-\u2013])?(\d{4})[-\u2013]?\)\s*$")
_YEAR = re.compile(r"-?\d{1,4}(?:\.0*)?")  # a table with gaps is often written with 1995.0
# Neither a terminal nor an SVG file takes these; surrogates stand for bytes that are not UTF-8.
_UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")


class CatalogueError(ValueError):
    """A catalogue that cannot be read; the message names file, line, value, and what is allowed."""


class CatalogueItem(NamedTuple):
    """What a catalogue says of one item."""

    title: str = ""
    genres: tuple[str, ...] = ()
    year: int | None = None


class Catalogue(Mapping[str, CatalogueItem]):
    """Items by id, in the order of the file. An id that it lacks has no title, no genres and no year."""

    def __init__(self, items: Mapping[str, CatalogueItem]) -> None:
        self._items = dict(items)
        self.genres: Final = tuple(sorted({genre for item in self._items.values() for genre in item.genres}))
        """Every genre once, by name."""

    def __getitem__(self, item: str) -> CatalogueItem:
        return self._items[item]

    def __iter__(self) -> Iterator[str]:
        return iter(self._items)

    def __len__(self) -> int:
        return len(self._items)

    def of(self, item: str) -> CatalogueItem:
        """What it says of an item; blank where it does not know the item."""
        return self._items.get(item, CatalogueItem())


EMPTY: Final = Catalogue({})
"""The catalogue of who gave none."""


def read_catalogue(path: Path) -> Catalogue:
    """Read a catalogue file. An item may stand in several lines, as in a file of ratings, if they agree.

    Raises:
        CatalogueError: no such file, no column for the item or the title, or a line that cannot be read.
    """
    try:
        # An id that is not UTF-8 becomes a surrogate and is refused; a title may hold what it likes.
        with path.open(encoding="utf-8-sig", errors="surrogateescape", newline="") as file:
            header, delimiter = _header(path, file.readline())
            place = _places(header)
            items: dict[str, CatalogueItem] = {}
            lines = csv.reader(file, delimiter=delimiter)
            for row in lines:
                if row:
                    where = f"{path}, line {lines.line_num + 1}"
                    if len(row) != len(header):
                        fault = f"{len(row)} columns; allowed: {len(header)}, as in line 1"
                        raise CatalogueError(f"{where}: {fault}")
                    item, told = _entry(where, {what: row[at] for what, at in place.items()})
                    if items.setdefault(item, told) != told:
                        raise CatalogueError(f"{where}: item {item!r} is there before, as {items[item]}")
            return Catalogue(items)
    except csv.Error as error:
        raise CatalogueError(f"{path}, line {lines.line_num + 1}: {error}") from None
    except OSError as error:
        raise CatalogueError(f"{path} cannot be read: {error.strerror}") from None


def write_catalogue(path: Path, catalogue: Catalogue) -> None:
    """Write a catalogue as :func:`read_catalogue` reads it.

    Raises:
        CatalogueError: the file cannot be written.
    """
    try:
        with path.open("w", encoding="utf-8", newline="") as file:
            lines = csv.writer(file, lineterminator="\n")
            lines.writerow(["item", "title", "genres", "year"])
            for item, told in catalogue.items():
                lines.writerow([item, told.title, "|".join(told.genres), told.year or ""])
    except OSError as error:
        raise CatalogueError(f"{path} cannot be written: {error.strerror}") from None


def _header(path: Path, first: str) -> tuple[list[str], str]:
    headers = {delimiter: next(csv.reader([first], delimiter=delimiter), []) for delimiter in ",\t;"}
    for delimiter, header in headers.items():
        if {"item", "title"} <= _places(header).keys():
            return header, delimiter
    header = max(headers.values(), key=len)
    missing = [what for what in ("item", "title") if what not in _places(header)]
    allowed = "; ".join(f"for {what} {', '.join(COLUMN_NAMES[what])}" for what in missing)
    found = ", ".join(map(repr, header)) or "nothing"
    raise CatalogueError(
        f"{path}, line 1: no column for {' and '.join(missing)} in {found}; "
        f"allowed: {allowed}; separated by comma, tab or semicolon"
    )


def _places(header: list[str]) -> dict[str, int]:
    plain = [re.sub(r"[\s_.-]", "", name.split(":")[0]).lower() for name in header]
    named = {what: [name for name in names if name in plain] for what, names in COLUMN_NAMES.items()}
    return {what: plain.index(names[0]) for what, names in named.items() if names}


def _entry(where: str, row: dict[str, str]) -> tuple[str, CatalogueItem]:
    item = row["item"]
    try:
        check_id(item)
    except ValueError:
        raise CatalogueError(
            f"{where}: item is {item!r}; "
            f"allowed: 1 to {ID_MAX_BYTES} bytes of UTF-8 without control characters"
        ) from None
    title = plain_text(row["title"])
    year = _year(where, row.get("year", "").strip(), title)
    return item, CatalogueItem(title, split_genres(row.get("genres", "")), year)


def split_genres(text: str) -> tuple[str, ...]:
    """The genres of ``Comedy|Drama``, each once; none of MovieLens's ``(no genres listed)``."""
    genres = map(plain_text, text.split("|"))
    return tuple(dict.fromkeys(genre for genre in genres if genre not in {"", _NO_GENRES}))


def plain_text(text: str) -> str:
    """A title without what cannot be printed, its spaces single."""
    return " ".join(_UNPRINTABLE.sub(" ", text).split())


def _year(where: str, text: str, title: str) -> int | None:
    if not text:
        found = _TITLE_YEAR.search(title)
        return int(found[1]) if found else None
    if not _YEAR.fullmatch(text):
        raise CatalogueError(f"{where}: year is {text!r}; allowed: a whole number, or nothing")
    return int(text.split(".", maxsplit=1)[0])
