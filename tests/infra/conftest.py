"""What is deployed, each made once a session: the two deployments that the Terraform tests look at,
the unpacked archive, and a Python with its locked packages and nothing else.
"""

from __future__ import annotations

import zipfile
from io import BytesIO
from pathlib import Path

import pytest

from local.package.archive import build, contents
from local.package.environment import (
    DEPLOYED,
    MIDDLE_PIP,
    NEWEST_PIP,
    OLDEST_PIP,
    clean_environment,
    find_python,
)
from tests.conftest import ROOT
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


@pytest.fixture(scope="session")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The unpacked archive."""
    folder = tmp_path_factory.mktemp("package") / "workspace"
    with zipfile.ZipFile(BytesIO(build(contents(ROOT)))) as packed:
        packed.extractall(folder)
    return folder


# Every supported Python, and every pip that must be able to resolve the lock.
ENVIRONMENTS = [(DEPLOYED, OLDEST_PIP), (DEPLOYED, NEWEST_PIP), ("3.12", MIDDLE_PIP), ("3.13", NEWEST_PIP)]


def _environment(version: str, pip: str, archive: Path) -> Path:
    if find_python(version) is None:
        # CI has the Python that is deployed; of the others, those that its machine has
        allowed = "" if version == DEPLOYED else "allowed in CI: "
        pytest.skip(f"{allowed}there is no Python {version} with venv here")
    return clean_environment(version, archive / "requirements.txt", pip)


@pytest.fixture(scope="session", params=ENVIRONMENTS, ids="-pip-".join)
def python(request: pytest.FixtureRequest, archive: Path) -> Path:
    """The python of a clean environment, for each supported version and pip."""
    version, pip = request.param
    return _environment(version, pip, archive)


@pytest.fixture(scope="session")
def deployed_python(archive: Path) -> Path:
    return _environment(DEPLOYED, OLDEST_PIP, archive)
