"""make dlq, redrive, pause ... as a person types them, on a folder that no process has open."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from local.host.runtime import open_runtime
from tests.conftest import ROOT
from tests.pipeline.support import open_world
from tests.support.dead_letters import lay_out

pytestmark = pytest.mark.heavy  # every command in processes of its own
KEPT = ("PATH", "HOME", "LANG", "PYTHONPATH")
WHY = "it's mended, cost $5"


@pytest.fixture
def state(tmp_path: Path, template: Path) -> Path:
    folder = tmp_path / "state"
    with open_world(folder, template, on_disk=True) as world:
        lay_out(world)
    return folder


def make(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {name: os.environ[name] for name in KEPT if name in os.environ}
    return subprocess.run(
        ["make", "--no-print-directory", *arguments],
        cwd=ROOT, env=environment | {"LOCAL_DIR": str(folder), "WHO": "ana", "COLUMNS": "160"},
        capture_output=True, text=True, timeout=120,
    )  # fmt: skip


def list_audited(folder: Path) -> list[tuple[str, str, str]]:
    with open_runtime(folder) as embedded:
        found = [document.data for document in embedded.stores.state.query("audit")]
    return sorted((each["action"], each["who"], each["reason"]) for each in found)


def test_dead_letters_are_listed_and_redriven(state: Path) -> None:
    listed = make(state, "dlq")
    assert (listed.returncode, "Error 1" in listed.stderr) == (2, True), "something needs attention"
    assert "max_delivery_attempts" in listed.stdout
    redriven = make(state, "redrive", "REASON=max_delivery_attempts", f"WHY={WHY}")
    assert redriven.returncode == 0, redriven.stderr
    assert "published 1 of 1 dead letters" in redriven.stdout
    left = make(state, "dlq")
    assert "not_json" in left.stdout
    assert "max_delivery_attempts" not in left.stdout
    assert list_audited(state) == [("redrive", "ana", WHY)]


def test_work_is_deferred_let_through_and_swept(state: Path) -> None:
    assert make(state, "pause", f"WHY={WHY}").stdout.startswith("paused\n")
    topic, message = "TOPIC=nba-phase5-batch-complete", 'MESSAGE={"game_date": "2025-11-14", "mode": "results"}'
    published = make(state, "publish", topic, message)
    assert (published.returncode, "Error 1" in published.stderr) == (2, True), "it waits"
    assert make(state, "resume", f"WHY={WHY}").stdout == "resumed; 1 deferred messages published\n"
    assert "batch_sweep" in make(state, "sweep", "AT=2025-11-15T18:10").stdout
    assert make(state, "breakers").stdout == "No breaker has failures.\n"
    refused = make(state, "reset-breaker", "NAME=processor-x", f"WHY={WHY}")
    assert "Error 2" in refused.stderr
    assert "processor-x" in refused.stderr
    assert [each for each in list_audited(state) if each[0] in ("pause", "publish", "resume")] == [
        ("pause", "ana", WHY),
        ("publish", "ana", "make publish"),
        ("publish", "ana", "make sweep"),
        ("resume", "ana", WHY),
    ]


def test_a_reason_is_asked_for(state: Path) -> None:
    for target in ("redrive", "pause", "resume", "reset-breaker"):
        done = make(state, target, "ALL=1", "NAME=x")
        assert "An action says why, for the audit." in done.stderr
        assert "Error 2" in done.stderr
    assert list_audited(state) == []
