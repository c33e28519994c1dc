"""make's targets of operators are short for commands of ./nba: what each says of what it is given,
which nothing on the way reads as anything else.

The Makefile and the shell are the real ones; ./nba is a script that writes down its arguments.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from local.nba.program import make_program
from tests.conftest import ROOT

SCRIPT = f"""#!{sys.executable}
import json, os, sys
with open("said", "w") as file:
    json.dump([sys.argv[1:], os.environ.get("WHO", "")], file)
with open("ends") as file:
    sys.exit(int(file.read()))
"""
WHY = """it's "mended", cost $5 $(shell touch trap) `touch trap`; touch trap #"""
MESSAGE = """{"game_date": "2025-11-14", "note": "it's $HOME `touch trap`"}"""
ODD = "$(touch trap)';touch trap;'"


@pytest.fixture
def house(tmp_path: Path) -> Path:
    """The Makefile on a machine where everything is set up."""
    shutil.copy(ROOT / "Makefile", tmp_path)
    shutil.copytree(ROOT / "requirements", tmp_path / "requirements")
    (tmp_path / "local/cli").mkdir(parents=True)
    shutil.copy(ROOT / "local/cli/nearest.awk", tmp_path / "local/cli")
    (tmp_path / ".venv/bin").mkdir(parents=True)
    (tmp_path / ".venv/bin/pip").touch()
    lock = (tmp_path / "requirements/local.txt").read_bytes()
    summed = subprocess.run(["cksum"], input=lock, capture_output=True, check=True).stdout.decode()
    (tmp_path / f".venv/.ready-local-{'-'.join(summed.split())}").touch()
    (tmp_path / "ends").write_text("0", encoding="utf-8")
    script = tmp_path / "nba"
    script.write_text(SCRIPT, encoding="utf-8")
    script.chmod(0o755)
    return tmp_path


def make(house: Path, *arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    return subprocess.run(
        ["make", *arguments], cwd=house, env=kept | settings, capture_output=True, text=True, timeout=60
    )


def hear(house: Path, *arguments: str, **settings: str) -> tuple[list[str], str]:
    """What ./nba was called with, and WHO."""
    done = make(house, *arguments, **settings)
    assert done.returncode == 0, done.stderr
    called, who = json.loads((house / "said").read_text(encoding="utf-8"))
    assert not (house / "trap").exists()
    return called, who


SIGNED = ["--yes", f"--why={WHY}"]
CASES: dict[str, tuple[list[str], list[str]]] = {
    "dlq": ([], ["dlq"]),
    "dlq, filtered": (
        ["REASON=not_json", f"SUBSCRIPTION={ODD}"],
        ["dlq", "--reason=not_json", f"--subscription={ODD}"],
    ),
    "redrive by id": (["ID=s.1,s.2 *"], ["redrive", *SIGNED, "--", "s.1", "s.2", "*"]),
    "redrive by reason": ([f"REASON={ODD}"], ["redrive", *SIGNED, f"--reason={ODD}", "--"]),
    "redrive of all": (["ALL=1", "SUBSCRIPTION=s"], ["redrive", *SIGNED, "--subscription=s", "--all", "--"]),
    "pause": ([], ["pause", *SIGNED]),
    "resume": (["ARGS=--json"], ["resume", *SIGNED, "--json"]),
    "breakers": (["ARGS=--dir 'my state'"], ["breakers", "--dir", "my state"]),
    "reset-breaker": ([f"NAME={ODD}"], ["reset-breaker", *SIGNED, "--", ODD]),
    "sweep": (["AT=2025-11-14T18:10"], ["sweep", *SIGNED, "--at=2025-11-14T18:10"]),
    "publish": (
        ["TOPIC=-odd", f"MESSAGE={MESSAGE}", f"ATTRIBUTES={MESSAGE}"],
        ["publish", *SIGNED, f"--attributes={MESSAGE}", "--", "-odd", MESSAGE],
    ),
    "backfill": (
        ["FROM=2024-10-22", f"TO={ODD}", "FORCE=1", "MINUTES=5"],
        ["backfill", "--follow", *SIGNED, "--minutes=5", "--fetch-again", "--", "2024-10-22", ODD],
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_what_is_given_by_name_is_said_to_the_command_as_it_stands(house: Path, case: str) -> None:
    """On make's command line and in the environment alike."""
    given, expected = CASES[case]
    target = case.split()[0].rstrip(",")
    settings = [*given, f"WHY={WHY}", "WHO=ana"]
    assert hear(house, target, *settings) == (expected, "ana")
    assert hear(house, target, **dict(each.split("=", 1) for each in settings)) == (expected, "ana")


@pytest.mark.parametrize("target", ["publish", "sweep", "backfill"])
def test_what_needed_no_reason_says_its_own_name(house: Path, target: str) -> None:
    called, _ = hear(house, target, "TOPIC=t", "MESSAGE={}", "FROM=a", "TO=b")
    assert f"--why=make {target}" in called


@pytest.mark.parametrize("case", CASES)
def test_the_command_knows_every_option_that_a_target_says(case: str) -> None:
    words = CASES[case][1]
    program = make_program()
    with program.make_context("nba", ["--help"], resilient_parsing=True) as context:
        command = program.get_command(context, words[0])
    assert command is not None
    known = {name for parameter in command.params for name in parameter.opts}
    called = {word.partition("=")[0] for word in words[1:] if word.startswith("--") and word != "--"}
    assert called <= known


@pytest.mark.parametrize("code", ["1", "2"])
def test_make_ends_with_two_and_says_how_the_command_ended(house: Path, code: str) -> None:
    (house / "ends").write_text(code, encoding="utf-8")
    done = make(house, "dlq")
    assert done.returncode == 2
    assert f"Error {code}" in done.stderr.splitlines()[-1]
