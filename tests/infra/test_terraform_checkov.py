"""Checkov finds nothing in the Terraform that is not skipped there with a reason, and no skip is
idle.

CHECKOV names the command (default: checkov); it has pins of its own, so it lives in an environment
of its own.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import ROOT
from tests.infra.terraform_runs import FOLDER, copy_root

SKIP = re.compile(r"#checkov:skip=(CKV2?_GCP_\d+):(.+)")


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    named = os.environ.get("CHECKOV") or "checkov"
    path = ROOT / named if "/" in named and not Path(named).is_absolute() else Path(named)
    command = shutil.which(str(path))
    if command is None:
        pytest.skip(f"needs checkov; there is no {named} (CHECKOV names another command)")
    root = copy_root(tmp_path_factory.mktemp("checkov"))
    line = [command, "--directory", str(root), "--framework", "terraform", "--skip-download", "--output", "json"]
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
    done = subprocess.run(line, env=environment, capture_output=True, text=True, timeout=300, check=False)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def skips() -> dict[tuple[str, str], str]:
    """(file, check) -> reason of every skip in the root."""
    return {
        (path.name, check): reason.strip()
        for path in sorted((ROOT / FOLDER).glob("*.tf"))
        for check, reason in SKIP.findall(path.read_text(encoding="utf-8"))
    }


def test_nothing_fails(report: dict[str, Any]) -> None:
    failed = report["results"]["failed_checks"]
    assert [f"{each['check_id']} {each['check_name']}: {each['resource']}" for each in failed] == []
    assert report["summary"]["passed"] > 30
    assert report["summary"]["parsing_errors"] == 0


def test_every_skip_says_why_and_skips_something(report: dict[str, Any]) -> None:
    skipped = {(Path(s["file_path"]).name, s["check_id"]) for s in report["results"]["skipped_checks"]}
    assert set(skips()) == skipped
    assert all(len(reason) > 20 for reason in skips().values())
