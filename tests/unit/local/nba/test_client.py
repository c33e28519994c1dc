"""How a client finds the runtime of a folder."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from local.host.folder_lock import lock_folder
from local.host.token import Endpoint
from local.nba import client
from local.nba.client import check_state, find_running
from shared.core.errors import ConfigError


def test_nobody_has_it_open(tmp_path: Path) -> None:
    assert find_running(tmp_path / "state") is None


def test_one_that_is_just_starting_is_waited_for(tmp_path: Path) -> None:
    with lock_folder(tmp_path / "state") as own:
        starting = threading.Timer(0.3, lambda: own.write_owner(port=7, token="a-token"))
        starting.start()
        try:
            assert find_running(tmp_path / "state") == Endpoint(7, "a-token")
        finally:
            starting.join()


def test_one_that_takes_no_commands_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "_STARTS_WITHIN_SECONDS", 0.0)
    with (
        lock_folder(tmp_path / "state"),
        pytest.raises(ConfigError, match=r"is in use by process \d+, which takes no commands\. Next: wait for it"),
    ):
        find_running(tmp_path / "state")


def test_folders_with_a_state_are_named_where_one_has_none(tmp_path: Path) -> None:
    for name in ("b", ".local-a"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "state.sqlite").touch()
    check_state(tmp_path / "b")
    with pytest.raises(ConfigError, match=rf"one of {tmp_path}/\.local-a, {tmp_path}/b\."):
        check_state(tmp_path / "c")
