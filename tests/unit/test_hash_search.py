"""Rows by their hashes, as a comparison of each with each finds them."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from lfm_online.hash_search import rows_of

# Few, and some that begin alike: in their first bits, and in all but the last.
HASHES = st.lists(st.sampled_from([0, 1, 2**43, 2**44, 2**44 + 1, 2**63, 2**64 - 2, 2**64 - 1]))


@given(hashes=HASHES, wanted=HASHES)
def test_rows_are_those_whose_hash_is_wanted(hashes: list[int], wanted: list[int]) -> None:
    found = rows_of(np.array(hashes, np.uint64), np.array(wanted, np.uint64))
    assert found.tolist() == [row for row, h in enumerate(hashes) if h in wanted]
