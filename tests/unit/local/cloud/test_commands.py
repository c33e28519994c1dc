"""What is planned, destroyed and promoted: the archive by its content, the environments that go and
those that do not.

Terraform is a script here that keeps its arguments and answers as it is told.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from local.cloud import contract, destroy, kept_columns, smoke
from local.cloud.archive import find_promoted
from local.cloud.destroy import NotDestroyed
from local.cloud.runs import NotThrough
from shared.core.errors import ConfigError, DataError, Fatal
from tests.conftest import ROOT

ARCHIVE = b"an archive"
SHA256 = hashlib.sha256(ARCHIVE).hexdigest()
TERRAFORM = """#!{python}
import json, os, sys
with open({log!r}, "a") as log:
    log.write(json.dumps([sys.argv[1:], os.environ.get("TF_VAR_archive")]) + "\\n")
if sys.argv[2] == "show":
    print({plan!r})
sys.exit({codes!r}.get(sys.argv[2], 0))
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A project with an archive and the variables of some environments."""
    folder = tmp_path / "project"
    (folder / "infra" / "terraform").mkdir(parents=True)
    (folder / "build").mkdir()
    (folder / "build" / "functions.zip").write_bytes(ARCHIVE)
    return folder


def tfvars(root: Path, name: str, text: str) -> None:
    (root / "infra" / "terraform" / f"{name}.tfvars").write_text(text, encoding="utf-8")


def terraform(root: Path, shown: str = "{}", **codes: int) -> dict[str, str]:
    """The environment of a command, with a terraform that ends its subcommands with these codes and
    shows this plan.
    """
    program = root / "terraform"
    log = str(root / "calls.jsonl")
    program.write_text(TERRAFORM.format(python=sys.executable, log=log, codes=codes, plan=shown), encoding="utf-8")
    program.chmod(0o755)
    return {"TERRAFORM": str(program), "PATH": os.environ["PATH"], "STATE_BUCKET": "b", "ENV": "dev"}


def calls(root: Path) -> list[Any]:
    return [json.loads(line) for line in (root / "calls.jsonl").read_text(encoding="utf-8").splitlines()]


# --- the archive ----------------------------------------------------------------------------------


@pytest.mark.parametrize("wanted", ["", SHA256, SHA256.upper()])
def test_an_archive_is_planned_under_the_name_of_its_content(root: Path, wanted: str) -> None:
    path = find_promoted(root, {"ARCHIVE_SHA256": wanted})
    assert path == (root / "build" / f"functions-{SHA256}.zip").resolve()
    assert path.read_bytes() == ARCHIVE


def test_what_is_packed_later_is_not_what_was_planned(root: Path) -> None:
    """`make apply` uploads the file that the plan names, whatever build/functions.zip is by
    then.
    """
    path = find_promoted(root, {})
    (root / "build" / "functions.zip").write_bytes(b"another")
    assert path.read_bytes() == ARCHIVE
    assert find_promoted(root, {}) != path


def test_a_file_that_bears_the_name_of_another_content_is_written_again(root: Path) -> None:
    find_promoted(root, {}).write_bytes(b"cut off")
    assert find_promoted(root, {}).read_bytes() == ARCHIVE


def test_the_archive_of_an_earlier_commit_may_be_named(root: Path, tmp_path: Path) -> None:
    (tmp_path / "back.zip").write_bytes(b"earlier")
    wanted = hashlib.sha256(b"earlier").hexdigest()
    for named in (str(tmp_path / "back.zip"), "../../../back.zip"):
        found = find_promoted(root, {"TF_VAR_archive": named, "ARCHIVE_SHA256": wanted})
        assert found.read_bytes() == b"earlier"


@pytest.mark.parametrize(
    ("environment", "message"),
    [
        ({"ARCHIVE_SHA256": "0" * 64}, f"is {SHA256}, not {'0' * 64}"),
        ({"ARCHIVE_SHA256": SHA256[:40]}, "is no SHA-256 of 64 hexadecimal digits"),
        ({"ARCHIVE_SHA256": "latest"}, "is no SHA-256"),
        ({"TF_VAR_archive": "gone.zip"}, "There is no archive"),
    ],
)
def test_another_archive_than_the_one_that_was_tried_is_refused(
    root: Path, environment: dict[str, str], message: str
) -> None:
    with pytest.raises(DataError, match=message) as raised:
        find_promoted(root, environment)
    assert raised.value.next_step


def make(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """make in a copy of the project that has the packages and nothing built."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("TF_VAR", "MAKE"))}
    line = ["make", "-C", str(folder), "PY=" + sys.executable, "-o", ".venv/bin/pip", *arguments]
    return subprocess.run(line, env=kept, capture_output=True, text=True, timeout=300, check=False)


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    folder = tmp_path / "checkout"
    folder.mkdir()
    for name in ("functions", "shared", "local", "requirements"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pipeline.yaml", "Makefile"):
        shutil.copyfile(ROOT / name, folder / name)
    (folder / "infra" / "terraform").mkdir(parents=True)
    return folder


def test_make_plan_and_apply_deploy_one_archive(checkout: Path) -> None:
    """From a person's command line: what the plan hashed is what the apply finds, and another hash
    ends it.
    """
    tfvars(checkout, "dev", 'environment = "dev"\n')
    settings = terraform(checkout)
    given = [f"TERRAFORM={settings['TERRAFORM']}", "ENV=dev", "STATE_BUCKET=b"]
    done = make(checkout, "plan", *given)
    assert done.returncode == 0, done.stderr
    (init, _), (plan, archive), (show, _) = calls(checkout)
    assert (init[1], plan[1], show[1:]) == ("init", "plan", ["show", "-json", "dev.tfplan"])
    assert "-out=dev.tfplan" in plan
    digest = hashlib.sha256((checkout / "build" / "functions.zip").read_bytes()).hexdigest()
    assert Path(archive).name == f"functions-{digest}.zip"
    assert make(checkout, "plan", *given, f"ARCHIVE_SHA256={digest}").returncode == 0
    refused = make(checkout, "plan", *given, f"ARCHIVE_SHA256={'0' * 64}")
    assert refused.returncode != 0
    assert f"is {digest}, not {'0' * 64}" in refused.stderr
    assert [arguments[1] for arguments, _ in calls(checkout)] == ["init", "plan", "show"] * 2, (
        "a refused archive plans nothing"
    )


def schema_change(actions: list[str], before: list[str], after: list[str], **other: Any) -> dict[str, Any]:
    """A planned change of a table, as Terraform's JSON has it."""
    schemas = [{"schema": json.dumps([{"name": name} for name in names]), **other} for names in (before, after)]
    change = {"actions": actions, "before": schemas[0], "after": schemas[1]}
    return {"address": 'google_bigquery_table.table["t"]', "type": "google_bigquery_table", "change": change}


@pytest.mark.parametrize(
    ("change", "losses"),
    [
        (schema_change(["update"], ["a", "b"], ["b", "c"]), ['google_bigquery_table.table["t"] loses a']),
        (schema_change(["update"], ["a"], ["a", "b"]), []),
        (schema_change(["no-op"], ["a"], ["a"]), []),
        (schema_change(["delete", "create"], ["a"], ["a"]), ['google_bigquery_table.table["t"] is deleted']),
        (schema_change(["delete", "create"], ["a"], ["b"], view=[{"query": "SELECT 1"}]), []),
        ({**schema_change(["delete"], ["a"], []), "type": "google_storage_bucket"}, []),
        ({**schema_change(["create"], [], []), "change": {"actions": ["create"], "before": None, "after": {}}}, []),
    ],
)
def test_a_plan_under_which_rows_lose_something_is_found(change: dict[str, Any], losses: list[str]) -> None:
    assert kept_columns.find_losses({"resource_changes": [change]}) == losses


@pytest.mark.parametrize(
    ("plan", "what"),
    [
        (json.dumps({"resource_changes": [schema_change(["update"], ["stat", "points"], ["stat"])]}), "loses points"),
        ("", "cannot be read"),
    ],
)
def test_make_plan_leaves_no_plan_that_loses_columns(checkout: Path, plan: str, what: str) -> None:
    """`make apply` finds none: what Terraform would drop in place is every season's."""
    tfvars(checkout, "dev", 'environment = "dev"\n')
    kept = checkout / "infra" / "terraform" / "dev.tfplan"
    kept.write_bytes(b"a plan")
    refused = make(checkout, "plan", f"TERRAFORM={terraform(checkout, plan)['TERRAFORM']}", "ENV=dev", "STATE_BUCKET=b")
    assert refused.returncode != 0
    assert what in refused.stderr
    assert "Next: " in refused.stderr
    assert not kept.exists()


# --- destroy --------------------------------------------------------------------------------------

DEV = 'project_id  = "p"\nenvironment = "dev"\n\ndeletion_protection = false # it may go\n'


@pytest.mark.parametrize(
    ("environment", "text", "message"),
    [
        ({}, DEV, "ENV=prod is never destroyed"),
        ({"ENV": ""}, DEV, "ENV=prod is never destroyed"),
        ({"ENV": "prod"}, DEV, "ENV=prod is never destroyed"),
        ({"ENV": "Prod"}, DEV, "ENV=prod is never destroyed"),
        ({"ENV": "dev", "STATE_BUCKET": ""}, DEV, "STATE_BUCKET is not set"),
        ({"ENV": "dev"}, 'environment = "prod"\ndeletion_protection = false\n', "prod's under another name"),
        ({"ENV": "dev"}, "deletion_protection = false\n", "prod's under another name"),
        ({"ENV": "dev"}, '# environment = "dev"\ndeletion_protection = false\n', "prod's under another name"),
        ({"ENV": "dev"}, 'environment = "dev"\n', "does not say deletion_protection = false"),
        ({"ENV": "dev"}, 'environment = "dev"\ndeletion_protection = true\n', "does not say deletion_protection"),
        ({"ENV": "dev"}, 'environment = "dev"\n# deletion_protection = false\n', "does not say deletion_protection"),
    ],
)
def test_what_must_stay_is_not_destroyed(root: Path, environment: dict[str, str], text: str, message: str) -> None:
    for name in ("dev", "prod", "Prod"):
        tfvars(root, name, text)
    with pytest.raises(NotDestroyed, match=message) as raised:
        destroy.check(root, {"STATE_BUCKET": "b", **environment})
    assert raised.value.next_step


def test_an_environment_without_variables_is_unknown(root: Path) -> None:
    with pytest.raises(Fatal, match=r"There is no test\.tfvars"):
        destroy.check(root, {"STATE_BUCKET": "b", "ENV": "test"})


@pytest.mark.parametrize(("approve", "asks"), [("", True), ("1", False)])
def test_terraform_shows_what_goes_and_asks(root: Path, approve: str, asks: bool) -> None:
    tfvars(root, "dev", DEV)
    environment = {**terraform(root), "AUTO_APPROVE": approve}
    destroy.check(root, environment)
    assert destroy.destroy(root, environment) == 0
    (init, _), (line, archive) = calls(root)
    assert init[1:] == [
        "init",
        "-input=false",
        "-reconfigure",
        "-backend-config=bucket=b",
        "-backend-config=prefix=dev",
    ]
    assert line[1] == "destroy"
    assert "-var-file=dev.tfvars" in line
    assert ("-auto-approve" in line) is not asks
    assert ("-input=false" in line) is not asks
    assert archive == str(root / "build" / "functions.zip")


def test_a_destroy_that_failed_is_told(root: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    tfvars(root, "dev", DEV)
    for name, value in terraform(root, destroy=1).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(destroy, "ROOT", root)
    assert destroy.main() == 1
    assert "terraform destroy ended with 1" in capsys.readouterr().err
    monkeypatch.setenv("ENV", "prod")
    assert destroy.main() == 2
    assert len(calls(root)) == 2, "prod was not even looked at"


def test_the_examples_of_other_environments_may_be_destroyed_and_prods_may_not(root: Path) -> None:
    for example in sorted((ROOT / "infra" / "terraform").glob("*.tfvars.example")):
        name = example.name.removesuffix(".tfvars.example")
        tfvars(root, name, example.read_text(encoding="utf-8"))
        environment = {"STATE_BUCKET": "b", "ENV": name}
        if name == "prod":
            with pytest.raises(NotDestroyed):
                destroy.check(root, environment)
        else:
            destroy.check(root, environment)


# --- the plan after an apply ----------------------------------------------------------------------


@pytest.mark.parametrize(("code", "message"), [(2, "is not empty"), (1, "ended with 1")])
def test_a_plan_that_is_not_empty_fails_the_smoke_test(root: Path, code: int, message: str) -> None:
    with pytest.raises(NotThrough, match=message):
        smoke.see_an_empty_plan(root, terraform(root, plan=code), lambda line: None)


def test_an_empty_plan_is_told(root: Path) -> None:
    lines: list[str] = []
    report: Callable[[str], None] = lines.append
    smoke.see_an_empty_plan(root, terraform(root), report)
    assert lines == ["the plan is empty"]
    _, (plan, archive) = calls(root)
    assert "-detailed-exitcode" in plan
    assert Path(archive).name == f"functions-{SHA256}.zip"


def test_a_state_that_cannot_be_opened_is_told(root: Path) -> None:
    with pytest.raises(Fatal, match="terraform init ended with 1"):
        smoke.see_an_empty_plan(root, terraform(root, init=1), lambda line: None)


# --- the contracts on a real project --------------------------------------------------------------


@pytest.mark.parametrize("prefix", ["ct-", "ct-me-", "ct-run17-"])
def test_the_suites_are_told_project_and_prefix(prefix: str) -> None:
    given = contract.settings({"PROJECT_ID": "my-throwaway", "NAME_PREFIX": prefix})
    assert (given["CONTRACT_PROJECT"], given["CONTRACT_PREFIX"]) == ("my-throwaway", prefix)


@pytest.mark.parametrize(
    ("environment", "message"),
    [
        ({"NAME_PREFIX": "ct-"}, "PROJECT_ID='' is no project's id"),
        ({"PROJECT_ID": "My Project", "NAME_PREFIX": "ct-"}, "PROJECT_ID='My Project' is no project's id"),
        ({"PROJECT_ID": "my-throwaway"}, "NAME_PREFIX='' is none of a throwaway"),
        ({"PROJECT_ID": "my-throwaway", "NAME_PREFIX": "dev-"}, "NAME_PREFIX='dev-' is none"),
        ({"PROJECT_ID": "my-throwaway", "NAME_PREFIX": "ct"}, "NAME_PREFIX='ct' is none"),
        ({"PROJECT_ID": "my-throwaway", "NAME_PREFIX": "ct-UPPER-"}, "NAME_PREFIX='ct-UPPER-' is none"),
        ({"PROJECT_ID": "my-throwaway", "NAME_PREFIX": "ct-abcdefghij-"}, "is none of a throwaway"),
        (
            {"PROJECT_ID": "my-throwaway", "NAME_PREFIX": "ct-", "PUBSUB_EMULATOR_HOST": "localhost:1"},
            "PUBSUB_EMULATOR_HOST would send the suites to an emulator",
        ),
    ],
)
def test_no_suite_runs_where_it_may_meet_what_runs(environment: dict[str, str], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        contract.settings(environment)


def test_a_refused_contract_exits_two_and_starts_nothing(monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    monkeypatch.setenv("PROJECT_ID", "my-throwaway")
    monkeypatch.setenv("NAME_PREFIX", "prod-")
    assert contract.main() == 2
    message = capsys.readouterr()
    assert message.out == ""
    assert "NAME_PREFIX='prod-'" in message.err
