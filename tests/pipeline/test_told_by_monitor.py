"""What Cloud Monitoring has no policy for, since the monitor tells it: each happens for real, is an
incident of the check that is named, and is told once.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

import pytest

from functions.grading import grade
from functions.monitor import watch
from functions.phase5_coordinator import coordinate
from shared.chain.execution.context import Context, Outcome
from shared.chain.execution.run_history import write_run_history
from shared.chain.messages.messages import PhaseMessage
from shared.core.settings import Settings
from shared.core.severity import Severity
from shared.operations.incidents.reading import open_incidents
from shared.operations.incidents.records import Incident
from tests.pipeline.evening import BATCH, DAY, PREDICTIONS, TIPOFFS, row
from tests.pipeline.staged import R2, complete, open_batch, prediction, stage
from tests.pipeline.support import NOW, PHASE5, PipelineHarness
from tests.support.alert_receivers import Hook, hook

MONITOR = {"monitor": (watch.run, PhaseMessage)}
CONSOLIDATION = {"phase5_consolidation": PHASE5["phase5_consolidation"]}


@dataclass
class Watched:
    """A world that counts as deployed, and who is told."""

    world: PipelineHarness
    hook: Hook

    def look(self) -> dict[str, Incident]:
        """What is open after a run of the monitor."""
        self.world.publish("nba-monitor-trigger", {"game_date": "TODAY"}, schedule="monitor")
        ((_, response),) = self.world.run_until_idle(MONITOR, wait=False)
        assert response.body["status"] == "success", response.body
        self.world.move(minutes=15)
        return {each.fingerprint: each for each in open_incidents(self.world.runtime)}

    def list_messages(self, fingerprint: str) -> list[str]:
        """The messages about an incident."""
        about = fingerprint.replace(":", " ", 1)
        found = [json.loads(body)["text"] for _, _, body in self.hook.posts]
        return [text for text in found if about in text.splitlines()[0]]


@pytest.fixture
def watched(world: PipelineHarness) -> Iterator[Watched]:
    with hook() as receiver:
        # the name of a bucket is what tells a deployment; the hours are those that nobody sleeps in
        settings = Settings(slack_webhook=receiver.address, quiet_hours="03:00-04:00", raw_bucket="my-nba-raw")
        world.settings = settings
        world.start()
        yield Watched(world, receiver)


def expect_told(watched: Watched, fingerprint: str, severity: Severity, says: str) -> None:
    """The condition is an incident and one message, and stays both at the next look."""
    for _ in range(2):
        incident = watched.look()[fingerprint]
        assert incident.severity is severity
        assert says in incident.says
        (text,) = watched.list_messages(fingerprint)
        assert incident.next_step
        assert "Next" in text


def schedule_games(world: PipelineHarness) -> None:
    columns = {"snapshot_time": NOW - timedelta(hours=1), "season": "2025-26", "season_type": "regular_season"}
    games = [
        row("nba_raw.nbac_schedule", game_date=DAY, game_id=game, tipoff_at=tipoff, status="scheduled", **columns)
        for game, tipoff in TIPOFFS.items()
    ]
    world.add("nba_raw.nbac_schedule", games)


def test_a_consolidation_that_failed(watched: Watched) -> None:
    world = watched.world
    open_batch(world, "1", "2")
    stage(world, "1", [prediction(1, "24.5")])
    complete(world, "1", 1)
    complete(world, "2", 1)
    assert [answer.status for _, answer in world.run_until_idle(CONSOLIDATION)] == [503] * 5
    expect_told(watched, f"consolidation:{DAY}", Severity.CRITICAL, f"consolidation of {BATCH} failed")


def test_a_merge_that_affected_no_row(watched: Watched) -> None:
    """Every key is there already, of a newer revision."""
    world = watched.world
    open_batch(world, "1")
    stage(world, "1", [prediction(1, "24.5")])
    complete(world, "1", 1)
    world.add(PREDICTIONS, [{**prediction(1, "24.5", batch=R2), "created_at": NOW}])
    assert [answer.status for _, answer in world.run_until_idle(CONSOLIDATION)] == [503] * 5
    expect_told(watched, f"consolidation:{DAY}", Severity.CRITICAL, "the MERGE affected 0 rows, 1 were expected")


def test_an_evening_without_exported_picks(watched: Watched) -> None:
    """The run of 11:30 comes to its end and predicts nobody."""
    world = watched.world
    schedule_games(world)
    world.move(minutes=-30)
    world.publish("nba-predictions-trigger", {"game_date": str(DAY), "run_id": f"{DAY}-same-day-predictions"})
    ((_, answer),) = world.run_until_idle({"phase5_coordinator": (coordinate.run, PhaseMessage)}, wait=False)
    assert answer.body["status"] == "no_data"
    world.move(minutes=102)
    assert f"export-written:{DAY}" not in watched.look(), "it is 13:12, and the export has until 13:15"
    expect_told(watched, f"export-written:{DAY}", Severity.CRITICAL, "nothing is exported, which was due by")


def test_a_schedule_whose_job_did_not_get_through(watched: Watched) -> None:
    world = watched.world
    watched.look()
    world.move(minutes=60)
    name = "schedules:phase6-tonight-picks"
    assert name in watched.look(), "13:15"
    expect_told(watched, name, Severity.ERROR, "phase6-tonight-picks did not run: due at 2025-11-14 13:00")


def test_a_message_that_failed_for_good(watched: Watched) -> None:
    world = watched.world
    world.publish("nba-grading-trigger", {"game_date": "the day before"})
    world.run_until_idle({"grading": (grade.run, PhaseMessage)}, wait=False)
    name = "dead-letters:grading-nba-grading-trigger-dead-letter/invalid_message"
    expect_told(watched, name, Severity.ERROR, "1 dead letter in grading-nba-grading-trigger-dead-letter")


def test_a_function_that_comes_close_to_its_time_out(watched: Watched) -> None:
    world = watched.world

    def run_slowly(message: PhaseMessage, context: Context) -> Outcome:
        world.move(seconds=460)
        return Outcome("success", record_count=5)

    world.publish("nba-phase4-trigger", {"game_date": str(DAY)})
    ((_, answer),) = world.run_until_idle({"phase4_precompute": (run_slowly, PhaseMessage)}, wait=False)
    assert answer.status == 200
    assert write_run_history(world.runtime, answer.body["run_id"]) == 1
    expect_told(watched, "slowdown:phase4_precompute", Severity.WARNING, "460")
