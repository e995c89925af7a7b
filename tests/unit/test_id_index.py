"""Ids as columns and their numbers, beside lists and a dictionary."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from lfm_online import id_index
from lfm_online.id_index import IdIndex
from lfm_online.ids import Ids

TEXT = st.sampled_from(["", "a", "b", "ab", "a" * 300, "ü", "😀", "\0", "aaaaaaaa", "aaaaaaaab"]) | st.text(
    max_size=9
)
TEXTS = st.lists(TEXT, max_size=30)


@given(TEXTS, st.data())
def test_ids_are_the_texts_that_they_were_made_of(texts: list[str], data: st.DataObject) -> None:
    ids = Ids.of(texts)
    assert ids == texts
    assert [ids[j] for j in range(len(ids))] == ids[:] == texts
    assert ids.lengths.tolist() == [len(text.encode()) for text in texts]
    if texts:
        places = data.draw(st.lists(st.integers(0, len(texts) - 1)))
        taken = ids.take(np.array(places, int))
        assert taken == [texts[j] for j in places]
        assert Ids.joined([taken, ids, taken]) == [*taken, *texts, *taken]


@given(st.lists(TEXTS, max_size=8), st.data())
def test_numbers_are_those_of_a_dictionary(batches: list[list[str]], data: st.DataObject) -> None:
    index, twin = IdIndex(1), dict[str, int]()
    for texts in batches:
        assert index.find(Ids.of(texts)).tolist() == [twin.get(text, -1) for text in texts]
        expected = [twin.setdefault(text, len(twin)) for text in texts]
        assert index.numbers(Ids.of(texts)).tolist() == expected
        assert index.ids == list(twin)
        left = data.draw(st.integers(0, len(twin) + 1))
        index.truncate(left)
        twin = {text: number for text, number in twin.items() if number < left}
        assert len(index) == len(twin)


def test_an_index_grows_and_keeps_every_number() -> None:
    index, texts = IdIndex(1), [f"row {j}" for j in range(20_000)]
    numbers = index.numbers(Ids.of(texts)).tolist()
    assert numbers == index.find(Ids.of(texts)).tolist() == list(range(20_000))
    assert index.number("row 19999") == 19_999
    assert index.number("row 20000") is None


def test_ids_whose_hashes_are_half_alike_are_told_apart() -> None:
    index, ids = IdIndex(), Ids.of(["a", "b"])
    index.numbers(ids)
    hashed = id_index._hash(index._seed, ids.data, 1, 2)  # that of "b"
    index._places[:] = 0
    home = int(hashed) % len(index._places)
    index._places[home] = id_index._entry(hashed, 0)  # as if "a" shared half of it, and came first
    index._places[(home + 1) % len(index._places)] = id_index._entry(hashed, 1)
    assert index.find(Ids.of(["b", "b"])).tolist() == [1, 1]
