"""Nothing reaches a person's terminal or a page but through local/console, which takes texts as
they read.
"""

from __future__ import annotations

import ast
import io
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console
from rich.table import Table

from local.console.lines import complain, say, say_json
from local.console.plain import PlainConsole, open_console
from local.day import summary
from local.day.screen import Screen
from local.day.summary import show
from local.nba.program import main
from tests.conftest import ROOT
from tests.house.python_sources import OURS, Source, dotted_name, sources
from tests.support.nba import hooks_put_back, serve_api

EVIL = "[bold]Luka[/bold] :boom: \x1b[2J\x1b]8;;https://evil.example\x1b\\Dončić\x1b]8;;\x1b\\\r\u202eJokić\u200b\x9b31m[/x]"
READS = "[bold]Luka[/bold] :boom: Dončić"
PLAIN = re.compile(r"[^\n -~\xa0-\xac\xae-\u024f\u2500-\u257f]")


WRITERS = frozenset({
    *("print", "rich.print", "pprint", "pprint.pprint", "traceback.print_exc", "input"),
    *("click.echo", "click.secho", "click.prompt", "click.confirm"),
})  # fmt: skip


def ways_around(root: Path) -> list[str]:
    """Places that print, or give rich or a page a text to be read as markup."""
    found = []
    for source in sources(root, OURS):
        if source.path.parts[:2] != ("local", "console"):
            found += [f"{source.at(node.lineno)}: {why}" for node, why in _ways_around(source)]
    return found


def _ways_around(source: Source) -> list[tuple[ast.Call, str]]:
    found = []
    for node in ast.walk(source.tree):
        if not isinstance(node, ast.Call):
            continue
        name = dotted_name(node.func)
        keywords = {each.arg: each.value for each in node.keywords}
        if name in WRITERS:
            found.append((node, "local.console.lines prints"))
        if name.endswith(("stdout.write", "stderr.write", "__stdout__.write", "__stderr__.write")):
            found.append((node, "local.console.lines prints"))
        if name.rpartition(".")[2] in ("Console", "from_markup", "from_ansi", "render_markup", "Markup", "track"):
            found.append((node, "local.console.plain has the console"))
        if name.endswith("console.print") and node.args and isinstance(node.args[0], ast.JoinedStr):
            found.append((node, "a text that is not plain(...)"))
        if name.endswith("TextColumn") and not _is(keywords.get("markup"), False):
            found.append((node, "a column without markup=False"))
        if any(_is(keywords.get(key), value) for key, value in (("markup", True), ("autoescape", False))):
            found.append((node, "markup is on"))
        if name.endswith("Environment") and "jinja" in source.text and not _is(keywords.get("autoescape"), True):
            found.append((node, "a page without autoescape"))
    return found


def _is(node: ast.expr | None, value: bool) -> bool:
    return isinstance(node, ast.Constant) and node.value is value


def test_there_is_no_other_way_to_the_terminal() -> None:
    assert ways_around(ROOT) == []


@pytest.mark.parametrize(
    "code",
    [
        "print(name)",
        "import sys\nsys.stdout.write(name)",
        "import sys\nsys.stderr.write(name)",
        "from rich.console import Console\nConsole().print(name)",
        "import rich\nrich.print(name)",
        "import click\nclick.echo(name)",
        "from rich.progress import TextColumn\nTextColumn('{task.description}')",
        "from rich.text import Text\nText.from_markup(name)",
        "console.print(name, markup=True)",
        "console.print(f'{name} plays')",
        "from jinja2 import Environment\nEnvironment(loader=x)",
        "from markupsafe import Markup\nMarkup(name)",
    ],
)
def test_a_planted_way_around_is_found(tmp_path: Path, code: str) -> None:
    (tmp_path / "local").mkdir()
    (tmp_path / "local" / "x.py").write_text(code, encoding="utf-8")
    assert ways_around(tmp_path)


def test_no_page_marks_a_text_as_safe() -> None:
    """But a plot: matplotlib escapes the texts in it."""
    pages = [*ROOT.glob("local/**/*.html"), *ROOT.glob("functions/**/*.html")]
    assert pages
    for page in pages:
        text = page.read_text(encoding="utf-8").replace("{{ plot.image | safe }}", "")
        assert not re.search(r"\|\s*safe|autoescape false", text), page


