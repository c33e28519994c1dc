"""What the project says of itself agrees with what it is."""

from __future__ import annotations

import re
import tomllib

import pytest

from tests.conftest import ROOT
from tests.setup.newer_releases import read_locked


@pytest.fixture(scope="module")
def project() -> dict:
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def test_the_licence_is_an_spdx_expression_with_its_text_beside_it(project: dict) -> None:
    assert project["project"]["license"] == "Apache-2.0"
    for name in project["project"]["license-files"]:
        assert "Apache License" in (ROOT / name).read_text(encoding="utf-8")
    assert {"authors", "urls", "classifiers", "readme", "requires-python"} <= set(project["project"])
    assert not [c for c in project["project"]["classifiers"] if c.startswith("License ::")], "superseded by license"


def test_the_floor_of_pytest_is_what_its_settings_need(project: dict) -> None:
    needed = project["tool"]["pytest"]["ini_options"]["minversion"]
    assert f"pytest>={needed}" in project["dependency-groups"]["dev"]


def test_every_group_has_its_lock_and_every_direct_dependency_is_in_it(project: dict) -> None:
    groups = project["dependency-groups"]
    assert {path.stem for path in (ROOT / "requirements").glob("*.txt")} == set(groups)
    for group, needs in groups.items():
        direct = {re.match(r"[A-Za-z0-9._-]+", need)[0].lower() for need in needs if isinstance(need, str)}  # type: ignore[index]
        assert direct <= set(read_locked(ROOT / "requirements" / f"{group}.txt"))


def test_line_ends_are_those_of_unix() -> None:
    assert "* text=auto eol=lf" in (ROOT / ".gitattributes").read_text(encoding="utf-8").splitlines()
    assert b"\r\n" not in (ROOT / ".ci" / "run").read_bytes()
