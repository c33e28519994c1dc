"""Terraform as the tests run it: `terraform test` on a copy of the root, against a mocked provider.

The mock invents every value that Google would answer, each another one, so that the state of such a
run shows who is wired to whom; nothing is made, and no credentials are needed. TERRAFORM names the
command (default: terraform).
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import ROOT

FOLDER = Path("infra/terraform")
# What the root reads besides its own files.
READS = (Path("pipeline.yaml"), Path("shared/stores/warehouse/schemas"), Path("shared/stores/warehouse/views"))
# How every message begins that says that the provider was not to be had.
PROVIDER = "Failed to "
# State stays in the copy: the bucket of the real backend is nobody's business here.
LOCAL_STATE = 'terraform {\n  backend "local" {}\n}\n'


@dataclass(frozen=True)
class Resource:
    """One resource of a run's state; `key` is its index in for_each or count."""

    type: str
    name: str
    key: str | int | None
    values: dict[str, Any]


@dataclass(frozen=True)
class TerraformRun:
    """One `run` block of a test file: whether its assertions held, what was made, and the actions
    that a plan had.
    """

    passed: bool
    output: str
    resources: tuple[Resource, ...]
    actions: dict[str, tuple[str, ...]]

    def of(self, type_: str, name: str | None = None) -> dict[str | int | None, dict[str, Any]]:
        """Values by key of the resources of a type, and of a name where the type is used under
        several.
        """
        return {r.key: r.values for r in self.resources if r.type == type_ and name in (None, r.name)}

    def all_of(self, type_: str) -> list[dict[str, Any]]:
        return [r.values for r in self.resources if r.type == type_]


def command() -> list[str]:
    """The terraform command; skips where there is none."""
    named = os.environ.get("TERRAFORM") or "terraform"
    path = ROOT / named if "/" in named and not Path(named).is_absolute() else Path(named)
    found = shutil.which(str(path))
    if found is None:
        pytest.skip(f"needs Terraform; there is no {named} (TERRAFORM names another command)")
    return [found]


def copy_root(into: Path) -> Path:
    """Copy the Terraform root and what it reads; returns the root's folder in the copy."""
    root = into / FOLDER
    ignored = shutil.ignore_patterns(".terraform*", "*.tfstate*", "*.tfvars", "*.tfplan")
    shutil.copytree(ROOT / FOLDER, root, ignore=ignored)
    for path in READS:
        (into / path).parent.mkdir(parents=True, exist_ok=True)
        if (ROOT / path).is_dir():
            shutil.copytree(ROOT / path, into / path)
        else:
            shutil.copyfile(ROOT / path, into / path)
    (root / "backend_override.tf").write_text(LOCAL_STATE, encoding="utf-8")
    return root


def terraform(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a command in a folder, without settings that the caller's shell may have for
    Terraform.
    """
    kept = {k: v for k, v in os.environ.items() if not k.startswith("TF_") or k.startswith("TF_STANDIN")}
    environment = kept | {"TF_IN_AUTOMATION": "1", "TF_INPUT": "0", "NO_COLOR": "1"}
    line = [*command(), f"-chdir={folder}", *arguments]
    return subprocess.run(line, env=environment, capture_output=True, text=True, timeout=600, check=False)


def init(folder: Path) -> None:
    """Get the provider; skips where it cannot be got (no registry).

    Raises AssertionError for what is no Terraform.
    """
    done = terraform(folder, "init", "-no-color")
    if done.returncode:
        diagnostics = " ".join((done.stderr or done.stdout).split())
        assert PROVIDER in diagnostics, diagnostics[-1000:]
        pytest.skip(f"needs the google provider, which `terraform init` did not get: {diagnostics[-300:]}")


def run_tests(folder: Path, file: str) -> dict[str, TerraformRun]:
    """Run tests/{file}.tftest.hcl; its runs by name.

    One that failed is there too, with what Terraform said.
    """
    done = terraform(folder, "test", "-json", "-verbose", "-no-color", f"-filter=tests/{file}.tftest.hcl")
    lines = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    ended = {
        line["@testrun"]: line["test_run"]["status"]
        for line in lines
        if line["type"] == "test_run" and line["test_run"].get("progress") == "complete"
    }
    if not ended:
        raise AssertionError(f"terraform test ran nothing of {file}: {done.stdout[-2000:]} {done.stderr[-2000:]}")
    return {name: _run(name, status, lines) for name, status in ended.items()}


def _run(name: str, status: str, lines: Sequence[dict[str, Any]]) -> TerraformRun:
    mine = [line for line in lines if line.get("@testrun") == name]
    diagnostics = [line["diagnostic"] for line in mine if "diagnostic" in line]
    resources = [resource for line in mine if "test_state" in line for resource in _resources(line["test_state"])]
    changes = [
        change for line in mine if "test_plan" in line for change in line["test_plan"].get("resource_changes", [])
    ]
    return TerraformRun(
        passed=status == "pass",
        output="\n".join(f"{each['summary']}: {each.get('detail', '')}" for each in diagnostics),
        resources=tuple(resources),
        actions={change["address"]: tuple(change["change"]["actions"]) for change in changes},
    )


def _resources(state: dict[str, Any]) -> Iterator[Resource]:
    root = (state.get("values") or state).get("root_module", {})
    for each in root.get("resources", []):
        yield Resource(each["type"], each["name"], each.get("index"), each["values"])
