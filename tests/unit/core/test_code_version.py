"""Which code this is."""

from __future__ import annotations

from pathlib import Path

import pytest

from shared.core.code_version import FILE, code_version
from shared.core.errors import ConfigError


def test_a_checkout_has_no_version(tmp_path: Path) -> None:
    assert code_version(tmp_path) == ""


@pytest.mark.parametrize("text", ["", "[]", '{"code": "1"}'])
def test_a_file_of_another_form_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / FILE).write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError, match=r"code_version\.json is no code version"):
        code_version(tmp_path)


def test_an_archive_says_its_version(tmp_path: Path) -> None:
    (tmp_path / FILE).write_text('{"version": "0123456789ab"}', encoding="utf-8")
    assert code_version(tmp_path) == "0123456789ab"
