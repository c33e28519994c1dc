"""The Terraform root itself: its form, what it refuses, and that nothing in it depends on time or
chance.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.infra.expected import RAW
from tests.infra.terraform_runs import FOLDER, TerraformRun, run_tests, terraform

FILES = sorted((ROOT / FOLDER).glob("*.tf"))
# Values of these change from one plan to the next.
CHANGING = re.compile(r'\b(?:timestamp|plantimestamp|uuid|uuidv5|bcrypt)\(|"(?:random|time)_\w+" "')
BLOCK = re.compile(r'^(variable|output) "(\w+)" \{(.*?)^\}', re.MULTILINE | re.DOTALL)


def blocks(kind: str) -> dict[str, str]:
    text = (ROOT / FOLDER / f"{kind}s.tf").read_text(encoding="utf-8")
    return {name: body for found, name, body in BLOCK.findall(text) if found == kind}


def test_it_is_formatted(terraform_root: Path) -> None:
    done = terraform(terraform_root, "fmt", "-check", "-recursive", "-diff")
    assert done.returncode == 0, done.stdout


def test_it_is_valid(terraform_root: Path) -> None:
    done = terraform(terraform_root, "validate", "-json")
    assert json.loads(done.stdout)["valid"], done.stdout


def test_it_refuses_what_cannot_work(terraform_root: Path) -> None:
    runs = run_tests(terraform_root, "refusals")
    assert len(runs) >= 6
    assert {name: run.output for name, run in runs.items() if not run.passed} == {}


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_nothing_depends_on_time_or_chance(path: Path) -> None:
    assert CHANGING.findall(path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize("line", ["name = timestamp()", "id = uuid()", 'resource "random_id" "x" {}'])
def test_the_search_for_time_and_chance_finds(line: str) -> None:
    assert CHANGING.search(line)


def test_the_project_is_the_only_variable_without_a_default() -> None:
    assert [name for name, body in blocks("variable").items() if "default" not in body] == ["project_id"]


@pytest.mark.parametrize("kind", ["variable", "output"])
def test_variables_and_outputs_are_described_and_in_order(kind: str) -> None:
    found = blocks(kind)
    assert list(found) == sorted(found)
    assert [name for name, body in found.items() if "description" not in body] == []


def test_no_function_topic_schedule_or_table_is_listed_by_hand() -> None:
    """Names of pipeline.yaml stand in the root only where an alert is about that very function, or
    as an example.
    """
    meant = {
        ("logging.tf", "phase5_consolidation"),
        ("logging.tf", "phase6_export"),
        ("outputs.tf", "dashboard"),
        ("outputs.tf", "nba-phase1-trigger"),
        ("people.tf", "dashboard"),
    }
    names = {*RAW["functions"], *RAW["schedules"], *RAW["pull_subscriptions"]}
    names |= {topic for function in RAW["functions"].values() for topic in function["topics"]}
    found = {(path.name, name) for path in FILES for name in names if f'"{name}"' in path.read_text(encoding="utf-8")}
    assert found <= meant, found - meant


def test_examples_set_variables_that_exist() -> None:
    for path in (ROOT / FOLDER).glob("*.tfvars.example"):
        text = path.read_text(encoding="utf-8")
        named = set(re.findall(r"^#? ?([a-z_]+)\s+= ", text, re.MULTILINE))
        assert "project_id" in named
        assert named <= set(blocks("variable")), path.name


def body(file: str, opening: str) -> str:
    """The block that begins with these words, up to the brace that closes it."""
    text = (ROOT / FOLDER / file).read_text(encoding="utf-8")
    (found,) = re.findall(rf"^{re.escape(opening)} {{\n(.*?)^}}", text, re.MULTILINE | re.DOTALL)
    return str(found)


def waits_for(file: str, opening: str) -> set[str]:
    (listed,) = re.findall(r"^  depends_on = \[(.*?)\]", body(file, opening), re.MULTILINE | re.DOTALL)
    return set(re.findall(r"[\w.]+", listed))


def test_a_person_who_applies_can_make_the_budget() -> None:
    """The Billing Budgets API answers 403 to a person's own credentials unless the provider names a
    project.
    """
    provider = body("versions.tf", 'provider "google"')
    assert re.search(r"^  user_project_override += true$", provider, re.MULTILINE)
    assert re.search(r"^  billing_project += var\.project_id$", provider, re.MULTILINE)


def test_a_function_waits_for_every_grant_of_its_account() -> None:
    """A new revision serves at once.

    Only the sweep's pulls of dead letters may come a moment later.
    """
    waits = waits_for("functions.tf", 'resource "google_cloudfunctions2_function" "function"')
    text = "".join(path.read_text(encoding="utf-8") for path in (ROOT / FOLDER).glob("*.tf"))
    grants = {
        f"{kind}.{name}"
        for kind, name, block in re.findall(
            r'^resource "(\w+_iam_member)" "(\w+)" \{(.*?)^\}', text, re.MULTILINE | re.DOTALL
        )
        if "google_service_account.function[" in block
    }
    assert len(grants) > 8
    assert grants - waits == {"google_pubsub_subscription_iam_member.dead_letter_puller"}


def test_what_google_needs_minutes_for_comes_first() -> None:
    builds = waits_for("functions.tf", 'resource "google_cloudfunctions2_function" "function"')
    assert builds >= {
        "google_artifact_registry_repository_iam_member.build",
        "google_bigquery_dataset_iam_member.function",
        "google_bigquery_table.table",
        "google_bigquery_table.view",
        "google_firestore_field.unindexed",
        "google_firestore_index.index",
        "google_project_iam_member.build_logs",
        "google_project_iam_member.build_source",
        "google_secret_manager_secret_iam_member.function",
    }
    jobs = waits_for("scheduler.tf", 'resource "google_cloud_scheduler_job" "job"')
    assert jobs == {"google_pubsub_subscription.push"}
    alerts = waits_for("alerts.tf", 'resource "google_monitoring_alert_policy" "alert"')
    assert alerts == {"google_cloudfunctions2_function.function"}


DEPLOY = (ROOT / "docs" / "deploy.md").read_text(encoding="utf-8")
RUNBOOK = (ROOT / "docs" / "runbook.md").read_text(encoding="utf-8")
GUIDES = DEPLOY + RUNBOOK


def test_the_costs_add_up() -> None:
    rows = re.findall(r"^\| ([^|]+) \|[^|]*\| ?([^|]*?) ?\| ([0-9.]+) \|$", DEPLOY, re.MULTILINE)
    *parts, (total, _, amount) = rows
    assert total == "sum"
    assert len(parts) >= 12
    for name, arithmetic, stated in parts:
        sum_of = arithmetic.replace(",", "").replace("×", "*")
        assert re.fullmatch(r"[0-9.*+() ]+", sum_of), name
        assert round(eval(sum_of) + 1e-9, 2) == float(stated), name  # digits and operators alone, see above
    assert round(sum(float(stated) for _, _, stated in parts), 2) == float(amount)


def test_a_cost_is_made_of_the_figures_that_stand_beside_it() -> None:
    """What is said to come about (4 runs, 119 tables, 2 statements ...) is what is multiplied."""
    rows = re.findall(r"^\| ([^|]+) \| ([^|]+) \| ([^|]+) \| [0-9.]+ \|$", section("What it costs"), re.MULTILINE)
    assert len(rows) >= 15
    for name, about, arithmetic in rows:
        stated, used = (set(re.findall(r"(?<![\w.,])\d[\d,.]*\d|\d", each)) for each in (about, arithmetic))
        assert stated, name
        assert stated <= used, name


def test_the_costs_count_what_the_pipeline_has() -> None:
    rows = dict(re.findall(r"^\| ([^|]+) \| ([^|]+) \|", section("What it costs"), re.MULTILINE))
    assert rows["Cloud Scheduler"] == f"{len(RAW['schedules'])} jobs"
    assert f"each {len(RAW['functions'])} builds" in rows["Cloud Build"]
    sweeps = sum(
        job["topic"] == "nba-batch-sweep-trigger" and job["cron"] == "*/10 * * * *" for job in RAW["schedules"].values()
    )
    assert f", {sweeps * 24 * 6} sweeps of" in rows["functions: CPU"]
    runs = [
        job for job in RAW["schedules"].values() if job["message"].get("mode") in ("overnight", "same_day", "tomorrow")
    ]
    assert rows["BigQuery: staging"].startswith(f"{len(runs)} runs a day: ")


def test_the_guide_names_variables_targets_and_topics_that_exist() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    commands = set(re.findall(r"(?:`|^|&& |\) |\" )make ([a-z][a-z-]*)", GUIDES, re.MULTILINE))
    assert commands >= {"plan", "apply", "dlq", "smoke", "destroy", "contract", "audit"}
    assert commands <= targets
    assert set(re.findall(r"`([a-z]+_[a-z_]+)(?: =|`)", DEPLOY)) <= set(blocks("variable"))
    published = set(re.findall(r"topics publish (\S+)", GUIDES))
    assert published
    assert published <= {topic for function in RAW["functions"].values() for topic in function["topics"]}


def test_the_guide_knows_how_many_processors_the_functions_may_take() -> None:
    """A new project's quota is less, and the error does not say by how much."""
    functions = [{**RAW["defaults"], **each} for each in RAW["functions"].values()]
    most = sum(each["max_instances"] * each["cpu"] for each in functions)
    assert f"most instances together are {most}." in DEPLOY


