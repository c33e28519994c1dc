"""The two deployments that the Terraform tests look at, each run once a session."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.infra.terraform_runs import TerraformRun, copy_root, init, run_tests


@pytest.fixture(scope="session")
def terraform_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the root with its provider; skips where Terraform or the provider is absent."""
    root = copy_root(tmp_path_factory.mktemp("terraform"))
    init(root)
    return root


@pytest.fixture(scope="session")
def defaults(terraform_root: Path) -> dict[str, TerraformRun]:
    """What a project gets that sets nothing but its name."""
    return run_tests(terraform_root, "defaults")


@pytest.fixture(scope="session")
def everything(terraform_root: Path) -> dict[str, TerraformRun]:
    """A second environment with everything that is optional."""
    return run_tests(terraform_root, "everything")
