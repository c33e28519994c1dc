"""What Terraform makes against pipeline.yaml and the schema files, in both directions, for two
environments.
"""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import pytest

from shared.core.pipeline import load_pipeline
from shared.core.settings import Settings
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
    readers=("ada@example.com", "grace@example.com"),
    operators=("grace@example.com", "linus@example.com"),
    audiences=("32555940559.apps.googleusercontent.com", "https://dashboard.example.com"),
    ci_subjects=("repo:my-org/nba-props:environment:dev", "repo:my-org/nba-props:ref:refs/heads/main"),
)


def test_a_project_that_sets_nothing_but_its_name_passes_its_own_assertions(
    defaults: dict[str, TerraformRun],
) -> None:
    assert defaults["defaults"].passed, defaults["defaults"].output


def test_an_environment_with_everything_passes_its_own_assertions(everything: dict[str, TerraformRun]) -> None:
    assert everything["everything"].passed, everything["everything"].output


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


@pytest.fixture(scope="module")
def changes(terraform_root: Path) -> dict[str, TerraformRun]:
    """Plans that follow an apply and have something to change, by name."""
    return run_tests(terraform_root, "changes")


def _find_changed(run: TerraformRun) -> dict[str, tuple[str, ...]]:
    assert run.passed, run.output
    assert len(run.actions) > 100
    return {address: actions for address, actions in run.actions.items() if actions != ("no-op",)}


def test_a_plan_after_apply_is_empty(terraform_root: Path) -> None:
    assert _find_changed(run_tests(terraform_root, "again")["once_more"]) == {}


@pytest.mark.heavy
def test_what_is_replaced_takes_its_grants_along(changes: dict[str, TerraformRun]) -> None:
    """A thing made anew under its name has none of the grants that the state remembers."""
    changed = _find_changed(changes["replaced"])
    grants = {address for address in changed if "_iam_member." in address}
    invoker = 'google_cloud_run_service_iam_member.push["grading"]'
    person = {f'google_cloud_run_service_iam_member.person["ada@example.com/{role}"]' for role in ("invoker", "viewer")}
    assert [changed[each] for each in person] == [("delete", "create")] * 2
    assert changed[invoker] == changed['google_cloudfunctions2_function.function["grading"]'] == ("delete", "create")
    # Of the others a mock does not know that what they are on cannot be changed in place: it says
    # update.
    pipeline = load_pipeline()
    readers = {name for name, function in pipeline.functions.items() if "nba_raw" in DEFAULTS.datasets(function)}
    assert len(readers) > 2
    assert grants == {
        "google_artifact_registry_repository_iam_member.build",
        invoker,
        *person,
        'google_pubsub_subscription_iam_member.dead_letter_forwarder["grading-nba-grading-trigger"]',
        *(f'google_bigquery_dataset_iam_member.function["{name}/nba_raw"]' for name in readers),
        *(
            f'google_storage_bucket_iam_member.function["{name}/exports"]'
            for name, function in pipeline.functions.items()
            if "exports" in function.buckets
        ),
    }


@pytest.mark.heavy
def test_another_archive_changes_the_archive_and_the_functions_alone(changes: dict[str, TerraformRun]) -> None:
    """So a rollback of code leaves schemas, grants and subscriptions as they are, and the way
    forward too.
    """
    changed = _find_changed(changes["another_archive"])
    assert {address.partition("[")[0] for address in changed} == {
        "google_cloudfunctions2_function.function",
        "google_storage_bucket_object.archive",
    }
    functions = {actions for address, actions in changed.items() if address.startswith("google_cloudfunctions2")}
    assert functions == {("update",)}, "a function that is replaced drops pushes meanwhile"
