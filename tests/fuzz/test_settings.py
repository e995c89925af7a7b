"""Any text for any setting is taken or refused with words; nothing else is raised."""

import os
from unittest import mock

from hypothesis import given, settings
from hypothesis import strategies as st

from worker.settings import Settings
from worker.settings_catalogue import catalogue
from worker.settings_loading import SettingsError, load_settings

TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=30)
NUMBERS = (st.integers() | st.floats()).map(str)
URLS = st.builds(lambda a, b: f"redis://{a}:{b}", TEXT, TEXT)
PAIRS = st.builds(lambda a, b: f"{a},{b}", NUMBERS, NUMBERS)
VARIABLES = st.dictionaries(
    st.sampled_from(sorted(entry.variable for entry in catalogue().values())),
    TEXT | NUMBERS | URLS | PAIRS | st.sampled_from(["", "true", "no", "a:1,b:2", "nan", "1e400"]),
    min_size=1,
    max_size=3,
)


@given(VARIABLES)
@settings(max_examples=300, deadline=None)
def test_any_variables_are_taken_or_refused_with_words(variables: dict[str, str]) -> None:
    with mock.patch.dict(os.environ, variables):
        try:
            loaded = load_settings()
        except SettingsError as error:
            names = [name.removeprefix("LFM_").lower() for name in variables]
            assert any(name in str(error) for name in names), error  # noqa: PT017 - or it is taken
        else:
            assert isinstance(loaded, Settings)
            assert loaded.rating_range.low < loaded.rating_range.high
