"""Coordinator and workers: who opens, joins and follows a batch; units that fail, come late, or
belong nowhere.
"""

from __future__ import annotations

import json
from collections import Counter
from datetime import timedelta
from typing import Any

import pytest

from functions.phase6_export import export
from shared.chain.batches.reading import get_batch, units_of
from shared.chain.batches.records import path_of
from shared.chain.messages.messages import PhaseMessage
from shared.chain.resilience import circuit_breaker
from shared.core import failpoints
from shared.core.errors import StoreUnavailable
from shared.core.pipeline import load_pipeline
from tests.pipeline.evening import (
    AS_OF,
    BATCH,
    EARLY,
    FEATURES,
    LATE,
    LINES,
    PLAYERS,
    TIPOFFS,
    current_predictions,
    feature_row,
    history_rows,
    line_row,
    trigger,
)
from tests.pipeline.support import PHASE5, Killed, PipelineHarness
from tests.support.stores import reset_counts

R2 = "batch_2025-11-14_r2"
COORDINATOR = {"phase5_coordinator": PHASE5["phase5_coordinator"]}
WORKERS = {"phase5_worker": PHASE5["phase5_worker"]}


def coordinate(world: PipelineHarness, **message: Any) -> dict[str, Any]:
    trigger(world, **message)
    ((_, answer),) = world.run_until_idle(COORDINATOR)
    return answer.body


def dead_requests(world: PipelineHarness) -> list[Any]:
    return world.bus.pull("phase5-worker-prediction-request-dead-letter")


def expected_outputs(world: PipelineHarness, batch: str = BATCH) -> dict[str, tuple[str, str | None, bool]]:
    found = world.rows(
        "SELECT player_lookup, status, reason, has_line FROM nba_monitoring.expected_outputs WHERE batch_id = @batch",
        batch=batch,
    )
    return {each["player_lookup"]: (each["status"], each["reason"], each["has_line"]) for each in found}


# --- coordinator ----------------------------------------------------------------------------------


def test_a_request_has_all_that_a_worker_needs(evening: PipelineHarness) -> None:
    answer = coordinate(evening)
    assert (answer["status"], answer["batch_id"], answer["record_count"]) == ("partial", BATCH, 4)
    assert answer["reason"].startswith("no trained models")
    requests = evening.list_published("prediction-request")
    assert [request["unit"] for request in requests] == [str(player) for player in PLAYERS]
    by_unit = {request["unit"]: request for request in requests}
    (lined,) = by_unit["101"]["players"]
    assert lined["lines"]["points"]["main"] == "24.5"
    assert [book["bookmaker"] for book in lined["lines"]["points"]["books"]] == ["bookone", "booktwo"]
    assert len(lined["history"]["points"]) == 8
    (unlined,) = by_unit["202"]["players"]
    assert unlined["lines"] == {}
    reset_counts(evening.warehouse)
    evening.run_until_idle(WORKERS)
    assert evening.warehouse.statement_counts == {"staging_load": len(PLAYERS)}


def test_a_trigger_that_finds_the_batch_in_progress_joins_it_and_says_so(evening: PipelineHarness) -> None:
    coordinate(evening)
    evening.run_until_idle(WORKERS)
    answer = coordinate(evening, run_id="2025-11-14-second")
    assert (answer["status"], answer["batch_id"]) == ("joined", BATCH)
    assert "newer inputs of this run were not used" in answer["reason"]
    assert len(evening.list_published("prediction-request")) == len(PLAYERS)
    evening.run_until_idle()
    assert evening.documents("batches")[0]["status"] == "CONSOLIDATED"


def test_after_consolidation_the_next_trigger_opens_the_next_revision(
    evening: PipelineHarness, undisturbed: PipelineHarness
) -> None:
    trigger(evening)
    evening.run_until_idle()
    evening.move(hours=1)
    trigger(evening, run_id="2025-11-14-second")
    evening.run_until_idle()
    assert [d["status"] for d in evening.documents("batches")] == ["SUPERSEDED", "CONSOLIDATED"]
    assert current_predictions(evening) == current_predictions(undisturbed)
    assert evening.rows("SELECT DISTINCT batch_id FROM nba_predictions.current_predictions") == [{"batch_id": R2}]
    assert evening.staging_tables() == []


def test_a_coordinator_that_was_taken_over_opens_no_batch_of_its_own(evening: PipelineHarness) -> None:
    """It stood still while another took over, and a second run had its batch too: nobody would send
    its requests.
    """
    trigger(evening)
    stood_still = False

    def stand_still(point: str) -> None:
        nonlocal stood_still
        if point == "handler.taken" and not stood_still:
            stood_still = True
            evening.move(minutes=12)
            evening.run_until_idle()
            trigger(evening, run_id="2025-11-14-second")
            evening.run_until_idle()

    failpoints.install(stand_still)
    try:
        answers = evening.run_until_idle()
    finally:
        failpoints.install(None)
    assert stood_still
    assert [response.body.get("error_type") for _, response in answers if response.status != 200] == ["LeaseHeld"]
    assert [d["status"] for d in evening.documents("batches")] == ["SUPERSEDED", "CONSOLIDATED"]