@pytest.mark.parametrize(
    "message",
    [
        "Quota exceeded for total allowable CPU per project per region",
        "One or more users named in the policy do not belong to a permitted customer",
        "constraints/iam.allowedPolicyMemberDomains",
        "constraints/storage.publicAccessPrevention",
    ],
)
def test_refusals_that_do_not_pass_have_a_way_out(message: str) -> None:
    assert message in " ".join(DEPLOY.split())


def section(title: str) -> str:
    """A section of the guides by its title, whatever its number."""
    (found,) = re.findall(rf"^## (?:\d+\. )?{title}\n(.*?)(?=^## |\Z)", GUIDES, re.MULTILINE | re.DOTALL)
    return str(found)


def test_every_alert_has_its_commands() -> None:
    rows = dict(
        re.findall(r"^\| ([a-z-]+) \| (.+) \|$", section("When an alert of Cloud Monitoring comes"), re.MULTILINE)
    )
    assert set(rows) - {"alert"} == set(RAW["alerts"])
    assert [name for name, commands in rows.items() if name != "alert" and "`" not in commands] == []
    for name, about in RAW["alerts"].items():
        for topic in re.findall(r"publish to (\S+)", about["next"]):
            assert f"topics publish {topic} " in rows[name]
    named = set(re.findall(r"scheduler jobs run (\S+)", section("When an alert of Cloud Monitoring comes")))
    assert named <= set(RAW["schedules"])


