"""Where a session's temporary folders may be: in memory where that has room, else wherever pytest
puts them.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.conftest import has_room


def test_a_folder_with_room_is_taken_and_a_full_or_missing_one_is_not(tmp_path: Path) -> None:
    assert has_room(tmp_path, 1)
    assert not has_room(tmp_path, 2**62)
    assert not has_room(tmp_path / "missing", 1)


def test_where_no_program_may_start_no_test_is_put(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Containers mount /dev/shm so; tests write programs and start them."""
    found = os.statvfs(tmp_path)
    refusing = os.statvfs_result([*found[:8], found.f_flag | os.ST_NOEXEC, found.f_namemax])
    monkeypatch.setattr(os, "statvfs", lambda path: refusing)
    assert not has_room(tmp_path, 1)