def test_a_day_without_games_is_no_data_and_goes_on_with_the_export(world: PipelineHarness) -> None:
    answer = coordinate(world)
    assert (answer["status"], world.documents("batches")) == ("no_data", [])
    assert "no games with known rosters on 2025-11-14" in answer["reason"]
    # what earlier dates left is taken back; a no_data completion on the workers' topic would be
    # poison
    ((topic, data, _),) = world.bus.published[1:]
    assert topic == "nba-phase6-export-trigger"
    message = {name: json.loads(data)[name] for name in ("game_date", "run_id", "mode")}
    assert message == {"game_date": "2025-11-14", "run_id": "2025-11-14-test", "mode": "same_day"}
    world.run_until_idle({**PHASE5, "phase6_export": (export.run, PhaseMessage)})
    rows = world.rows("SELECT phase, status FROM nba_monitoring.pipeline_execution_log ORDER BY phase")
    assert [row["phase"] for row in rows] == ["phase5_coordinator", "phase6"], "the run ends there"


def test_after_the_last_tip_off_there_is_nobody_to_predict(evening: PipelineHarness) -> None:
    evening.clock.set(max(TIPOFFS.values()))
    answer = coordinate(evening)
    assert answer["status"] == "no_data"
    assert "'tipped_off': 4" in answer["reason"]
    assert evening.list_published("prediction-request") == []


def test_a_game_at_its_tip_off_is_none_of_the_batch(evening: PipelineHarness) -> None:
    """The batch says of its games alone that it found nobody to predict: current_predictions goes
    by that.
    """
    evening.clock.set(TIPOFFS[EARLY])
    coordinate(evening)
    found = get_batch(evening.state, BATCH)
    assert found is not None
    assert found.games == {LATE: TIPOFFS[LATE]}


def test_everyone_considered_is_recorded_with_the_reason(world: PipelineHarness) -> None:
    world.add(
        FEATURES,
        [
            feature_row(1, EARLY),
            feature_row(2, EARLY, injury_status="OUT"),
            feature_row(3, EARLY, minutes_l10=9.0),
        ],
    )
    world.add(
        LINES,
        [
            line_row(1, EARLY, "20.5", "bookone"),
            line_row(2, EARLY, "18.5", "bookone"),
            line_row(8, EARLY, "11.5", "bookone"),
            line_row(None, EARLY, "10.5", "bookone", player_lookup="nobodyknown"),
        ],
    )
    world.add("nba_analytics.player_game_summary", history_rows(1))
    coordinate(world)
    assert expected_outputs(world) == {
        "player1": ("expected", None, True),
        "player2": ("left_out", "out", True),
        "player3": ("left_out", "low_minutes", False),
        "player8": ("left_out", "not_on_roster", True),
        "nobodyknown": ("left_out", "unresolved_name", True),
    }


def test_features_and_lines_of_a_later_moment_are_not_used(
    evening: PipelineHarness, undisturbed: PipelineHarness
) -> None:
    """Rows of a run whose as_of is later than this run's, for the same games."""
    later = AS_OF + timedelta(minutes=30)
    evening.add(FEATURES, [feature_row(101, EARLY, features_as_of=later, points_ewma_20=99.0)])
    evening.add(LINES, [line_row(101, EARLY, "39.5", "bookone", features_as_of=later)])
    trigger(evening)
    evening.run_until_idle()
    assert current_predictions(evening) == current_predictions(undisturbed)


def test_lines_newer_than_the_features_are_not_tested_beside_them(
    evening: PipelineHarness, undisturbed: PipelineHarness
) -> None:
    """Another run has written its lines and not its features yet; both moments lie before this
    run's as_of.
    """
    newer = AS_OF + timedelta(seconds=30)
    evening.add(LINES, [line_row(101, EARLY, "39.5", "bookone", features_as_of=newer)])
    trigger(evening, as_of=(AS_OF + timedelta(minutes=1)).isoformat())
    evening.run_until_idle()
    assert current_predictions(evening) == current_predictions(undisturbed)


def test_a_retry_sends_the_requests_that_were_kept_first(
    evening: PipelineHarness, undisturbed: PipelineHarness
) -> None:
    """A batch is made of one set of inputs: models that became current after the crash are not
    among them.
    """
    trigger(evening)
    with evening.kill_at("coordinator.requests_written"), pytest.raises(Killed):
        evening.run_until_idle()
    evening.start()
    pointer = json.dumps({"xgboost_v1": "newer", "ensemble_v1": "newer"}).encode()
    evening.models.write("models/points/current.json", pointer, content_type="application/json")
    evening.run_until_idle()
    assert {json.dumps(request["models"]) for request in evening.list_published("prediction-request")} == {"{}"}
    assert current_predictions(evening) == current_predictions(undisturbed)


