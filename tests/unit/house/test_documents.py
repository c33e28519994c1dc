"""What the documents say is there is there: tests, files, make targets."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from local.backtest.worlds import WORLDS
from tests.conftest import ROOT
from tests.house import document_names as names

# Decisions are history: what they name was there then. So is what the changelog names.
GUIDES = [ROOT / "README.md", ROOT / "SECURITY.md", *sorted((ROOT / "docs").glob("*.md"))]
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


def test_the_readme_is_short_and_its_map_leads_to_what_is_there() -> None:
    places = re.findall(
        r"^\| ([\w./-]+?/?(?:, [\w./-]+)*) \| ", README.partition("## Map of the house")[2], re.MULTILINE
    )
    assert len(places) > 5
    assert [
        name for each in places for name in each.split(", ") if name != "place" and not (ROOT / name).exists()
    ] == []
    lines = README.splitlines()
    assert len(lines) <= 75, "shorten README.md: `make picture` may have added lines"
    paragraphs = re.findall(r"(?:^[A-Za-z*`].*\n)+", re.sub(r"```.*?```", "", README, flags=re.DOTALL), re.MULTILINE)
    assert len(paragraphs) > 5
    assert [each for each in paragraphs if each.count("\n") > 4] == []


@pytest.mark.parametrize("document", GUIDES, ids=lambda path: path.name)
def test_what_a_document_names_exists(document: Path) -> None:
    assert names.absent_from(document.read_text(encoding="utf-8"), ROOT) == []


@pytest.mark.parametrize(
    ("text", "absent"),
    [
        ("run `make nonsense`", "make nonsense"),
        ("```\nmake plan && make nowhere A=1\n```", "make nowhere"),
        ("| `make check`, `make nowhere` | x |", "make nowhere"),
        ("as shared/core/erors.py says", "shared/core/erors.py"),
        ("`admit` in shared/core/errors.py", "admit in shared/core/errors.py"),
        ("tests/unit/test_nothing.py notices it", "tests/unit/test_nothing.py"),
        ("test_nothing_at_all notices it", "test_nothing_at_all"),
        ("publish to nba-phase9-trigger", "nba-phase9-trigger"),
        ("a line with event=lost_and_found", "event=lost_and_found"),
        ("docs/runbook.md says, docs/book.md too", "docs/book.md"),
    ],
)
def test_what_is_not_there_is_noticed(text: str, absent: str) -> None:
    assert names.absent_from(text, ROOT) == [absent]


def test_the_guides_name_enough_to_be_looked_at() -> None:
    found = [name for document in GUIDES for name in names.named_in(document.read_text(encoding="utf-8"))]
    assert len(found) > 150


def test_the_lines_of_the_log_that_the_runbook_explains_are_written() -> None:
    section = (ROOT / "docs/runbook.md").read_text(encoding="utf-8").partition("## A line in the log")[2]
    first_cells = re.findall(r"^\| (.+?) \|", section.partition("\n## ")[0], re.MULTILINE)
    begin = {words for cell in first_cells for words in re.findall(r"`([a-z ]+)(?:: \.\.\.)?`", cell)}
    assert len(begin) >= 7
    code = "\n".join(
        file.read_text(encoding="utf-8") for room in ("shared", "functions") for file in (ROOT / room).rglob("*.py")
    )
    assert [words for words in sorted(begin) if f'"{words}: %s' not in code] == []


def test_the_states_that_are_drawn_are_those_of_the_code() -> None:
    """Of every diagram of states: the file that the sentence before it names knows each of them."""
    text = (ROOT / "docs/architecture.md").read_text(encoding="utf-8")
    drawn = re.findall(r"(shared/[\w/]+\.py)[^`]*```mermaid\nstateDiagram-v2\n(.*?)```", text, re.DOTALL)
    assert [Path(file).stem for file, _ in drawn] == ["records", "records", "circuit_breaker"]
    for file, diagram in drawn:
        states = {*re.findall(r"(\w+) -->", diagram), *re.findall(r"--> (\w+):", diagram)}
        code = (ROOT / file).read_text(encoding="utf-8")
        assert len(states) >= 3, file
        assert [name for name in sorted(states) if f'"{name}"' not in code] == [], file


def test_every_alert_that_a_function_raises_is_in_the_runbook() -> None:
    """By the beginning of its fingerprint, as the code that raises it spells it."""
    raised = {
        match
        for file in (ROOT / "functions").rglob("*.py")
        if "alert(" in (text := file.read_text(encoding="utf-8"))
        for match in re.findall(r'f"([a-z]+(?:-[a-z]+)*-)\{', text)
    }
    explained = set(
        re.findall(r"^\| ([a-z-]+-) \|", (ROOT / "docs/runbook.md").read_text(encoding="utf-8"), re.MULTILINE)
    )
    assert raised >= {"consolidation-failed-", "self-heal-lost-", "sweep-"}
    assert raised == explained


def test_the_tests_named_beside_what_feeds_send_exist() -> None:
    named = set(
        re.findall(r"\b(?:unit|pipeline)/(?:\w+/)*test_\w+\.py", (ROOT / "docs/feeds.md").read_text(encoding="utf-8"))
    )
    assert len(named) > 15
    assert [name for name in sorted(named) if not (ROOT / "tests" / name).is_file()] == []


def test_who_reads_figures_reads_first_what_a_user_would_get() -> None:
    """Figures with lists that were known come first; those with absences that nobody knew come
    last, and are called a bound.
    """
    science = (ROOT / "docs/science.md").read_text(encoding="utf-8")
    first = re.findall(r"^## (.+)$", science, re.MULTILINE)[0]
    assert first == "What a user would get"
    opening = science.partition("\n## The systems")[0]
    figures = re.findall(r"[+-]0?\.\d+|[+-]0\.000|\d\.\d{3,4}|\d,\d{3}|\.\d{3,4}|\d\d\.\d%|[+-]\d\.\d%", opening)
    assert len(figures) > 60
    assert "-0.016 (-0.026 to -0.006)" in opening
    assert "-0.016 points (95%: -0.026 to\n-0.006)" in README
    assert [world.is_bound for world in WORLDS] == sorted(world.is_bound for world in WORLDS)
    assert all(("bound" in world.says) == world.is_bound for world in WORLDS)
    template = (ROOT / "local/backtest/page.html").read_text(encoding="utf-8")
    assert template.index("What a user would get") < template.index("{% for section in stat.sections %}")
    for text in (opening, template, README, (ROOT / "docs/backtest.md").read_text(encoding="utf-8")):
        assert "a bound" in text or "make bounds" in text
