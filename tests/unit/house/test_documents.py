"""What the documents say is there is there: tests, files, make targets."""

from __future__ import annotations

import re

from tests.conftest import ROOT

README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_every_test_that_the_lessons_name_exists() -> None:
    named = re.findall(r"((?:\w+/)+test_\w+\.py)::(test_\w+)", (ROOT / "docs/lessons.md").read_text(encoding="utf-8"))
    assert len(named) > 50
    files = {file: (ROOT / "tests" / file) for file, _ in named}
    assert [file for file, path in files.items() if not path.is_file()] == []
    texts = {file: path.read_text(encoding="utf-8") for file, path in files.items()}
    assert [f"{file}::{test}" for file, test in named if f"def {test}(" not in texts[file]] == []


def test_decisions_are_numbered_dated_and_short() -> None:
    found = sorted((ROOT / "docs/adr").glob("*.md"))
    assert [file.name[:4] for file in found] == [f"{number:04d}" for number in range(1, len(found) + 1)]
    for number, file in enumerate(found, start=1):
        lines = file.read_text(encoding="utf-8").splitlines()
        assert lines[0].startswith(f"# {number}. "), file.name
        assert re.fullmatch(r"\d{4}-\d\d-\d\d · \w+", lines[2]), file.name
        assert len(lines) <= 25, file.name


def test_what_the_readme_names_exists() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    assert set(re.findall(r"`make ([a-z-]+)", README)) - targets == set()
    places = re.findall(
        r"^\| ([\w./-]+?/?(?:, [\w./-]+)*) \| ", README.partition("## Map of the house")[2], re.MULTILINE
    )
    assert places
    assert [
        name for each in places for name in each.split(", ") if name != "place" and not (ROOT / name).exists()
    ] == []
    assert len(README.splitlines()) <= 75


def test_the_tests_named_beside_what_feeds_send_exist() -> None:
    named = set(
        re.findall(r"\b(?:unit|pipeline)/(?:\w+/)*test_\w+\.py", (ROOT / "docs/feeds.md").read_text(encoding="utf-8"))
    )
    assert len(named) > 15
    assert [name for name in sorted(named) if not (ROOT / "tests" / name).is_file()] == []


def test_who_reads_figures_reads_first_what_a_user_would_get() -> None:
    """Figures with absences from box scores come after those with real lists, and are called an upper bound."""
    science = (ROOT / "docs/science.md").read_text(encoding="utf-8")
    page = (ROOT / "local/backtest/what_a_user_gets.html").read_text(encoding="utf-8")
    first = re.findall(r"^## (.+)$", science, re.MULTILINE)[0]
    assert first == "What a user would get"
    opening = science.partition("\n## The systems")[0]
    figures = re.findall(r"[+-]0?\.\d+|[+-]0\.000|\d\.\d{3,4}|\d,\d{3}|\.\d{3,4}|\d\d\.\d%|[+-]\d\.\d%", opening)
    assert len(figures) > 60
    assert [figure for figure in figures if figure not in page] == []
    template = (ROOT / "local/backtest/page.html").read_text(encoding="utf-8")
    assert template.index("what_a_user_gets.html") < template.index("{% for section in sections %}")
    assert "-0.003 points (95%: -0.021 to +0.015)" in README
    for text in (opening, page, README, (ROOT / "docs/backtest.md").read_text(encoding="utf-8")):
        assert "upper\nbound" in text or "upper bound" in text
