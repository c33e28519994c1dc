"""A variable that no command knows is refused by name, with the nearest known one; every known one
is in the list.
"""

from __future__ import annotations

import os
import re
import subprocess
from dataclasses import fields
from pathlib import Path

import pytest

from shared.core.settings import Settings
from tests.conftest import ROOT

MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
LIST = re.search(r"^VARIABLES := (.*?)^GIVEN", MAKEFILE, re.DOTALL | re.MULTILINE)
assert LIST is not None
KNOWN = set(LIST[1].replace("\\", " ").split())
# Set by other programs, or for processes that tests start; nobody gives them to make.
OTHERS = {
    "COLUMNS",
    "CONTRACT_PREFIX",
    "CONTRACT_PROJECT",
    "FUNCTION_TARGET",
    "FUNCTION_SIGNATURE_TYPE",
    "K_REVISION",
    "K_SERVICE",
    "PYENV_ROOT",
    "PATH",
}
READ = re.compile(r"""(?:environ|environment|source)(?:\.get\(|\[)"([A-Z][A-Z_]*)"|_number\("([A-Z_]+)",""")


def make(*arguments: str) -> subprocess.CompletedProcess[str]:
    """What make says of it; -n: a variable that is let through starts nothing here."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))}
    return subprocess.run(
        ["make", "-n", *arguments], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60
    )


@pytest.mark.parametrize(
    ("given", "nearest"),
    [
        ("DATES=2025-11-14", "DATE"),
        ("date=2025-11-14", "DATE"),
        ("ARCHIV=../shared/nba", "ARCHIVE"),
        ("LOCALDIR=.local-2", "LOCAL_DIR"),
        ("HISTORY_SEASON=1", "HISTORY_SEASONS"),
        ("SEASONS=1", "HISTORY_SEASONS"),
        ("MESAGE={}", "MESSAGE"),
        ("TPOIC=nba-phase6-export-trigger", "TOPIC"),
        ("PROT=8080", "PORT"),
        ("MIN_QUALTY=2", "MIN_QUALITY"),
    ],
)
def test_an_unknown_variable_is_refused_by_name(given: str, nearest: str) -> None:
    done = make("run", given)
    assert done.returncode == 2
    name = given.partition("=")[0]
    assert f"There is no variable {name}; the nearest is {nearest}." in done.stderr
    assert done.stdout == ""


@pytest.mark.parametrize("target", ["publish", "serve", "backtest", "dlq", "clean-local", "test", "plan", "help"])
def test_every_target_refuses_it(target: str) -> None:
    done = make(target, "DATES=2025-11-14")
    assert (done.returncode, done.stdout) == (2, "")
    assert "There is no variable DATES; the nearest is DATE." in done.stderr


def test_two_unknown_ones_are_both_named_and_odd_names_harm_nothing(tmp_path: Path) -> None:
    output = make("run", "DATES=1", "ARCHIVES=2", "DATE=2025-11-14").stderr
    assert "no variable DATES; the nearest is DATE." in output
    assert "no variable ARCHIVES; the nearest is ARCHIVE." in output
    assert "no variable DATE;" not in output
    trap = tmp_path / "trap"
    for name in (f"X`touch {trap}`", f"X';touch {trap};'", "$(shell echo X)"):
        assert make("help", f"{name}=1").returncode == 2
    assert not trap.exists()


def test_known_variables_go_through() -> None:
    for given in ("DATE=2025-11-14", 'MESSAGE={"game_date": "x"}', "WHY=it's $5", "MAX_UNITS=3", "ARGS=-k x", "PORT=0"):
        assert make("help", given).returncode == 0, given


def test_every_variable_that_is_read_is_known() -> None:
    """Whoever adds one and forgets the Makefile hears of it here."""
    read = {setting.name.upper() for setting in fields(Settings)}
    read |= set(re.findall(r"\$[({](?:or \$\()?([A-Z_]+)\)", MAKEFILE)) & {
        "ARGS",
        "ENV",
        "PYTHON",
        "STATE_BUCKET",
        "TERRAFORM",
    }
    for room in ("local", "tests", "shared", "functions"):
        for path in (ROOT / room).rglob("*.py"):
            for found in READ.findall(path.read_text(encoding="utf-8")):
                read |= set(found) - {""}
    offered = set(re.findall(r"\b([A-Z_]{2,})=", "\n".join(re.findall(r"## (.*)", MAKEFILE))))
    upper = {
        name for name in read | offered if not name.startswith(("HTTP_HOST", "HTTP_ORIGIN", "HTTP_SEC", "HTTP_AUTH"))
    }
    unknown = upper - KNOWN - OTHERS
    unknown -= {"CONTENT_LENGTH", "CONTENT_TYPE", "PATH_INFO", "QUERY_STRING", "REQUEST_METHOD"}
    assert sorted(unknown) == [], "VARIABLES in the Makefile lacks them"
