"""A state folder belongs to one archive; a copy of it brings its own league along."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from rich.console import Console

from local.day.inputs import Arguments, find_archive
from local.day.screen import Screen
from local.embedded.sqlite_file import SqliteFile
from local.host.folder_lock import FolderBusy, lock_folder
from local.host.kept_archive import OtherArchive, keep_archive, read_kept_archive
from local.host.simulated_clock import SimulationNotes


@contextmanager
def notes(folder: Path) -> Iterator[SimulationNotes]:
    with closing(SqliteFile(folder / "state.sqlite")) as file:
        yield SimulationNotes(file)


def archives(tmp_path: Path, *names: str) -> list[Path]:
    folders = [tmp_path / name for name in names]
    for folder in folders:
        folder.mkdir(parents=True)
    return folders


def test_another_archive_is_refused_and_the_first_stays(tmp_path: Path) -> None:
    state, one, two = archives(tmp_path, "state", "one", "two")
    with notes(state) as kept:
        assert read_kept_archive(kept, state) is None
        keep_archive(kept, state, one)
        keep_archive(kept, state, tmp_path / "two" / ".." / "one")
        with pytest.raises(OtherArchive, match=r"/one; days of .*/two would mix.*make clean-local"):
            keep_archive(kept, state, two)
        assert read_kept_archive(kept, state) == one


def test_an_archive_that_moved_is_taken_at_its_new_place(tmp_path: Path) -> None:
    state, one = archives(tmp_path, "state", "one")
    with notes(state) as kept:
        keep_archive(kept, state, one)
        keep_archive(kept, state, one.rename(tmp_path / "moved"))
        assert read_kept_archive(kept, state) == tmp_path / "moved"


def test_a_copied_state_folder_goes_on_with_the_league_within_it(tmp_path: Path) -> None:
    state, league = archives(tmp_path, "state", "state/league/seed-1-seasons-4")
    with notes(state) as kept:
        keep_archive(kept, state, league)
    copy = shutil.copytree(state, tmp_path / "copy")
    with notes(copy) as kept:
        assert read_kept_archive(kept, copy) == copy / "league" / "seed-1-seasons-4"
        keep_archive(kept, copy, copy / "league" / "seed-1-seasons-4")


def make_arguments(folder: Path, **settings: str) -> Arguments:
    return Arguments.of({"LOCAL_DIR": str(folder), **settings})


def test_less_history_is_played_with_the_league_at_hand_and_more_is_refused(tmp_path: Path) -> None:
    screen = Screen(Console(quiet=True))
    league = find_archive(make_arguments(tmp_path / "state", HISTORY_SEASONS="1"), screen)
    assert league.name == "seed-1-seasons-2"
    assert find_archive(make_arguments(tmp_path / "state", HISTORY_SEASONS="0"), screen) == league
    with pytest.raises(OtherArchive, match=r"seed-1-seasons-2; days of .*seed-1-seasons-3"):
        find_archive(make_arguments(tmp_path / "state", HISTORY_SEASONS="2"), screen)
    assert [path.name for path in league.parent.iterdir()] == [league.name], "nothing was written for it"


def test_no_league_is_written_into_a_folder_at_work(tmp_path: Path) -> None:
    with lock_folder(tmp_path), pytest.raises(FolderBusy):
        find_archive(make_arguments(tmp_path, HISTORY_SEASONS="0"), Screen(Console(quiet=True)))
    assert not (tmp_path / "league").exists()
