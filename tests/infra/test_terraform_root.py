"""The Terraform root itself: its form, what it refuses, and that nothing in it depends on time or chance."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.infra.expected import RAW
from tests.infra.terraform_runs import FOLDER, run_tests, terraform

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
    assert {name: run.said for name, run in runs.items() if not run.passed} == {}


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
    """Names of pipeline.yaml stand in the root only where an alert is about that very function, or as an example."""
    meant = {
        ("alerts.tf", "phase5_consolidation"),
        ("logging.tf", "phase5_consolidation"),
        ("logging.tf", "phase6_export"),
        ("outputs.tf", "nba-phase1-trigger"),
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
    """The Billing Budgets API answers 403 to a person's own credentials unless the provider names a project."""
    provider = body("versions.tf", 'provider "google"')
    assert re.search(r"^  user_project_override += true$", provider, re.MULTILINE)
    assert re.search(r"^  billing_project += var\.project_id$", provider, re.MULTILINE)


def test_what_google_needs_minutes_for_comes_first() -> None:
    builds = waits_for("functions.tf", 'resource "google_cloudfunctions2_function" "function"')
    assert builds >= {
        "google_artifact_registry_repository_iam_member.build",
        "google_firestore_field.unindexed",
        "google_firestore_index.index",
        "google_project_iam_member.build_logs",
        "google_project_iam_member.build_source",
        "google_secret_manager_secret_iam_member.function",
    }
    alerts = waits_for("alerts.tf", 'resource "google_monitoring_alert_policy" "alert"')
    assert alerts == {"google_cloudfunctions2_function.function"}


DEPLOY = (ROOT / "docs" / "deploy.md").read_text(encoding="utf-8")


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


def test_the_guide_names_variables_targets_and_topics_that_exist() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    assert set(re.findall(r"`?make ([a-z-]+)", DEPLOY.split("## 9")[0])) >= {"plan", "apply"}
    assert set(re.findall(r"`make ([a-z-]+)", DEPLOY)) <= targets
    assert set(re.findall(r"`([a-z]+_[a-z_]+)(?: =|`)", DEPLOY)) <= set(blocks("variable"))
    published = set(re.findall(r"topics publish (\S+)", DEPLOY))
    assert published
    assert published <= {topic for function in RAW["functions"].values() for topic in function["topics"]}
