"""A process that dies at any place between two side effects: the next one ends with the same
predictions.
"""

from __future__ import annotations

import re
from collections import Counter
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from shared.chain.batches.records import BatchStatus
from shared.core import failpoints
from shared.core.settings import Settings
from shared.nba.stats import PREDICTED
from tests.conftest import ROOT
from tests.pipeline.evening import BATCH, PLAYERS, TOTAL_ROWS, current_predictions, trigger
from tests.pipeline.support import PHASE5, Killed, PipelineHarness, open_world

pytestmark = pytest.mark.heavy  # an evening again for every point

# What the chain comes by in every run; the points of recovery and operation have tests of their
# own.
CHAIN = ("handler.", "outbox.", "coordinator.", "worker.", "batch.", "consolidation.")


def run_with_deaths(world: PipelineHarness, point: str, occasion: int) -> int:
    """Run the chain, starting another process after a death; returns how many died."""
    deaths = 0
    with world.kill_at(point, occasion):
        for _ in range(3):
            try:
                world.run_until_idle()
                return deaths
            except Killed:
                deaths += 1
                world.start()
    raise AssertionError("the process died again and again")


def announcements(world: PipelineHarness) -> Counter[tuple[str, int]]:
    """Distinct announcements of consolidation by execution: a repeat of the same one has the same
    outbox id.
    """
    found = world.list_published("nba-phase5-predictions-complete")
    return Counter({(each["execution_id"], each["sequence"]): 1 for each in found})


def assert_as_undisturbed(world: PipelineHarness, undisturbed: PipelineHarness) -> None:
    assert current_predictions(world) == current_predictions(undisturbed)
    (batch,) = world.documents("batches")
    assert batch["status"] == BatchStatus.CONSOLIDATED
    assert batch["outbox_pending"] is False
    assert announcements(world) == announcements(undisturbed)
    assert world.staging_tables() == []
    assert world.alerts() == []
    assert all(document["status"] == "succeeded" for document in world.documents("executions"))
    assert not any(document["outbox_pending"] for document in world.documents("executions"))
    assert world.rows("SELECT COUNT(*) AS n FROM nba_monitoring.expected_outputs") == [{"n": len(PLAYERS)}]


def test_the_undisturbed_chain(undisturbed: PipelineHarness) -> None:
    found = current_predictions(undisturbed)
    assert len(found) == TOTAL_ROWS
    assert_as_undisturbed(undisturbed, undisturbed)
    assert announcements(undisturbed) == {("phase5_consolidation.2025-11-14-test", 1): 1}
    kinds = Counter((each["player_id"], each["line_kind"]) for each in found)
    others = 5 * (len(PREDICTED) - 1)  # no line is offered of the other statistics
    assert kinds == {
        (101, "main"): 5,
        (101, "alternate"): 20,
        (101, "none"): others,
        (102, "main"): 5,
        (102, "alternate"): 20,
        (102, "none"): others,
        (201, "main"): 5,
        (201, "alternate"): 20,
        (201, "none"): others,
        (202, "none"): 5 + others,
    }


def test_the_chain_takes_few_statements(tmp_path: Path, evening_template: Path) -> None:
    with open_world(tmp_path / "counted", evening_template) as world:
        trigger(world)
        world.run_until_idle()
        counts = world.warehouse.statement_counts
    assert counts.pop("staging_load") == len(PLAYERS)
    # coordinator 3 queries and 1 load; consolidation lists, checks, merges, verifies, records,
    # drops
    assert counts == {"query": 5, "load": 2, "tables": 1, "execute": 1, "drop": 1}


@pytest.mark.parametrize("point", [point for point in failpoints.POINTS if point.startswith(CHAIN)])
def test_a_death_on_any_occasion_changes_nothing(
    tmp_path: Path, evening_template: Path, undisturbed: PipelineHarness, point: str
) -> None:
    """Each time the chain comes by the point it dies there once, in a run of its own."""
    for occasion in count(1):
        with open_world(tmp_path / str(occasion), evening_template) as world:
            trigger(world)
            deaths = run_with_deaths(world, point, occasion)
            assert_as_undisturbed(world, undisturbed)
        if not deaths:
            break
    assert occasion > 1, f"{point} is never reached"