def test_lines_show_what_reads(capsys: pytest.CaptureFixture[str]) -> None:
    say(EVIL, 7)
    complain(ValueError(EVIL))
    out, error = capsys.readouterr()
    assert out == f"{READS}\nJokić[/x] 7\n"
    assert error == f"{READS}\nJokić[/x]\n"


def test_a_document_is_one_and_steers_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    say_json({"name": EVIL, "n": 7})
    out, error = capsys.readouterr()
    assert json.loads(out)["n"] == 7
    assert "Dončić" in out
    assert not PLAIN.search(out.replace("\n", " "))
    assert error == ""


def test_a_secret_is_in_no_document() -> None:
    code = (
        "from shared.core.redaction import protect; from local.console.lines import say_json;"
        "protect('k3y-of-the-feed'); say_json({'k3y-of-the-feed': ['x k3y-of-the-feed']})"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == {"***": ["x ***"]}


@pytest.mark.parametrize("terminal", [False, True])
def test_the_console_takes_every_string_as_it_reads(terminal: bool) -> None:
    stream = io.StringIO()
    console = PlainConsole(file=stream, width=200, force_terminal=terminal, color_system=None)
    console.print(EVIL)
    table = Table(title=EVIL, caption=EVIL)
    table.add_column(EVIL)
    table.add_row(EVIL)
    console.print(table)
    shown = stream.getvalue()
    assert shown.count(READS) == 5
    assert not PLAIN.search(re.sub(r"\x1b\[[0-9;]*m", "", shown))


def test_without_a_terminal_the_console_is_as_wide_as_asked(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    console = open_console(160)
    assert console.width == 160
    console.print(f"{'x' * 150} {EVIL}")
    assert READS in capsys.readouterr().out.replace("\n", " ")


@pytest.mark.parametrize("make", [Console, PlainConsole])
def test_the_screen_of_make_run_shows_names_as_they_read(make: Any) -> None:
    """Also on a console that somebody else made: rich reads markup by default."""
    stream = io.StringIO()
    console = make(file=stream, width=400, color_system=None)
    with Screen(console) as screen:
        screen.part(EVIL, 1)
        screen.watch(EVIL, None)
        screen.say(EVIL)
        screen.step(f"History: {EVIL}")
    show(console, make_summary(EVIL), Path("/somewhere"))
    shown = stream.getvalue()
    assert shown.count(READS) >= 4
    assert not PLAIN.search(shown)


def test_the_moving_bar_of_make_run_shows_names_as_they_read() -> None:
    stream = io.StringIO()
    console = PlainConsole(file=stream, width=400, force_terminal=True, color_system=None)
    with Screen(console) as screen:
        screen.part(EVIL, 1)
        screen.watch(EVIL, None)
        screen.step(EVIL)
    shown = stream.getvalue()
    assert READS in shown
    assert not any(sign in shown for sign in ("\x1b[2J", "\x1b]", "\u202e", "\u200b", "\x9b"))


def make_summary(text: str) -> dict[str, Any]:
    phases = [{"status": "partial", "reason": text}]
    run = {
        "schedule": "same_day",
        "game_date": "2025-11-14",
        "seconds": 1.0,
        "warehouse_statements": 3,
        "phases": phases,
    }
    return {
        "game_date": "2025-11-14",
        "runs": [run, run | {"phases": [{"status": "no_data", "reason": text}]}],
        "graded": {},
        "gaps": [],
        "batch_id": None,
        "runtime": text,
        "seconds": 1.0,
        "history_seconds": 0.0,
        "training_seconds": 0.0,
        "warehouse_statements": 3,
        "messages": {"delivered": 1, "dead_lettered": 0},
        "exports": [],
    }


def test_dead_letters_are_listed_as_they_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    letter = {
        **{"key": "s.7", "id": "7", "subscription": EVIL, "reason": EVIL, "age_seconds": 7.0, "bytes": 3},
        **{"error": EVIL, "preview": "", "blames": "message"},
    }
    monkeypatch.setenv("COLUMNS", "1000")
    with serve_api(tmp_path / "state", {"GET /dead-letters": {"dead_letters": [letter]}}), hooks_put_back():
        assert main(["dlq", "--dir", str(tmp_path / "state")]) == 1
    shown = capsys.readouterr().out
    assert shown.count(READS) == 3
    assert not PLAIN.search(shown)
    assert summary.result([{"status": "failed", "reason": EVIL}]).startswith("failed: ")
