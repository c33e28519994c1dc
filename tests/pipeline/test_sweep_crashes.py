"""A state with something of everything to recover, and sweeps that die at any place: the next one
ends the same.
"""

from __future__ import annotations

from itertools import count
from pathlib import Path
from typing import Any

import pytest

from shared.chain.batches import opening
from shared.chain.batches.opening import BatchPlan
from shared.chain.batches.records import BatchStatus, path_of
from shared.chain.messages.messages import PhaseMessage
from shared.chain.resilience import dead_letters
from shared.core import failpoints
from shared.core.pipeline import load_pipeline
from tests.pipeline.evening import BATCH, DAY, PREDICTIONS, TIPOFFS
from tests.pipeline.staged import complete, open_batch, prediction, stage
from tests.pipeline.support import NOW, Killed, PipelineHarness, open_world
from tests.pipeline.sweeping import SWEEP, ask_for_sweep
from tests.pipeline.test_handler import Work

pytestmark = pytest.mark.heavy  # a sweep again for every point

UNITS = [str(n) for n in range(1, 11)]
OLD = "batch_2025-11-13_r1"
TRIGGER = "nba-phase3-trigger"
POINTS = ["outbox.published", *(point for point in failpoints.POINTS if point.startswith(("sweep.", "handler.")))]


def lay_out(world: PipelineHarness) -> None:
    """A stalled batch, an unsent announcement, an abandoned execution, an orphaned table, an
    interrupted redrive.
    """
    yesterday = BatchPlan(DAY.replace(day=13), "run0", "phase5_coordinator.run0", "same_day", NOW, ("1",), TIPOFFS, NOW)
    opening.open_batch(world.state, yesterday, NOW)
    world.state.update(
        path_of(OLD), {"status": BatchStatus.CONSOLIDATED, "merged_units": ["1"], "missing_units": [], "closed_at": NOW}
    )
    stage(world, "1", [prediction(1, "9.5", batch=OLD)], batch=OLD)
    world.bus.publish("phase3-analytics-nba-phase3-trigger-dead-letter", b"{}", {"game_date": "2025-11-14"})
    letters = dead_letters.list_dead_letters(world.runtime.bus, load_pipeline(), NOW)
    with world.kill_at("redrive.recorded"), pytest.raises(Killed):
        dead_letters.redrive(world.runtime, letters, who="op", reason="mended")
    world.start()
    world.clock.set(NOW)
    world.publish(TRIGGER, {"game_date": "2025-11-14", "run_id": "unsent"})
    with world.kill_at("handler.recorded"), pytest.raises(Killed):
        world.run_until_idle({"phase3_analytics": (Work(), PhaseMessage)})
    world.publish(TRIGGER, {"game_date": "2025-11-14", "run_id": "abandoned"})
    with world.file.write() as connection:
        connection.execute("DELETE FROM deliveries WHERE attempt > 0")
    world.start()
    with world.kill_at("handler.ran"), pytest.raises(Killed):
        world.run_until_idle({"phase3_analytics": (Work(), PhaseMessage)})
    with world.file.write() as connection:
        connection.execute("DELETE FROM deliveries WHERE attempt > 0")
    world.start()
    world.move(hours=24)
    open_batch(world, *UNITS)
    for unit in UNITS[:9]:
        stage(world, unit, [prediction(int(unit), "9.5")])
        complete(world, unit, 1)
    world.move(minutes=10)


def what_is(world: PipelineHarness) -> dict[str, Any]:
    """What sweeps leave, without what tells one sweep's run from another's."""
    documents = {d.id: d.data for d in world.state.query("executions") if d.data["function"] != "batch_sweep"}
    history = world.rows("SELECT execution_id, status FROM nba_reference.processor_run_history ORDER BY execution_id")
    return {
        "batches": {
            d.id: (d.data["status"], d.data["closed_as"], d.data["missing_units"], d.data["outbox_pending"])
            for d in world.state.query("batches")
        },
        "executions": {id_: (d["status"], d["outbox_pending"], d["logged"]) for id_, d in documents.items()},
        "redrives": [(d["acknowledged"], d["outbox_pending"]) for d in world.documents("redrives")],
        "audit": [d["action"] for d in world.documents("audit")],
        "letters": len(dead_letters.list_dead_letters(world.bus, load_pipeline(), world.clock.now())),
        "staging": world.staging_tables(),
        "history": [row for row in history if not row["execution_id"].startswith("batch_sweep")],
        "published": sorted({(t, a["outbox_id"]) for t, _, a in world.bus.published if "outbox_id" in a}),
        "rows": world.rows(f"SELECT COUNT(*) AS n FROM {PREDICTIONS}"),
    }


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory, template: Path) -> dict[str, Any]:
    with open_world(tmp_path_factory.mktemp("undisturbed-sweep"), template) as world:
        lay_out(world)
        ask_for_sweep(world)
        world.run_until_idle(SWEEP)
        return what_is(world)


def test_one_sweep_recovers_all_of_it(expected: dict[str, Any]) -> None:
    assert expected["batches"] == {
        OLD: ("CONSOLIDATED", None, [], False),
        BATCH: ("CLOSED", "partial", ["10"], False),
    }
    assert expected["executions"] == {
        "phase3_analytics.unsent": ("succeeded", False, True),
        "phase3_analytics.abandoned": ("failed", False, True),
    }
    assert (expected["redrives"], expected["audit"], expected["letters"]) == ([(True, False)], ["redrive"], 0)
    assert expected["staging"] == [f"nba_staging._staging_{BATCH}__{unit}" for unit in sorted(UNITS[:9])]
    assert [(row["execution_id"], row["status"]) for row in expected["history"]] == [
        ("phase3_analytics.abandoned", "failed"),
        ("phase3_analytics.unsent", "success"),
    ]
    topics = [topic for topic, _ in expected["published"]]
    assert topics == ["nba-alerts", "nba-phase3-analytics-complete", TRIGGER, "nba-phase5-batch-complete"]


@pytest.mark.parametrize("point", POINTS)
def test_a_sweep_that_dies_anywhere_is_repaired_by_its_redelivery_or_the_next_one(
    tmp_path: Path, template: Path, expected: dict[str, Any], point: str
) -> None:
    for occasion in count(1):
        with open_world(tmp_path / str(occasion), template) as world:
            lay_out(world)
            died = False
            ask_for_sweep(world)
            with world.kill_at(point, occasion):
                try:
                    world.run_until_idle(SWEEP)
                except Killed:
                    died = True
                    world.start()
                    world.run_until_idle(SWEEP)
            # what a dead sweep recorded a moment before its redelivery came is still taken for
            # another's work
            world.move(minutes=10)
            ask_for_sweep(world)
            world.run_until_idle(SWEEP)
            assert what_is(world) == expected
        if not died:
            break
    assert occasion > 1, f"{point} is never reached"
