"""Ratings files: any delimiter, any of the known column names, and an error that names the line."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

from lfm_online.ratings_file import RatingsFileError, RatingsTable, read_ratings


def read(tmp_path: Path, text: str) -> RatingsTable:
    file = tmp_path / "ratings.csv"
    file.write_bytes(text.encode("utf-8", errors="surrogateescape"))
    return read_ratings(file)


@pytest.mark.parametrize(
    "header",
    [
        "user,item,rating,timestamp",
        "userId,movieId,rating,timestamp",
        "user_id:token\titem_id:token\trating:float\ttimestamp:float",
        '"User ID";"Item ID";"Rating";"Time"',
        "reviewerID,asin,overall,unixReviewTime",
        "\ufeffUSER,ITEM,SCORE,TIME",
    ],
)
def test_columns_are_found_by_name_whatever_the_delimiter(tmp_path: Path, header: str) -> None:
    delimiter = next(d for d in "\t;," if d in header)
    lines = [header, delimiter.join(["u1", "i1", "3.5", "881250949"]), delimiter.join(["u2", "i1", "4", "1"])]
    table = read(tmp_path, "\n".join(lines))
    assert (table.users, table.items) == (["u1", "u2"], ["i1", "i1"])
    assert_array_equal(table.ratings, [3.5, 4.0])
    assert_array_equal(table.times_ms, [881250949000, 1000])


def test_columns_may_stand_in_any_order_among_others(tmp_path: Path) -> None:
    table = read(tmp_path, 'title,rating,user,item\n"A, or B",3,7,9\r\n"bad\udcff",4,7,10\r\n\r\n')
    assert (table.users, table.items, table.ratings.tolist()) == (["7", "7"], ["9", "10"], [3.0, 4.0])


def test_of_several_columns_for_one_thing_the_plainest_name_wins(tmp_path: Path) -> None:
    assert read(tmp_path, "asin,item,user,rating\na,b,u,1\n").items == ["b"]


def test_quoted_ids_keep_delimiters_quotes_spaces_and_leading_zeros(tmp_path: Path) -> None:
    table = read(tmp_path, 'user,item,rating\n"a,b"," x ""y""",1\n007,\U0001f3ac/1,2\n')
    assert (table.users, table.items) == (["a,b", "007"], [' x "y"', "\U0001f3ac/1"])


def test_without_times_all_are_zero_and_the_order_stays(tmp_path: Path) -> None:
    table = read(tmp_path, "user,item,rating\nb,1,1\na,1,1\n")
    assert not table.has_times
    assert_array_equal(table.times_ms, [0, 0])
    assert table.sorted_by_time().users == ["b", "a"]


@pytest.mark.parametrize(
    ("times", "expected"),
    [
        (["1", "1260759144"], [1000, 1260759144000]),
        (["1", "1260759144000"], [1, 1260759144000]),
        (["1.26e9", "1.5"], [1260000000000, 1500]),
        (["99999999999", "0"], [99999999999000, 0]),
    ],
)
def test_the_largest_time_decides_the_unit_of_the_whole_file(
    tmp_path: Path, times: list[str], expected: list[int]
) -> None:
    lines = "".join(f"u,i,1,{time}\n" for time in times)
    assert read(tmp_path, f"user,item,rating,timestamp\n{lines}").times_ms.tolist() == expected


def test_sorting_by_time_keeps_the_files_order_within_one_time(tmp_path: Path) -> None:
    text = "user,item,rating,timestamp\na,1,1,5\nb,2,2,3\nc,3,3,5\nd,4,4,3\n"
    table = read(tmp_path, text).sorted_by_time()
    assert (table.users, table.items) == (["b", "d", "a", "c"], ["2", "4", "1", "3"])
    assert table.ratings.tolist() == [2.0, 4.0, 1.0, 3.0]
    assert table.times_ms.tolist() == [3000, 3000, 5000, 5000]


@pytest.mark.parametrize(
    ("bad", "said"),
    [
        ("u,i,,1", "rating is ''; allowed: a finite number"),
        ("u,i,good,1", "rating is 'good'"),
        ("u,i,nan,1", "rating is 'nan'"),
        ("u,i,-inf,1", "rating is '-inf'"),
        ("u,i,1,", "timestamp is ''; allowed: Unix time in seconds or milliseconds"),
        ("u,i,1,2015-03-01", "timestamp is '2015-03-01'"),
        ("u,i,1,1e15", "timestamp is '1e15'"),
        (",i,1,1", "user is ''; allowed: 1 to 256 bytes"),
        (f"u,{'x' * 257},1,1", "item is 'xxx"),
        ("u\x07,i,1,1", r"user is 'u\x07'"),
        ("u\udcff,i,1,1", r"user is 'u\udcff'"),
        ("u,i,1", "3 columns; allowed: 4"),
        ("u,i,1,1,1", "5 columns; allowed: 4"),
        (f'u,i,1,"{"x" * 140_000}"', "field larger than field limit"),
    ],
)
@pytest.mark.parametrize("before", [0, 3000])
def test_a_bad_line_is_named_with_its_number_and_value(
    tmp_path: Path, bad: str, said: str, before: int
) -> None:
    lines = ["user,item,rating,timestamp", *["u,i,1,1"] * before, "", bad, "u,i,2,1"]
    with pytest.raises(RatingsFileError) as caught:
        read(tmp_path, "\n".join(lines))
    assert f"ratings.csv, line {before + 3}: " in str(caught.value)
    assert said in str(caught.value)


@pytest.mark.parametrize("text", ["", "user,rating\n1,2\n", "1,2,3\n"])
def test_a_missing_column_is_named_with_the_names_it_may_have(tmp_path: Path, text: str) -> None:
    with pytest.raises(RatingsFileError, match=r"line 1: no column for .*item.* in .*itemid, .*movieid"):
        read(tmp_path, text)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(RatingsFileError, match=r"gone\.csv cannot be read: No such file"):
        read_ratings(tmp_path / "gone.csv")


@given(
    st.lists(
        st.tuples(
            st.text(st.characters(exclude_categories=["Cc", "Cs"]), min_size=1, max_size=20),
            st.floats(allow_nan=False, allow_infinity=False),
            st.integers(0, 10**10),
        ),
        max_size=20,
    )
)
def test_what_a_csv_writer_writes_is_read_back(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, float, int]]
) -> None:
    file = tmp_path_factory.mktemp("csv") / "ratings.csv"
    with file.open("w", encoding="utf-8", newline="") as out:
        out.write("user,item,rating,timestamp\r\n")
        for text, rating, seconds in rows:
            quoted = '"' + text.replace('"', '""') + '"'
            out.write(f"{quoted},{quoted},{rating!r},{seconds}\r\n")
    table = read_ratings(file)
    assert table.users == table.items == [text for text, _, _ in rows]
    assert table.ratings.tolist() == [rating for _, rating, _ in rows]
    assert table.times_ms.tolist() == [1000 * seconds for _, _, seconds in rows]