@pytest.mark.parametrize("point", ["coordinator.batch_opened", "consolidation.merged", "consolidation.verified"])
def test_a_redelivery_after_tip_off_of_the_early_game_ends_with_all_rows(
    evening: PipelineHarness, undisturbed: PipelineHarness, point: str
) -> None:
    """The process that comes back late goes on with what the dead one had chosen, and loses no row
    it had merged.
    """
    trigger(evening)
    with evening.kill_at(point), pytest.raises(Killed):
        evening.run_until_idle()
    evening.start()
    evening.move(hours=7, minutes=30)
    evening.run_until_idle()
    (batch,) = evening.documents("batches")
    assert batch["units"].split(" ") == [str(player) for player in PLAYERS]
    assert batch["status"] == BatchStatus.CONSOLIDATED
    expected = current_predictions(undisturbed)
    if point == "coordinator.batch_opened":
        # nothing was merged before the early game's tip-off: its rows are frozen out
        expected = [each for each in expected if each["player_id"] in (201, 202)]
    assert current_predictions(evening) == expected
    assert evening.staging_tables() == []


def test_a_unit_that_was_recorded_does_not_leave_staging_behind(
    evening: PipelineHarness, undisturbed: PipelineHarness
) -> None:
    """The worker dies after its completion; all others finish and the batch is consolidated before
    it comes back.
    """
    trigger(evening)
    evening.run_until_idle({"phase5_coordinator": PHASE5["phase5_coordinator"]})
    with evening.kill_at("batch.unit_recorded"), pytest.raises(Killed):
        evening.run_until_idle()
    (running,) = [d for d in evening.documents("executions") if d["status"] == "running"]
    assert running["phase"] == "phase5_worker"
    # another instance goes on, the dead one's lease stands and its delivery is in flight
    evening.life.ended = False
    evening.run_until_idle(wait=False)
    assert evening.documents("batches")[0]["status"] == BatchStatus.CONSOLIDATED
    assert evening.staging_tables() == []
    evening.run_until_idle()
    evening.move(seconds=700)
    evening.run_until_idle()
    assert_as_undisturbed(evening, undisturbed)


def test_everything_delivered_again_in_another_order_changes_nothing(
    evening: PipelineHarness, undisturbed: PipelineHarness
) -> None:
    trigger(evening)
    evening.run_until_idle()
    before = evening.rows("SELECT * FROM nba_predictions.player_prop_predictions ORDER BY prediction_id, line_value")
    for topic, data, attributes in reversed(list(evening.bus.published)):
        if topic in ("prediction-request", "nba-phase5-batch-complete", "nba-predictions-trigger"):
            evening.bus.publish(topic, data, attributes)
    evening.run_until_idle()
    after = evening.rows("SELECT * FROM nba_predictions.player_prop_predictions ORDER BY prediction_id, line_value")
    assert after == before
    assert_as_undisturbed(evening, undisturbed)


def test_every_point_has_a_name_that_is_used() -> None:
    used = Counter(
        name
        for folder in ("shared", "functions")
        for path in sorted((ROOT / folder).rglob("*.py"))
        for name in re.findall(r'failpoints\.reach\("([^"]+)"\)', path.read_text(encoding="utf-8"))
    )
    assert used == dict.fromkeys(failpoints.POINTS, 1)


def test_the_hook_is_gone_after_a_test() -> None:
    reached: list[Any] = []
    failpoints.install(reached.append)
    failpoints.reach("handler.taken")
    failpoints.install(None)
    failpoints.reach("handler.taken")
    assert reached == ["handler.taken"]


def test_the_batch_is_named_by_date_and_revision(undisturbed: PipelineHarness) -> None:
    assert [d["batch_id"] for d in undisturbed.documents("batches")] == [BATCH]


def test_settings_group_players_into_units(
    tmp_path: Path, evening_template: Path, undisturbed: PipelineHarness
) -> None:
    """At most max_units units; the predictions are the same whatever the grouping."""
    with open_world(tmp_path / "grouped", evening_template, Settings(max_units=2)) as world:
        trigger(world)
        world.run_until_idle()
        (batch,) = world.documents("batches")
        assert batch["units"] == "group-0000 group-0001"
        assert current_predictions(world) == current_predictions(undisturbed)
