"""Variables of commands: what does not fit is named, and nothing else happens."""

from __future__ import annotations

from pathlib import Path

import pytest

from local.console import values
from local.host.folder_lock import state_folder
from shared.core.errors import ConfigError

MANY_DIGITS = "9" * 5_000


@pytest.mark.parametrize("text", ["many", "-1", "21", "1.5", "٣", "1_0", " 3", MANY_DIGITS])
def test_what_is_no_number_within_its_bounds_is_named(text: str) -> None:
    with pytest.raises(ConfigError, match=r"is not a number from 0 to 20\. Next: leave it out for 3\.") as raised:
        values.number({"N": text}, "N", 3, least=0, most=20)
    assert len(str(raised.value)) < 200


@pytest.mark.parametrize(("text", "number"), [("", 3), ("0", 0), ("20", 20)])
def test_a_number_within_its_bounds(text: str, number: int) -> None:
    assert values.number({"N": text}, "N", 3, least=0, most=20) == number


@pytest.mark.parametrize("text", ["three", "ONE", " one", MANY_DIGITS])
def test_what_is_none_of_the_words_is_named(text: str) -> None:
    with pytest.raises(ConfigError, match=r"is none of one, two\. Next: leave it out for one\.") as raised:
        values.one_of({"W": text}, "W", ("one", "two"))
    assert len(str(raised.value)) < 200


@pytest.mark.parametrize(("text", "word"), [("", "one"), ("one", "one"), ("two", "two")])
def test_one_of_a_few_words(text: str, word: str) -> None:
    assert values.one_of({"W": text}, "W", ("one", "two")) == word


@pytest.mark.parametrize("text", ["2025-2-30", "2025-02-30", "tomorrow", "2025-11-14T10:00", "٢٠٢٥-11-14", MANY_DIGITS])
def test_what_is_no_day_is_named(text: str) -> None:
    with pytest.raises(ConfigError, match=r"is not a date\. Next: write it as 2025-11-14"):
        values.day({"DATE": text}, "DATE", "2025-11-14")


@pytest.mark.parametrize("name", ["LOCAL_DIR", "ARCHIVE"])
@pytest.mark.parametrize("text", ["x" * 300, "~nobody-of-this-name/x"])
def test_what_is_no_path_is_named(name: str, text: str) -> None:
    with pytest.raises(ConfigError, match=f"{name}=.* cannot be used: .*Next: name a folder"):
        state_folder({name: text})


def test_a_shell_that_leaves_the_home_folders_sign_makes_no_folder_of_that_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "nba").mkdir()
    assert state_folder({"LOCAL_DIR": "~/nba"}) == tmp_path / "nba"
    assert values.archive({"ARCHIVE": "~/nba"}) == tmp_path / "nba"
