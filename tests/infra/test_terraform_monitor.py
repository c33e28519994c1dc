"""An alert about a function is made where pipeline.yaml has that function, and nowhere else."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.infra.checks_alerts import find_deaf
from tests.infra.expected import RAW
from tests.infra.terraform_runs import TerraformRun, copy_root, init, run_tests

LINE = "    function: monitor\n"


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the root of this module's own, whose pipeline.yaml is changed."""
    root = copy_root(tmp_path_factory.mktemp("monitor"))
    init(root)
    return root


def _run_about(root: Path, function: str) -> TerraformRun:
    """The deployment of a pipeline whose alert about silence is about this function."""
    file = root.parent.parent / "pipeline.yaml"
    right = file.read_text(encoding="utf-8")
    assert right.count(LINE) == 1
    try:
        file.write_text(right.replace(LINE, LINE.replace("monitor", function)), encoding="utf-8")
        return run_tests(root, "defaults")["defaults"]
    finally:
        file.write_text(right, encoding="utf-8")


def test_an_alert_about_a_function_that_is_there_is_made(root: Path) -> None:
    policies = _run_about(root, "grading").of("google_monitoring_alert_policy")
    assert find_deaf(policies["monitor-silent"]) == []
    assert policies["monitor-silent"]["severity"] == "CRITICAL"


def test_an_alert_about_a_function_that_is_not_there_is_not_made(root: Path) -> None:
    run = _run_about(root, "nobody")
    assert run.passed, run.output
    policies = run.of("google_monitoring_alert_policy")
    assert "monitor-silent" not in policies
    assert set(policies) == set(RAW["alerts"]) - {"monitor-silent"}
