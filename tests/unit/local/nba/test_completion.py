"""Completion in the shell: the protocol of each, and bash itself."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from local.nba.completion import SHELLS
from shared.core.pipeline import load_pipeline
from tests.support.nba import environment, nba

# What each shell sets: the words so far, and which of them is being typed (fish: the word itself).
ASKED = {"bash": "{number}", "zsh": "{number}", "fish": "{word}"}


def list_offered(shell: str, line: str, **settings: str) -> list[str]:
    """What is offered for a line that ends at the cursor."""
    words = line.split(" ")
    number = ASKED[shell].format(number=len(words) - 1, word=words[-1])
    asked = {"_NBA_COMPLETE": f"{shell}_complete", "COMP_WORDS": line, "COMP_CWORD": number, **settings}
    ended = nba(settings=asked)
    assert (ended.code, ended.err) == (0, "")
    lines = ended.out.splitlines()
    if shell == "zsh":
        return lines[1::3]  # type, value, help
    return [each.partition(",")[2].partition("\t")[0] for each in lines if each]


@pytest.mark.parametrize("shell", SHELLS)
def test_commands_and_options(shell: str) -> None:
    assert list_offered(shell, "nba re") == [
        "report",
        "redrive",
        "release-deferred",
        "resume",
        "reset-breaker",
        "rerun",
        "rerun-many",
        "resume-backfill",
        "restore",
    ]
    assert list_offered(shell, "nba alerts a") == ["ack"]
    assert list_offered(shell, "nba dlq --re") == ["--reason"]


def test_what_is_of_the_pipeline_and_of_the_state(tmp_path: Path) -> None:
    pipeline = load_pipeline()
    assert list_offered("bash", "nba runs --function gra") == ["grading"]
    assert list_offered("bash", "nba show 2025-11-14 phase5_w") == ["phase5_worker"]
    assert list_offered("bash", "nba publish nba-phase6") == ["nba-phase6-export-complete", "nba-phase6-export-trigger"]
    assert list_offered("bash", "nba dlq --subscription grading") == [
        name for name in pipeline.subscriptions if name.startswith("grading")
    ]
    exports = tmp_path / "exports" / "v1" / "predictions"
    exports.mkdir(parents=True)
    for day in ("2025-11-13", "2025-11-14", "2024-11-14"):
        (exports / f"{day}.json").touch()
    assert list_offered("bash", "nba export 2025", LOCAL_DIR=str(tmp_path)) == ["2025-11-14", "2025-11-13"]
    assert len(list_offered("bash", "nba export 2", LOCAL_DIR=str(tmp_path / "none"))) == 14
    assert len(list_offered("bash", "nba export 2", RUNTIME="gcp", PROJECT_ID="p")) == 14


@pytest.mark.parametrize("instruction", ["bash_source", "tcsh_complete", "nonsense"])
def test_another_instruction_is_none(instruction: str) -> None:
    assert nba(settings={"_NBA_COMPLETE": instruction}).code == 1


@pytest.mark.parametrize("shell", SHELLS)
def test_the_script_asks_the_program_as_it_was_typed(shell: str) -> None:
    """./nba is on no PATH."""
    script = nba("completion", shell).out
    assert f"_NBA_COMPLETE={shell}_complete" in script
    program = {"bash": "bash_complete $1)", "zsh": '"${words[1]}")', "fish": "(commandline -opc)[1])"}
    assert program[shell] in script
    assert "commands[nba]" not in script
    assert nba("completion", shell, "--json").document == {"shell": shell, "script": script.rstrip("\n")}


def test_bash_completes(tmp_path: Path) -> None:
    """The script read by bash, and its function called as bash calls it for a line."""
    program = tmp_path / "nba"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -P -m local.nba "$@"\n', encoding="utf-8")
    program.chmod(0o755)
    script = tmp_path / "completion.bash"
    script.write_text(nba("completion", "bash").out, encoding="utf-8")
    lines = f"""
source {script}
COMP_WORDS=({program} reset-b) COMP_CWORD=1
$(complete -p nba | sed 's/.*-F \\([^ ]*\\).*/\\1/') {program} reset-b {program}
echo "${{COMPREPLY[*]}}"
"""
    # programmable completion is of interactive shells; `complete` and a function work in any
    done = subprocess.run(
        ["bash", "--norc", "-c", lines], env=environment(), capture_output=True, text=True, timeout=60
    )
    assert (done.stdout, done.stderr) == ("reset-breaker\n", "")