def test_a_retry_chooses_by_the_features_that_the_first_try_saw(
    evening: PipelineHarness, undisturbed: PipelineHarness
) -> None:
    """A run that begins at phase 5 takes the newest features; a slower run may write newer ones
    before the retry.
    """
    trigger(evening)
    with evening.kill_at("coordinator.batch_opened"), pytest.raises(Killed):
        evening.run_until_idle()
    evening.start()
    newer = AS_OF + timedelta(seconds=30)
    evening.add(
        FEATURES,
        [feature_row(p, game, features_as_of=newer, points_ewma_20=99.0) for p, (game, _) in PLAYERS.items()],
    )
    evening.run_until_idle()
    assert current_predictions(evening) == current_predictions(undisturbed)


# --- workers --------------------------------------------------------------------------------------


class _OneTableFails:
    """The warehouse, but loading one unit's staging table fails."""

    def __init__(self, warehouse: Any, unit: str) -> None:
        self._warehouse, self._unit = warehouse, unit

    def __getattr__(self, name: str) -> Any:
        return getattr(self._warehouse, name)

    def load(self, table: str, *arguments: Any, **options: Any) -> int:
        if table.endswith(f"__{self._unit}"):
            raise StoreUnavailable("quota exceeded")
        return int(self._warehouse.load(table, *arguments, **options))


def test_a_unit_that_fails_for_good_is_shown_and_may_still_be_redriven(
    evening: PipelineHarness, undisturbed: PipelineHarness
) -> None:
    healthy = evening.runtime.warehouse
    evening.swap(warehouse=_OneTableFails(healthy, "201"))
    trigger(evening)
    answers = evening.run_until_idle()
    tries = load_pipeline().functions["phase5_worker"].max_delivery_attempts
    assert Counter(answer.status for function, answer in answers if function == "phase5_worker") == {200: 3, 503: tries}
    (letter,) = dead_requests(evening)
    found = get_batch(evening.state, BATCH)
    assert found is not None
    assert (found.status, found.missing) == ("CONSOLIDATED", ["201"])
    (unit,) = [u for u in units_of(evening.state, BATCH) if u.status == "failed"]
    assert (unit.error or "").startswith("StoreUnavailable: quota exceeded")
    assert current_predictions(evening) == [p for p in current_predictions(undisturbed) if p["player_id"] != 201]
    (announced,) = evening.list_published("nba-phase5-predictions-complete")
    assert (announced["status"], announced["records_failed"]) == ("partial", 1)

    evening.swap(warehouse=healthy)
    evening.bus.publish("prediction-request", letter.data)
    evening.run_until_idle()
    assert current_predictions(evening) == current_predictions(undisturbed)
    assert [each["sequence"] for each in evening.list_published("nba-phase5-predictions-complete")] == [1, 2]
    assert evening.staging_tables() == []


def test_models_that_are_not_in_the_bucket_fail_the_batch_loudly(evening: PipelineHarness) -> None:
    pointer = json.dumps({"xgboost_v1": "gone", "ensemble_v1": "gone"}).encode()
    evening.models.write("models/points/current.json", pointer, content_type="application/json")
    earlier = StoreUnavailable("a unit of an earlier batch")  # this one has four
    circuit_breaker.record_failure(evening.runtime, "processor-phase5_worker", earlier, execution="earlier")
    trigger(evening)
    answers = evening.run_until_idle()
    statuses = [answer.body["status"] for function, answer in answers if function == "phase5_worker"]
    # the fifth unit that fails opens the worker's breaker, which holds the retries
    assert statuses[:4] == ["failed"] * 4
    assert set(statuses[4:]) == {"held"}
    assert evening.documents("batches")[0]["status"] == "FAILED"
    assert evening.alerts()
    assert current_predictions(evening) == []


def test_requests_of_no_batch_or_of_a_unit_it_does_not_have_are_poison(evening: PipelineHarness) -> None:
    coordinate(evening)
    request = evening.list_published("prediction-request")[0]
    evening.publish("prediction-request", {**request, "unit": "999", "run_id": "other"})
    evening.publish("prediction-request", {**request, "batch_id": "batch_2025-11-14_r7", "run_id": "other"})
    evening.run_until_idle(WORKERS)
    assert [letter.attributes["dead_letter_reason"] for letter in dead_requests(evening)] == ["unknown_batch"] * 2
    assert len(evening.staging_tables()) == len(PLAYERS)


def test_a_request_of_a_superseded_batch_is_acknowledged_and_stages_nothing(evening: PipelineHarness) -> None:
    coordinate(evening)
    evening.state.update(path_of(BATCH), {"status": "SUPERSEDED"})
    answers = evening.run_until_idle(WORKERS)
    assert [answer.body["status"] for _, answer in answers] == ["superseded"] * len(PLAYERS)
    assert evening.staging_tables() == []
    assert evening.list_published("nba-phase5-batch-complete") == []


@pytest.mark.parametrize("times", [2, 3])
def test_a_request_published_several_times_is_worked_once(
    evening: PipelineHarness, undisturbed: PipelineHarness, times: int
) -> None:
    coordinate(evening)
    for request in evening.list_published("prediction-request") * (times - 1):
        evening.publish("prediction-request", request)
    evening.run_until_idle()
    assert evening.warehouse.statement_counts["staging_load"] == len(PLAYERS)
    assert current_predictions(evening) == current_predictions(undisturbed)
    assert len(evening.list_published("nba-phase5-predictions-complete")) == 1
