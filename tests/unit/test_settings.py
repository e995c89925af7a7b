"""Settings: where they come from, what wins, and what is said about a wrong one."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from tests.pem import CERTIFICATE, KEY, OTHER_KEY
from worker.settings import RatingRange, Settings, redacted
from worker.settings_catalogue import catalogue
from worker.settings_loading import FILE_VARIABLE, SettingsError, load_settings


@pytest.fixture(autouse=True)
def _no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in [entry.variable for entry in catalogue().values()] + [FILE_VARIABLE]:
        monkeypatch.delenv(variable, raising=False)


def test_a_flag_wins_over_a_variable_over_the_file_over_the_default(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = tmp_path / "settings.toml"
    file.write_text(
        'factors = 1\nseed = 1\nhistory = 1\nrating_range = [1, 5]\nstore = "redis://in-file:1/0"\n'
    )
    monkeypatch.setenv(FILE_VARIABLE, str(file))
    monkeypatch.setenv("LFM_FACTORS", "2")
    monkeypatch.setenv("LFM_SEED", "2")

    settings = load_settings({"factors": "3"})

    assert (settings.factors, settings.seed, settings.history) == (3, 2, 1)
    assert settings.rating_range == RatingRange(1.0, 5.0)
    assert settings.store == "redis://in-file:1/0"
    assert settings.commit_events == 32_000


@pytest.mark.parametrize("text", ["0.5,5", "0.1,1000001", "-1,5.0000001"])
def test_a_range_is_shown_as_it_was_given(text: str) -> None:
    assert str(Settings(rating_range=text).rating_range) == text


def test_a_file_given_by_hand_is_read_instead_of_the_variables(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "a.toml").write_text("seed = 1")
    (tmp_path / "b.toml").write_text("seed = 2")
    monkeypatch.setenv(FILE_VARIABLE, str(tmp_path / "a.toml"))
    assert load_settings(settings_file=tmp_path / "b.toml").seed == 2


def test_an_unknown_variable_is_refused_and_the_nearest_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LFM_FACTRS", "8")
    with pytest.raises(SettingsError, match="LFM_FACTRS is not a setting; the nearest is LFM_FACTORS"):
        load_settings()


def test_an_unknown_key_of_a_file_is_refused_with_the_files_name(tmp_path: Path) -> None:
    file = tmp_path / "settings.toml"
    file.write_text("factrs = 8")
    with pytest.raises(SettingsError, match=r"factrs in .*settings\.toml is not a setting; .* factors"):
        load_settings(settings_file=file)


@pytest.mark.parametrize(("text", "said"), [("factors = = 1", "is not TOML"), (None, "cannot be read")])
def test_a_file_that_cannot_be_used_is_named(tmp_path: Path, text: str | None, said: str) -> None:
    file = tmp_path / "settings.toml"
    if text is not None:
        file.write_text(text)
    with pytest.raises(SettingsError, match=rf"settings\.toml {said}"):
        load_settings(settings_file=file)


@pytest.mark.parametrize(
    ("name", "value", "allowed"),
    [
        ("factors", "0", "a whole number from 1 to 512"),
        ("factors", "many", "a whole number from 1 to 512"),
        ("rule", "als", "adaptive or sgd"),
        ("rating_range", "5,1", "LOW below HIGH"),
        ("rating_range", "1,nan", "LOW below HIGH"),
        ("rating_range", "1", "LOW,HIGH"),
        ("kafka", "localhost", "HOST:PORT"),
        ("store", "localhost:6379", "redis://HOST:PORT/DB"),
        ("model", "a{b}", "letters"),
        ("new_model", "perhaps", "true or false"),
        ("sgd_step_bias", "inf", "a number from 0 to 1"),
        ("serve_port", "65536", "0 to 65535"),
    ],
)
def test_an_impossible_value_is_refused_with_setting_flag_variable_value_and_what_is_allowed(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, allowed: str
) -> None:
    entry = catalogue()[name]
    monkeypatch.setenv(entry.variable, value)
    with pytest.raises(SettingsError) as caught:
        load_settings()
    for part in (name, entry.flag, entry.variable, repr(value), allowed):
        assert part in str(caught.value)


@pytest.mark.parametrize(
    "together",
    [
        {"user_field": "x", "item_field": "x"},
        {"topic": "a", "dead_letter_topic": "a"},
        {"topic": "a" * 237},  # .dead-letters behind it makes 250
        {"topic": ".."},
        {"dead_letter_topic": "."},
        {"rule": "sgd", "sgd_margin": "0.5"},
    ],
)
def test_settings_that_do_not_go_together_are_refused(together: dict[str, str]) -> None:
    with pytest.raises(SettingsError, match="; allowed: "):
        load_settings(together)


def test_a_topic_of_the_longest_name_takes_a_dead_letter_topic_of_another() -> None:
    assert load_settings({"topic": "a" * 236}).dead_letters_to == "a" * 236 + ".dead-letters"
    assert load_settings({"topic": "a" * 249, "dead_letter_topic": "d"}).dead_letters_to == "d"


@pytest.mark.parametrize("part", ["password", "ca", "certificate", "key"])
@pytest.mark.parametrize("whose", ["kafka", "store"])
def test_a_file_of_logins_or_certificates_that_cannot_be_read_is_named_with_its_variable(
    whose: str, part: str, tmp_path: Path
) -> None:
    name = f"{whose}_{part}_file"
    good = _access_files(whose, tmp_path)
    for path in (tmp_path / "none", tmp_path):
        with pytest.raises(SettingsError) as refused:
            load_settings({"store": "rediss://store:6379/0", **good, name: str(path)})
        for words in (f"{name} is {str(path)!r}", catalogue()[name].variable, "can't be read", "; allowed: "):
            assert words in str(refused.value)
    load_settings({"store": "rediss://store:6379/0", **good})


@pytest.mark.parametrize(
    ("part", "text", "fault"),
    [
        ("ca", "", "holds no certificate"),
        ("ca", KEY, "holds no certificate"),
        ("certificate", "no PEM", "holds no certificate"),
        ("key", "no PEM", "holds no key"),
        ("key", KEY.replace("MIGH", "MIGI"), "holds no key"),
        ("key", OTHER_KEY, "is not the key of"),
    ],
)
@pytest.mark.parametrize("whose", ["kafka", "store"])
def test_a_file_that_holds_something_else_than_tls_takes_from_it_is_named_before_anything_connects(
    whose: str, part: str, text: str, fault: str, tmp_path: Path
) -> None:
    good, name = _access_files(whose, tmp_path), f"{whose}_{part}_file"
    bad = tmp_path / "bad"
    bad.write_text(text)
    with pytest.raises(SettingsError) as refused:
        load_settings({"store": "rediss://store:6379/0", **good, name: str(bad)})
    for words in (f"{name} is {str(bad)!r}", catalogue()[name].variable, fault, "; allowed: a file that "):
        assert words in str(refused.value)


def test_a_certificate_without_a_key_is_refused(tmp_path: Path) -> None:
    for given in ("certificate", "key"):
        with pytest.raises(SettingsError, match="allowed: both or neither"):
            load_settings({f"kafka_{given}_file": _access_files("kafka", tmp_path)[f"kafka_{given}_file"]})


def _access_files(whose: str, directory: Path) -> dict[str, str]:
    """All four, of which each is what it should be."""
    held = {"password": "s3cret", "ca": CERTIFICATE, "certificate": CERTIFICATE, "key": KEY}
    for part, text in held.items():
        (directory / part).write_text(text)
    return {f"{whose}_{part}_file": str(directory / part) for part in held}


def test_every_default_is_allowed_and_every_setting_explained() -> None:
    settings = Settings()
    assert settings.dead_letters_to == "ratings.dead-letters"
    for name, entry in catalogue().items():
        assert entry.meaning, name
        assert entry.allowed, name
        value = getattr(settings, name)
        given = str(value).lower() if isinstance(value, bool) else str(value)
        assert float(entry.default) == float(given) if entry.default.isdigit() else entry.default == given


def test_a_stores_password_shows_neither_in_the_settings_nor_in_an_error() -> None:
    settings = Settings(store="redis://user:hunter2@store:6379/0")
    assert "hunter2" not in f"{settings} {settings!r}"
    with pytest.raises(SettingsError) as refused:
        load_settings({"store": "http://user:hunter2@store:6379/0"})
    assert "hunter2" not in str(refused.value)
    with pytest.raises(ValidationError) as raw:
        Settings(store="http://user:hunter2@store:6379/0")
    assert "hunter2" not in str(raw.value)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("redis://store:6379/0", "redis://store:6379/0"),
        ("rediss://:p@ss/w:rd@store:6379/0", "rediss://***@store:6379/0"),
        ("redis://store/0?password=secret&db=1", "redis://store/0?password=***&db=1"),
        ("user:secret@store", "***@store"),
    ],
)
def test_a_redacted_url_keeps_all_but_the_login(url: str, shown: str) -> None:
    assert redacted(url) == shown


def test_settings_cannot_be_changed() -> None:
    with pytest.raises(ValidationError):
        Settings().factors = 8  # type: ignore[misc]  # the mistake itself
