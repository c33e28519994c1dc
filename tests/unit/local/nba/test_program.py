"""The program: what --help lists, how wrong input ends, and that nothing is loaded in vain."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import click
import pytest

from local.console import exit_codes as older
from local.nba.exit_codes import OF_OLDER
from local.nba.lazy import Entry, LazyGroup
from local.nba.program import main, make_program
from tests.conftest import ROOT
from tests.support.nba import environment, nba


def commands(group: LazyGroup, path: tuple[str, ...] = ()) -> dict[tuple[str, ...], tuple[Entry, click.Command]]:
    """Every command of the program by its words."""
    found = {}
    for name, entry in group.entries.items():
        command = group.get_command(click.Context(group), name)
        assert command is not None
        found[(*path, name)] = entry, command
        if isinstance(command, LazyGroup):
            found |= commands(command, (*path, name))
    return found


COMMANDS = commands(make_program())
# Section 5 of the issue names these; the names of the others are those of their actions.
NAMED = (
    "status grid show health runs slowdown latency report rerun force consolidate export backfill dlq redrive deferred"
    " pause resume breakers reset-breaker alerts audit logs publish dashboard play compare backtest"
)


def test_every_command_that_was_asked_for_is_there() -> None:
    assert set(NAMED.split()) <= {path[0] for path in COMMANDS}
    assert {path[1] for path in COMMANDS if path[0] == "alerts" and len(path) > 1} == {
        *("list", "show", "ack", "mute", "unmute", "resolve", "note", "test")
    }


@pytest.mark.parametrize("path", COMMANDS, ids=" ".join)
def test_the_list_says_of_a_command_what_its_help_says(path: tuple[str, ...]) -> None:
    entry, command = COMMANDS[path]
    assert " ".join((command.help or "").split()).startswith(entry.help)


@pytest.mark.parametrize("path", COMMANDS, ids=" ".join)
def test_help_of_every_command(path: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*path, "--help"]) == 0
    shown = capsys.readouterr()
    assert shown.out.startswith(f"Usage: nba {' '.join(path)}")
    assert shown.err == ""


@pytest.mark.parametrize("path", COMMANDS, ids=" ".join)
def test_every_command_has_json_and_every_option_says_what_it_does(path: tuple[str, ...]) -> None:
    command = COMMANDS[path][1]
    if isinstance(command, LazyGroup):
        assert command.default in command.entries
        return
    options = [each for each in command.params if isinstance(each, click.Option)]
    assert "--json" in {name for option in options for name in option.opts}
    assert [option.name for option in options if not option.help and option.type.name != "choice"] == []


def test_actions_ask_why(capsys: pytest.CaptureFixture[str]) -> None:
    """Every command with --yes, with what it requires besides, and nothing is asked of a
    runtime.
    """
    given = {"backfill": ["2025-11-14", "2025-11-15"], "rerun": ["2025-11-14", "phase4"], "publish": ["t", "{}"]}
    dated = {name: ["2025-11-14"] for name in ("force", "consolidate", "export", "heal")}
    dated["fire"], dated["rerun-many"] = ["grading-daily", "2025-11-14"], ["2025-11-14/phase4"]
    dated["restore"] = ["2025-11-14", "--as-of", "2025-11-14T17:00:00Z"]
    named = {
        "cancel-backfill": ["k"],
        "resume-backfill": ["k"],
        "reset-breaker": ["x"],
        "ack": ["1"],
        "unmute": ["1"],
        "note": ["1"],
        "resolve": ["1"],
        "test": ["x"],
        "mute": ["1", "--until", "2025-11-14T10:00"],
    }
    needed = given | dated | named
    acting = [path for path, (_, command) in COMMANDS.items() if any(each.name == "yes" for each in command.params)]
    assert len(acting) == 27
    for path in acting:
        assert main([*path, *needed.get(path[-1], [])]) == 2, path
        assert capsys.readouterr().err == (
            'An action says why, for the audit. Next: add --why "the odds feed is back".\n'
        ), path
        assert main([*path, *needed.get(path[-1], []), "--why", "  "]) == 2
        capsys.readouterr()


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["stauts"], "There is no command 'stauts'; the nearest is status. Next: ./nba --help"),
        (["zzz"], "There is no command 'zzz'. Next: ./nba --help"),
        (["alerts", "akc"], "There is no command 'akc'; the nearest is ack. Next: ./nba alerts --help"),
        (["dlq", "--resaon", "x"], "There is no option '--resaon'; the nearest is --reason. Next: ./nba dlq --help"),
        (["publish"], "Missing argument 'TOPIC'. Next: ./nba publish --help"),
        (["show", "x"], "Invalid value for 'DATE': 'x' is no day such as 2025-11-14. Next: ./nba show --help"),
        (["dlq", "--dir", "/no"], "/no holds no state. Next: ./nba play first, or name its folder with --dir."),
        (["dlq", "--dir", "a", "--project", "b"], "--project b and --dir name two places. Next: say one of them."),
    ],
)  # fmt: skip
def test_wrong_input_is_one_sentence_and_2(
    arguments: list[str], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2
    assert capsys.readouterr() == ("", f"{sentence}\n")


def test_with_json_an_error_is_a_document(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["dlq", "--dir", "/nowhere", "--json"]) == 2
    shown = capsys.readouterr()
    assert shown.out == f'{{\n  "error": "{shown.err.strip()}"\n}}\n'


def test_nothing_said_is_a_call_for_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 0
    assert "What waits:" in capsys.readouterr().out


def test_the_older_commands_codes_have_a_meaning_here() -> None:
    assert OF_OLDER == {older.DONE: 0, older.FAILED: 2, older.WRONG_INPUT: 2, older.WITH_GAPS: 1}


@pytest.mark.parametrize("arguments", [["--help"], ["dlq", "--help"], ["nonsense"]])
def test_help_loads_no_store_no_screen_and_no_cloud(arguments: list[str]) -> None:
    """What --help takes is what click takes: each of these would cost more than all of it."""
    code = f"import sys; from local.nba.program import main; main({arguments!r}); print(*sys.modules, file=sys.stderr)"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=environment(), capture_output=True, text=True, check=True
    )
    loaded = set(done.stderr.split())
    assert "click" in loaded
    assert loaded & {"duckdb", "pyarrow", "numpy", "flask", "google.auth", "sqlglot", "functions", "pydantic"} == set()
    if arguments == ["--help"]:
        assert loaded & {"rich", "yaml", "ssl"} == set()


def test_a_defect_ends_with_2_and_its_trace(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """1 would be another answer."""

    def fail(*_: object) -> None:
        raise ZeroDivisionError("a defect")

    monkeypatch.setattr("local.nba.program.make_program", fail)
    with pytest.raises(SystemExit) as ended:
        main(["dlq"])
    assert ended.value.code == 2
    assert "ZeroDivisionError: a defect" in capsys.readouterr().err


def test_as_a_process(tmp_path: Path) -> None:
    """What a caller's folder holds is not imported in place of ours."""
    (tmp_path / "local").mkdir()
    (tmp_path / "json.py").write_text("raise SystemExit('the wrong one')", encoding="utf-8")
    done = nba("completion", "bash", cwd=tmp_path)
    assert (done.code, done.err) == (0, "")
    assert "_NBA_COMPLETE=bash_complete" in done.out
