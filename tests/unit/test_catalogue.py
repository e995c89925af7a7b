"""Catalogue files: columns by name, genres, years, and an error that names the line."""

from __future__ import annotations

from pathlib import Path

import pytest

from lfm_online.catalogue import Catalogue, CatalogueError, CatalogueItem, read_catalogue, write_catalogue
from worker.demo.data import movielens


def read(tmp_path: Path, text: str) -> Catalogue:
    file = tmp_path / "movies.csv"
    file.write_bytes(text.encode("utf-8", errors="surrogateescape"))
    return read_catalogue(file)


def test_movielens_own_file_is_read_with_its_years_and_genres(tmp_path: Path) -> None:
    catalogue = read(
        tmp_path,
        "movieId,title,genres\n1,Toy Story (1995),Adventure|Animation\n"
        '11,"American President, The (1995) ",Comedy|Adventure\n2,Babylon 5,(no genres listed)\n\n',
    )
    assert catalogue.of("1") == CatalogueItem("Toy Story (1995)", ("Adventure", "Animation"), 1995)
    assert catalogue.of("11").title == "American President, The (1995)"
    assert catalogue.of("2") == CatalogueItem("Babylon 5", (), None)
    assert catalogue.genres == ("Adventure", "Animation", "Comedy")
    assert catalogue.of("none") == CatalogueItem("", (), None)
    assert list(catalogue) == ["1", "11", "2"]


@pytest.mark.parametrize(
    ("header", "line"),
    [
        ("id,name,year,genre", "7,Heat,1995.0,Crime"),
        ("item_id:token\tmovie_title:token_seq\trelease_year:token\tcategory", "7\tHeat\t1995\tCrime"),
        ('\ufeff"Item ID";"Title";"Year";"Genres"', "7;Heat;1995;Crime||Crime"),
    ],
)
def test_columns_are_found_by_name_whatever_the_delimiter(tmp_path: Path, header: str, line: str) -> None:
    assert read(tmp_path, f"{header}\n{line}\n") == {"7": CatalogueItem("Heat", ("Crime",), 1995)}


def test_a_column_of_years_wins_over_the_title_and_its_gaps_are_filled_from_it(tmp_path: Path) -> None:
    catalogue = read(
        tmp_path, "id,title,year\n1,1984 (1956),1984\n2,Up (2009),\n3,Lost (2004-2010),\n4,2012,\n"
    )
    assert [catalogue.of(item).year for item in "1234"] == [1984, 2009, 2010, None]


def test_what_no_terminal_or_svg_takes_is_left_out_of_titles(tmp_path: Path) -> None:
    catalogue = read(tmp_path, 'id,title\n1,"A\x1b[2J  b\ufffe\n c"\n2,Am\udce9lie\n')
    assert [each.title for each in catalogue.values()] == ["A [2J b c", "Am lie"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "line 1: no column for item and title in nothing"),
        ("movieId,year\n", "line 1: no column for title in 'movieId', 'year'; allowed: for title title, "),
        ("id,title\n1,A\n,B\n", "line 3: item is ''; allowed: 1 to 256 bytes"),
        ("id,title\n\n1\n", "line 3: 1 columns; allowed: 2"),
        ("id,title,year\n1,A,soon\n", "line 2: year is 'soon'; allowed: a whole number"),
        ("id,title,year\n1,A,1995.5\n", "line 2: year is '1995.5'"),
        ("id,title\n1,A\n1,A\n1,B\n", "line 4: item '1' is there before"),
        (f"id,title\n1,{'x' * 140_000}\n", "line 2: field larger than field limit"),
    ],
)
def test_a_fault_is_named_with_line_and_value(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(CatalogueError) as caught:
        read(tmp_path, text)
    assert f"movies.csv, {said}" in str(caught.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(CatalogueError, match=r"gone\.csv cannot be read: No such file"):
        read_catalogue(tmp_path / "gone.csv")
    with pytest.raises(CatalogueError, match=r"cannot be written: No such file"):
        write_catalogue(tmp_path / "gone" / "movies.csv", Catalogue({}))


def test_the_demos_catalogue_is_written_and_read_back(tmp_path: Path) -> None:
    table, catalogue = movielens()
    write_catalogue(tmp_path / "movies.csv", catalogue)
    assert read_catalogue(tmp_path / "movies.csv") == catalogue
    assert set(catalogue) == set(table.items)
    assert catalogue.of("356") == CatalogueItem("Forrest Gump", ("Comedy", "Drama", "Romance", "War"), 1994)
    assert len(catalogue.genres) == 19