def test_a_restore_puts_back_all_that_current_predictions_reads() -> None:
    """Rows without the batch that counts are in no view: the two tables go back together."""
    view = (ROOT / "shared/stores/warehouse/views/nba_predictions.current_predictions.sql").read_text(encoding="utf-8")
    tables = set(re.findall(r"(?:FROM|JOIN) (nba_\w+\.\w+)", view))
    assert len(tables) == 2
    sql = section("Going back in time")
    (together,) = re.findall(r"^BEGIN TRANSACTION;\n(.*?)^COMMIT TRANSACTION;", sql, re.MULTILINE | re.DOTALL)
    assert set(re.findall(r"DELETE FROM (\S+) WHERE game_date", together)) == tables
    copies = dict(re.findall(r"INSERT INTO (\S+) SELECT \* FROM (\S+);", together))
    assert set(copies) == tables
    kept = re.findall(
        r"CREATE OR REPLACE TABLE (\S+) AS\s+SELECT \* FROM (\S+)\s+FOR SYSTEM_TIME AS OF (.+) WHERE", sql
    )
    assert {(copy, table) for copy, table, _ in kept} == {(copy, table) for table, copy in copies.items()}
    assert len({moment for *_, moment in kept}) == 1
    assert "CREATE TABLE" not in sql  # it would fail at the second restore within a week


def test_a_rollback_is_of_the_archive_alone() -> None:
    """A plan of an earlier checkout has its schemas, and drops the columns that came later."""
    rollback = section("Rollback")
    assert "TF_VAR_archive=" in rollback
    assert "archive" in blocks("variable")
    assert not re.search(r"git checkout|check out", rollback)


def test_a_restored_database_is_all_that_terraform_forgets_and_takes() -> None:
    """Every resource in the database of the state: apply would otherwise look for it in the old
    one.
    """
    text = (ROOT / FOLDER / "firestore.tf").read_text(encoding="utf-8")
    resources = {f"{kind}.{name}" for kind, name in re.findall(r'^resource "(\w+)" "(\w+)"', text, re.MULTILINE)}
    (forgotten,) = re.findall(r"state rm ((?:[\w.]+[ \\\n]+)+)terraform", section("Going back in time"))
    assert set(forgotten.replace("\\", " ").split()) == resources


def test_the_costs_know_how_many_conditions_there_are(defaults: dict[str, TerraformRun]) -> None:
    policies = defaults["defaults"].all_of("google_monitoring_alert_policy")
    assert f"| {sum(len(policy['conditions']) for policy in policies)} conditions, " in DEPLOY
