"""The log metrics count what the functions really log: their expressions against the texts in the code."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.infra.terraform_runs import TerraformRun

VALIDATE = ROOT / "functions" / "phase6_export" / "validate.py"
CONSOLIDATE = ROOT / "functions" / "phase5_consolidation" / "consolidate.py"
HANDLER = ROOT / "shared" / "handler.py"


def calls(path: Path, name: str) -> Iterator[ast.Call]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and ast.unparse(node.func).rpartition(".")[2] == name:
            yield node


def rendered(text: ast.expr, values: dict[str, str], other: str) -> str:
    """A formatted string with values for the expressions in it; `other` for those not named."""
    parts = text.values if isinstance(text, ast.JoinedStr) else [text]
    found = []
    for part in parts:
        if isinstance(part, ast.FormattedValue):
            found.append(values.get(ast.unparse(part.value), other))
        else:
            assert isinstance(part, ast.Constant)
            found.append(str(part.value))
    return "".join(found)


def expressions(run: TerraformRun, metric: str, field: str) -> list[str]:
    """The regular expressions that a metric's filter matches a field with."""
    found = re.findall(rf'jsonPayload\.{field}=~"([^"]+)"', run.of("google_logging_metric")[metric]["filter"])
    assert found
    return found


@pytest.fixture(scope="module")
def run(defaults: dict[str, TerraformRun]) -> TerraformRun:
    return defaults["defaults"]


def test_an_export_without_data_counts_where_nothing_could_be_exported_and_only_there(run: TerraformRun) -> None:
    (nothing_to_play,) = expressions(run, "exported", "reason")
    seen = set()
    for call in calls(VALIDATE, "Refusal"):
        status, text, heals = call.args[0], call.args[1], {k.arg: k.value for k in call.keywords}["can_heal"]
        assert isinstance(status, ast.Constant)
        assert isinstance(heals, ast.Constant)
        if status.value == "no_data":
            reason = rendered(text, {"on": "2025-11-14"}, "12")
            assert bool(re.search(nothing_to_play, reason)) is not heals.value, reason
            seen.add(heals.value)
    assert seen == {True, False}


def test_an_exports_end_is_logged_as_it_is_counted(run: TerraformRun) -> None:
    formats = [ast.unparse(call.args[0]) for call in calls(HANDLER, "info")]
    assert "'%s: %s'" in formats
    ended = expressions(run, "exported", "message")
    for status, counts in {
        "success": True,
        "partial": True,
        "halted": True,
        "no_data": True,
        "failed": False,
        "skipped": False,
    }.items():
        assert any(re.search(each, f"phase6_export: {status}") for each in ended) is counts


def test_a_merge_of_no_rows_is_told_from_one_of_some(run: TerraformRun) -> None:
    (no_rows,) = expressions(run, "zero_row_merge", "message")
    texts = [call.args[0] for call in calls(CONSOLIDATE, "StagingMismatch") if "MERGE affected" in ast.unparse(call)]
    (text,) = texts
    assert re.search(no_rows, "retry: " + rendered(text, {"affected": "0"}, "7"))
    assert not re.search(no_rows, "retry: " + rendered(text, {"affected": "10"}, "7"))


def test_a_failed_consolidation_is_logged_as_it_is_counted(run: TerraformRun) -> None:
    (failed,) = expressions(run, "consolidation_failed", "message")
    said = [ast.unparse(call.args[0]) for call in calls(HANDLER, "exception")]
    assert "'failed: %s'" in said
    assert all(re.search(failed, ast.literal_eval(each)) for each in said)
    # a mismatch is retried, so it is logged as a retry: with its class
    assert 'error_type="StagingMismatch"' in run.of("google_logging_metric")["consolidation_failed"]["filter"]
    assert "'error_type': type(error).__name__" in HANDLER.read_text(encoding="utf-8").replace('"', "'")


def test_a_planned_retry_is_no_error_of_a_function(run: TerraformRun) -> None:
    """Cloud Run logs the request itself, at ERROR where it was answered with 5xx: 503 is how we ask for a retry."""
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


# A function's module configures the logs when it is loaded, which is after the framework has done so.
SERVED = """
import logging
from shared.observability.logs import configure_logging
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


def said(tmp_path: Path, log_execution_id: str) -> list[str]:
    """What a function that logs one line writes, as functions-framework serves it."""
    source = tmp_path / "main.py"
    source.write_text(SERVED, encoding="utf-8")
    environment = dict(os.environ) | {"LOG_EXECUTION_ID": log_execution_id, "PYTHONPATH": str(ROOT)}
    line = [sys.executable, "-B", "-c", SERVE, str(source)]
    done = subprocess.run(line, env=environment, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=True)
    return [each for each in (done.stdout + done.stderr).splitlines() if "said once" in each]


def test_a_line_is_written_once_as_the_functions_are_deployed(tmp_path: Path) -> None:
    """Google sets LOG_EXECUTION_ID to true where a deployment does not; checks_functions.environment wants false."""
    (line,) = said(tmp_path, "false")
    assert '"severity": "INFO"' in line
    assert len(said(tmp_path, "true")) == 2
