"""`make clean-local` forgets a state folder, and nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

from local.cli.clean import main
from local.host.folder_lock import lock_folder
from shared.core.errors import ConfigError


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "state"
    with lock_folder(folder):
        (folder / "exports").mkdir()
    monkeypatch.setenv("LOCAL_DIR", str(folder))
    return folder


def test_a_state_folder_is_forgotten(state: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main() == 0
    assert not state.exists()
    assert capsys.readouterr().out == f"Forgotten: {state}\n"
    assert main() == 0, "nothing there is nothing to forget"


def test_a_folder_of_a_backtest_alone_is_forgotten(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with lock_folder(tmp_path / "judged" / "backtest"):
        pass
    monkeypatch.setenv("LOCAL_DIR", str(tmp_path / "judged"))
    assert main() == 0
    assert not (tmp_path / "judged").exists()


def test_not_under_a_living_runtime(state: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with lock_folder(state):
        assert main() == 2
    assert "is in use by process" in capsys.readouterr().err
    assert (state / "exports").is_dir()


def test_any_other_folder_is_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    monkeypatch.setenv("LOCAL_DIR", str(tmp_path))
    assert main() == 2
    assert "no state folder" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_a_folder_of_somebodys_own_is_not_made_a_state_folder(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    (tmp_path / "models").mkdir()
    with pytest.raises(ConfigError, match=r"no state folder, and holds thesis\.txt\. Next: set LOCAL_DIR"):
        lock_folder(tmp_path).__enter__()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["models", "thesis.txt"]


def test_a_disk_of_its_own_may_be_a_state_folder(tmp_path: Path) -> None:
    (tmp_path / "lost+found").mkdir()
    with lock_folder(tmp_path):
        assert (tmp_path / "runtime.lock").is_file()


def test_what_somebody_put_into_a_state_folder_is_not_removed(state: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("thesis.txt", "a", "b", "c"):
        (state / name).write_text("years of work")
    assert main() == 2
    assert (
        f"Nothing removed: {state} holds a, b, c and 1 more, which no command of ours made" in capsys.readouterr().err
    )
    assert {path.name for path in state.iterdir()} == {"runtime.lock", "exports", "thesis.txt", "a", "b", "c"}


def test_a_name_that_no_folder_can_have_is_a_sentence(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LOCAL_DIR", "x" * 300)
    assert main() == 2
    assert "cannot be used: File name too long. Next: name a folder" in capsys.readouterr().err
