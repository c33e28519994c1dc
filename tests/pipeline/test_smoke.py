"""`make smoke`: a past date through the chain, the rows of its history and a raw file of it; on
real stores.
"""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path

import pytest

from local.cloud import deployment, smoke
from local.cloud.runs import NotThrough, Waiting
from shared.chain.execution.context import Context, Outcome
from shared.chain.messages.messages import PhaseMessage
from shared.core.errors import ConfigError
from tests.conftest import ROOT
from tests.pipeline.support import PipelineHarness, Run

DAY = date(2024, 11, 15)
PATH = "nba/schedule/2024-11-15/x.json"


def scrape(message: PhaseMessage, context: Context) -> Outcome:
    context.runtime.raw.write(PATH, b"{...}", content_type="application/json")
    return Outcome("success", record_count=7, metadata={"files": [{"path": PATH}]})


def work(message: PhaseMessage, context: Context) -> Outcome:
    return Outcome("success", record_count=3)


def waiting(world: PipelineHarness, minutes: float = 30.0, **other: Run) -> Waiting:
    chain: dict[str, Run] = {
        "phase1_scrape": scrape, "phase2_raw": work, "phase3_analytics": work, "phase4_precompute": work, **other,
    }  # fmt: skip

    def rest(seconds: float) -> None:
        world.run_until_idle({name: (run, PhaseMessage) for name, run in chain.items()}, wait=False)
        world.move(seconds=seconds)

    return Waiting(minutes, rest)


def test_it_shows_the_rows_of_the_date_and_reads_its_file(world: PipelineHarness) -> None:
    lines: list[str] = []
    smoke.see_a_day_through(world.runtime, DAY, waiting(world), lines.append)
    (published,) = world.list_published("nba-phase1-trigger")
    assert (published["game_date"], published["mode"]) == ("2024-11-15", "results")
    rows = [line.partition(": ")[2] for line in lines if line.startswith("row of ")]
    assert rows == [
        "phase1 success, 7 records",
        "phase2 success, 3 records",
        "phase3 success, 3 records",
        "phase4 skipped, 0 records",
    ]
    assert lines[-1] == f"file {PATH}: 5 bytes"


def test_each_time_is_a_run_of_its_own(world: PipelineHarness) -> None:
    for _ in range(2):
        smoke.see_a_day_through(world.runtime, DAY, waiting(world), lambda line: None)
    assert len({message["run_id"] for message in world.list_published("nba-phase1-trigger")}) == 2


def test_a_date_of_which_nothing_was_kept_is_no_proof(world: PipelineHarness) -> None:
    with pytest.raises(NotThrough, match="kept no file of 2024-11-15") as raised:
        smoke.see_a_day_through(world.runtime, DAY, waiting(world, phase1_scrape=work), lambda line: None)
    assert "choose a DATE with games" in raised.value.next_step


def test_a_history_that_nobody_writes_is_noticed(world: PipelineHarness, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shared.chain.execution.handler.write_run_history", lambda runtime, run_id: 0)
    with pytest.raises(NotThrough, match="has 0 rows of it after 1 minutes"):
        smoke.see_a_day_through(world.runtime, DAY, waiting(world, minutes=1.0), lambda line: None)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"DATE": "2024-11-31"}, "DATE='2024-11-31' is no day"),
        ({"DATE": "TODAY"}, "DATE='TODAY' is no day"),
        ({"DATE": "2025-11-14"}, "DATE=2025-11-14 is not over yet"),
        ({"DATE": "2025-11-13"}, "Name the state's bucket"),
    ],
)
def test_wrong_input_is_refused_with_a_sentence(settings: dict[str, str], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        smoke.parse_date(settings, date(2025, 11, 14))


def test_a_past_date_with_games_is_the_usual_one() -> None:
    assert smoke.parse_date({"STATE_BUCKET": "b"}, date(2025, 11, 14)) == DAY


def tfvars(root: Path, text: str) -> Path:
    folder = root / "infra" / "terraform"
    folder.mkdir(parents=True)
    (folder / "dev.tfvars").write_text(text, encoding="utf-8")
    return root


def test_it_publishes_to_the_deployment_that_it_plans(tmp_path: Path) -> None:
    text = (ROOT / "infra/terraform/dev.tfvars.example").read_text(encoding="utf-8")
    found = deployment.places(tfvars(tmp_path, text), {"ENV": "dev", "PROJECT_ID": "my-nba-project"})
    assert found == {
        "PROJECT_ID": "my-nba-project",
        "NAME_PREFIX": "dev-",
        "DATASET_PREFIX": "dev_",
        "FIRESTORE_DATABASE": "nba-dev",
        "BIGQUERY_LOCATION": "us-central1",
    }


def test_what_the_variables_leave_out_is_as_terraform_has_it(tmp_path: Path) -> None:
    found = deployment.places(tfvars(tmp_path, 'project_id = "p"\nregion = "europe-west1" # near\n'), {"ENV": "dev"})
    assert found["BIGQUERY_LOCATION"] == "europe-west1"
    declared = (ROOT / "infra/terraform/variables.tf").read_text(encoding="utf-8")
    for _, variable, usual in deployment._PLACES[1:]:
        (block,) = re.findall(rf'^variable "{variable}" {{\n(.*?)^}}', declared, re.MULTILINE | re.DOTALL)
        assert re.search(rf'default += "{re.escape(usual)}"', block), variable


def test_another_project_than_the_one_deployed_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"PROJECT_ID=other, and dev\.tfvars deploys 'p'"):
        deployment.places(tfvars(tmp_path, 'project_id = "p"\n'), {"ENV": "dev", "PROJECT_ID": "other"})


def test_without_an_environments_variables_the_command_exits_two(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ENV", "nowhere")
    assert smoke.main() == 2
    assert "There is no nowhere.tfvars" in capsys.readouterr().err
