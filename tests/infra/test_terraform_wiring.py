"""What Terraform makes against pipeline.yaml and the schema files, in both directions, for two environments."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import pytest

from shared.config import Settings
from tests.infra.expected import RAW, Expected
from tests.infra.terraform_checks import CHECKS
from tests.infra.terraform_runs import TerraformRun, run_tests

DEFAULTS = Expected()
# As infra/terraform/tests/everything.tftest.hcl sets it.
EVERYTHING = Expected(
    prefix="dev-",
    dataset_prefix="dev_",
    database="nba-dev",
    protected=False,
    raw_retention_days=0,
    public_exports=True,
    exports_origins=("https://picks.example.com",),
    channels=3,
    secret_versions=(("odds-api-key", "3"),),
    settings=(("MIN_COVERAGE", "0.7"),),
    state_epoch=2,
    audited=False,
    ci_subjects=("repo:my-org/nba-props:environment:dev", "repo:my-org/nba-props:ref:refs/heads/main"),
)


def test_a_project_that_sets_nothing_but_its_name_passes_its_own_assertions(
    defaults: dict[str, TerraformRun],
) -> None:
    assert defaults["defaults"].passed, defaults["defaults"].said


def test_an_environment_with_everything_passes_its_own_assertions(everything: dict[str, TerraformRun]) -> None:
    assert everything["everything"].passed, everything["everything"].said


@pytest.mark.parametrize("name", CHECKS)
def test_defaults(name: str, defaults: dict[str, TerraformRun]) -> None:
    assert CHECKS[name](defaults["defaults"], DEFAULTS) == []


@pytest.mark.parametrize("name", CHECKS)
def test_everything(name: str, everything: dict[str, TerraformRun]) -> None:
    assert CHECKS[name](everything["everything"], EVERYTHING) == []


def test_a_secret_is_a_setting_of_the_functions() -> None:
    secrets = {secret for function in RAW["functions"].values() for secret in function.get("secrets", [])}
    assert secrets
    assert {secret.replace("-", "_") for secret in secrets} <= {field.name for field in fields(Settings)}


def test_a_plan_after_apply_is_empty(terraform_root: Path) -> None:
    after = run_tests(terraform_root, "again")["once_more"]
    assert after.passed, after.said
    assert len(after.actions) > 100
    assert {address: actions for address, actions in after.actions.items() if actions != ("no-op",)} == {}
