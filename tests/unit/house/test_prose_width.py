"""Prose keeps to its width, and the check that sees to it notices what does not."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.house.prose_width import MOST, main, too_long

WORDS = "word " * 19 + "words"  # 100 columns
assert len(WORDS) == MOST


def test_the_project_keeps_to_it() -> None:
    assert too_long(ROOT) == []


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("docs/x.md", f"{WORDS}s\n"),
        ("docs/x.md", f"```\n{WORDS}s\n```\n{WORDS}s\n"),
        ("docs/x.md", f"- {WORDS}\n"),
        ("x.sql", f"SELECT 1\n  -- {WORDS}\n"),
        ("pipeline.yaml", f"# {WORDS}\n"),
        ("infra/terraform/x.tf", f"  # {WORDS}\n"),
        ("infra/terraform/x.tfvars.example", f"# {WORDS}\n"),
        ("Makefile", f"# {WORDS}\n"),
        ("pyproject.toml", f"# {WORDS}\n"),
        (".ci/run", f"# {WORDS}\n"),
    ],
)
def test_a_line_that_is_too_long_is_noticed(tmp_path: Path, name: str, text: str) -> None:
    file = tmp_path / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")
    line = text.rstrip("\n").split("\n")
    assert too_long(tmp_path) == [f"{name}:{len(line)} has {len(line[-1])} columns; prose has {MOST} at most"]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("x.md", f"{WORDS}\n"),
        ("x.md", f"| {WORDS} |\n"),
        ("x.md", f"## {WORDS}\n"),
        ("x.md", f"```mermaid\n{WORDS}s\n```\n"),
        ("x.md", f"- https://example.com/{'a' * MOST}\n"),
        ("x.sql", f"SELECT {WORDS}\n"),
        ("x.py", f"# {WORDS}\n"),
        (".venv/x.md", f"{WORDS}s\n"),
        (".local-nba/x.md", f"{WORDS}s\n"),
        ("build/x.sql", f"-- {WORDS}\n"),
    ],
)
def test_what_fits_or_cannot_be_wrapped_passes(tmp_path: Path, name: str, text: str) -> None:
    file = tmp_path / name
    file.parent.mkdir(exist_ok=True)
    file.write_text(text, encoding="utf-8")
    assert too_long(tmp_path) == []


def test_the_command_says_it_and_ends_with_1(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(tmp_path) == 0
    (tmp_path / "x.md").write_text(f"{WORDS}s\n", encoding="utf-8")
    assert main(tmp_path) == 1
    assert capsys.readouterr().out.splitlines() == [
        f"Prose keeps to {MOST} columns.",
        f"x.md:1 has 101 columns; prose has {MOST} at most",
    ]
