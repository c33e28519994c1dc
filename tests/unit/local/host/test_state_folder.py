"""Which folder a command works in: the one that is named, else one of its own for each archive."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from local.host.folder_lock import state_folder


def test_a_folder_that_is_named_counts_before_all() -> None:
    assert state_folder({"LOCAL_DIR": "elsewhere", "ARCHIVE": "../shared/nba"}) == Path("elsewhere")


@pytest.mark.parametrize("environment", [{}, {"LOCAL_DIR": "", "ARCHIVE": ""}])
def test_the_simulated_league_is_played_in_the_default(environment: dict[str, str]) -> None:
    assert state_folder(environment) == Path(".local")


def test_each_archive_has_its_own_however_its_path_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "one" / "nba").mkdir(parents=True)
    (tmp_path / "two" / "nba").mkdir(parents=True)
    (tmp_path / "link").symlink_to(tmp_path / "one" / "nba")
    monkeypatch.chdir(tmp_path)
    one = state_folder({"ARCHIVE": "one/nba"})
    assert re.fullmatch(r"\.local-nba-[0-9a-f]{6}", str(one))
    for spelling in ("one/nba/", "./one/../one/nba", str(tmp_path / "one" / "nba"), "link"):
        assert state_folder({"ARCHIVE": spelling}) == one
    assert state_folder({"ARCHIVE": "two/nba"}) not in (one, Path(".local"))


@pytest.mark.parametrize("name", ["Saison 25/26".replace("/", "-"), "données", "x" * 200, "..."])
def test_any_archive_gives_a_name_that_a_shell_takes_as_it_is(tmp_path: Path, name: str) -> None:
    (tmp_path / name).mkdir(exist_ok=True)
    folder = state_folder({"ARCHIVE": str(tmp_path / name)})
    assert re.fullmatch(r"\.local-[A-Za-z0-9_-]{1,40}-[0-9a-f]{6}", str(folder))
