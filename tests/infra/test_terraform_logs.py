"""The log metrics count what the functions really log: their expressions against the texts in the
code.
"""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from shared.chain.execution.context import Outcome
from shared.core.errors import Fatal, PipelineError, StagingMismatch
from shared.core.events import Event
from tests.conftest import ROOT
from tests.house.python_sources import OURS, sources
from tests.infra.terraform_runs import TerraformRun

HANDLER = ROOT / "shared" / "chain" / "execution" / "handler.py"
# Errors of consolidation after which everything staged is kept, and those that no retry can mend.
FAILS_CONSOLIDATION = (StagingMismatch, Fatal)


def calls(path: Path, name: str) -> Iterator[ast.Call]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and ast.unparse(node.func).rpartition(".")[2] == name:
            yield node


def events_of(expression: ast.AST) -> set[Event]:
    """The codes that an expression names."""
    found = (ast.unparse(each) for each in ast.walk(expression) if isinstance(each, ast.Attribute))
    return {Event[name.removeprefix("Event.")] for name in found if name.startswith("Event.")}


def codes_of_metric(run: TerraformRun, metric: str) -> set[Event]:
    """The codes that a metric's filter matches.

    Raises ValueError for one that no log line can have.
    """
    _, _, codes = run.of("google_logging_metric")[metric]["filter"].partition("jsonPayload.event=")
    return {Event(code) for code in re.findall(r'"([^"]+)"', codes)}


@pytest.fixture(scope="module")
def run(defaults: dict[str, TerraformRun]) -> TerraformRun:
    return defaults["defaults"]


def test_no_metric_reads_a_sentence(run: TerraformRun) -> None:
    for name, metric in run.of("google_logging_metric").items():
        assert "=~" not in metric["filter"], name


def test_an_export_without_data_counts_where_nothing_could_be_exported_and_only_there(run: TerraformRun) -> None:
    codes, seen = codes_of_metric(run, "exported"), set()
    for call in calls(ROOT / "functions" / "phase6_export" / "validate.py", "Refusal"):
        status, (event,) = call.args[0], events_of(call)
        heals = {keyword.arg: keyword.value for keyword in call.keywords}["can_heal"]
        assert isinstance(status, ast.Constant)
        assert isinstance(heals, ast.Constant)
        nothing_to_play = status.value == "no_data" and not heals.value
        assert (event in codes) is nothing_to_play, event
        seen.add(nothing_to_play)
    assert seen == {True, False}
    ended_well = {Outcome("success").code, Outcome("partial").code, Event.EXPORT_HALTED}
    assert ended_well < codes
    assert codes - ended_well == {Event.NO_GAMES, Event.GAMES_POSTPONED, Event.GAMES_CALLED_OFF}


def test_every_failure_of_consolidation_counts(run: TerraformRun) -> None:
    codes = codes_of_metric(run, "consolidation_failed")
    raised = {
        event
        for call in calls(ROOT / "functions" / "phase5_consolidation" / "guards.py", "StagingMismatch")
        for event in events_of(call)
    }
    assert len(raised) == 6
    by_class = {each.default_event for root in FAILS_CONSOLIDATION for each in (root, *descendants(root))}
    assert codes == raised | by_class


def test_the_heartbeat_that_an_alert_misses_is_the_monitors(run: TerraformRun) -> None:
    """By its code alone: while the state store is down the line comes from before the execution,
    and bears no function.
    """
    assert codes_of_metric(run, "heartbeat") == {Event.HEARTBEAT}
    assert "jsonPayload.function" not in run.of("google_logging_metric")["heartbeat"]["filter"]
    sent = {source.path.parts[:2] for source in sources(ROOT, OURS) if Event.HEARTBEAT in events_of(source.tree)}
    assert sent == {("functions", "monitor")}


def descendants(root: type[PipelineError]) -> Iterator[type[PipelineError]]:
    for each in root.__subclasses__():
        yield each
        yield from descendants(each)


def test_a_planned_retry_is_no_error_of_a_function(run: TerraformRun) -> None:
    """Cloud Run logs the request itself, at ERROR where it was answered with 5xx: 503 is how we ask
    for a retry.
    """
    answers: dict[str, str] = {}
    for node in ast.walk(ast.parse(HANDLER.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ExceptHandler) and node.type is not None:
            found = [call.args[0] for call in ast.walk(node) if isinstance(call, ast.Call) and _answers(call)]
            answers |= {ast.unparse(node.type): ast.unparse(status) for status in found}
    assert answers == {"Retriable": "503", "PipelineError": "500"}
    words = run.of("google_logging_metric")["function_errors"]["filter"].split()
    counted = " ".join(words).partition("severity>=ERROR ")[2]
    assert counted == (
        'AND NOT (log_id("run.googleapis.com/requests") AND httpRequest.status='
        f"{answers['Retriable']} AND NOT textPayload:*)"  # with a text it is Cloud Run's own answer: we crashed
    )


def _answers(call: ast.Call) -> bool:
    return ast.unparse(call.func) == "Response"


# A function's module configures the logs when it is loaded, which is after the framework has done
# so.
SERVED = """
import logging
from shared.core.logs import configure_logging
configure_logging()
def served(request):
    logging.getLogger("ours").info("said once")
    return "done"
"""
SERVE = """
import sys
from functions_framework import create_app
assert create_app("served", sys.argv[1]).test_client().post("/").status_code == 200
"""


def log_lines(tmp_path: Path, log_execution_id: str) -> list[str]:
    """What a function that logs one line writes, as functions-framework serves it."""
    source = tmp_path / "main.py"
    source.write_text(SERVED, encoding="utf-8")
    environment = dict(os.environ) | {"LOG_EXECUTION_ID": log_execution_id, "PYTHONPATH": str(ROOT)}
    line = [sys.executable, "-B", "-c", SERVE, str(source)]
    done = subprocess.run(line, env=environment, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=True)
    return [each for each in (done.stdout + done.stderr).splitlines() if "said once" in each]


def test_a_line_is_written_once_as_the_functions_are_deployed(tmp_path: Path) -> None:
    """Google sets LOG_EXECUTION_ID to true where a deployment does not;
    checks_functions.environment wants false.
    """
    (line,) = log_lines(tmp_path, "false")
    assert '"severity": "INFO"' in line
    assert len(log_lines(tmp_path, "true")) == 2
