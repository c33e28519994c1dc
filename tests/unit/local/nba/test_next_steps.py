"""Commands that a next step names are taken as they stand: what asks for a reason has one."""

from __future__ import annotations

import ast
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from local.nba.program import make_program
from shared.operations.checks.texts import act_text, publish_text
from tests.conftest import ROOT

SAYS = ("shared/operations", "functions/monitor")


def asks_why(name: str) -> bool:
    """Whether a command is an action. Fails for one that does not exist."""
    program = make_program()
    command = program.get_command(click.Context(program), name)
    assert command is not None, name
    return any(option.name == "why" for option in command.params)


def list_commands(folder: Path) -> Iterator[tuple[str, str, str]]:
    """Where a sentence names a command, its name, and what comes after it."""
    for path in sorted(folder.rglob("*.py")):
        nodes = list(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))
        parts = {id(part) for node in nodes if isinstance(node, ast.JoinedStr) for part in node.values}
        for node in nodes:
            if id(node) in parts or not isinstance(node, ast.JoinedStr | ast.Constant):
                continue
            for found in re.finditer(r"\./nba ([a-z-]+)", text := ast.unparse(node)):
                yield f"{path.relative_to(ROOT)}:{node.lineno}", found[1], text[found.end() :]


def test_a_next_step_that_names_an_action_gives_its_reason() -> None:
    found = [each for folder in SAYS for each in list_commands(ROOT / folder)]
    assert {"rerun", "dlq", "breakers"} <= {name for _, name, _ in found}
    assert [(place, name) for place, name, after in found if asks_why(name) and "--why" not in after] == []


@pytest.mark.parametrize(
    "text",
    [
        publish_text("nba-self-heal-trigger", {"game_date": "2025-11-14"}),
        act_text("resume"),
        act_text("reset-breaker", "source-nba"),
        act_text("redrive", "--subscription", "grading-nba-grading-trigger-dead-letter", "--reason", "not_json"),
    ],
)
def test_the_command_of_an_action_is_taken_by_the_program(text: str) -> None:
    program = make_program()
    _, name, *arguments = shlex.split(text)
    command = program.get_command(click.Context(program), name)
    assert command is not None
    assert command.make_context(name, arguments).params["why"] == "..."
