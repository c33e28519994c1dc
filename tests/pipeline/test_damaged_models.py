"""A trained model whose file is damaged: the batch goes on without it, says so, and the advice it
gives works.
"""

from __future__ import annotations

import logging
from typing import Any

import pytest

from functions.train_model.training import run
from shared.chain.messages.messages import TrainingMessage
from shared.chain.resilience import circuit_breaker
from shared.science.features.names import model_features
from shared.science.model_registry.promotions import move_pointer, pointer_of, read_serving
from shared.science.model_registry.registry import save_models
from shared.science.systems.output import BASE_SYSTEMS, ENSEMBLE, SYSTEMS, XGBOOST
from tests.pipeline.evening import AS_OF, BATCH, current_predictions, trigger
from tests.pipeline.support import Killed, PipelineHarness
from tests.support.systems_models import train_named

pytestmark = pytest.mark.heavy  # an evening again for every test

TRAINING = {"train_model": (run, TrainingMessage)}
AGAIN = {"run_id": "2025-11-14-again", "force": True}
ONE, TWO = "2025-01-01-one", "2025-01-08-two"


@pytest.fixture
def world(evening: PipelineHarness) -> PipelineHarness:
    """Version two serves after version one."""
    for version in (ONE, TWO):
        save_models(evening.models, "points", train_named(version), {"features": list(model_features())})
        move_pointer(
            evening.models, "points", read_serving(evening.models, "points"), version, by=version, at=AS_OF, why="test"
        )
    return evening


def cut_file(world: PipelineHarness, path: str) -> None:
    whole = world.models.read(path)
    world.models.write(path, whole.data[: len(whole.data) // 2], content_type=whole.content_type)


def predict_batch(world: PipelineHarness, **message: Any) -> dict[str, set[Any]]:
    """After a batch: system_id -> its rows' of points model versions, or error codes where it has
    none.
    """
    trigger(world, **message)
    world.run_until_idle()
    found: dict[str, set[Any]] = {}
    for row in points_of(world):
        found.setdefault(row["system_id"], set()).add(row["error_code"] or row["model_version"])
    return found


def points_of(world: PipelineHarness) -> list[dict[str, Any]]:
    return [row for row in current_predictions(world) if row["stat"] == "points"]


def roll_back(world: PipelineHarness, to: str) -> str:
    world.publish("nba-training-trigger", {"rollback_to": to})
    ((_, response),) = world.run_until_idle(TRAINING)
    return str(response.body["status"])


@pytest.mark.parametrize(
    ("path", "system"),
    [
        (f"models/points/{TWO}/{XGBOOST}/model.points.ubj", XGBOOST),
        (f"models/points/{TWO}/{XGBOOST}/metadata.json", XGBOOST),
        (f"models/points/{TWO}/{ENSEMBLE}/model.json", ENSEMBLE),
    ],
)
def test_the_other_four_are_served_and_the_rollback_that_the_rows_name_mends_it(
    world: PipelineHarness, path: str, system: str
) -> None:
    cut_file(world, path)
    found = predict_batch(world)
    assert found[system] == {"model_damaged"}
    assert set(found) == set(SYSTEMS)
    assert not any("model_damaged" in codes for other, codes in found.items() if other != system)
    messages = {row["error_message"] for row in points_of(world) if row["system_id"] == system}
    (sentence,) = messages
    assert path in sentence
    assert f"{system} {TWO}" in sentence
    assert '{"rollback_to": "previous", "stat": "points"}' in sentence
    assert circuit_breaker.read_kind(world.runtime, "system") == {}
    assert circuit_breaker.read_kind(world.runtime, "processor") == {}
    (alert,) = world.alerts()
    assert alert["title"] == f"{system} predicted nobody's points in {BATCH}: its model is damaged"
    assert (alert["detail"], alert["severity"], alert["run_id"]) == (
        sentence,
        "critical",
        world.documents("batches")[0]["run_id"],
    )
    assert roll_back(world, "previous") == "success"
    assert predict_batch(world, **AGAIN)[system] == {ONE}
    assert len(world.alerts()) == 1, "the second run found nothing damaged"


def test_each_damaged_system_is_one_alert_of_each_run_however_often_it_is_consolidated(world: PipelineHarness) -> None:
    for system, file in ((XGBOOST, "model.points.ubj"), (ENSEMBLE, "model.json")):
        cut_file(world, f"models/points/{TWO}/{system}/{file}")
    predict_batch(world)
    world.publish("nba-phase5-batch-complete", {"game_date": "2025-11-14"})
    world.run_until_idle()
    predict_batch(world, **AGAIN)
    assert sorted(alert["fingerprint"] for alert in world.alerts()) == [
        f"model-damaged-batch_2025-11-14_{revision}-points-{system}"
        for revision in ("r1", "r2")
        for system in (ENSEMBLE, XGBOOST)
    ]


@pytest.mark.parametrize("point", ["consolidation.verified", "consolidation.consolidated", "consolidation.dropped"])
def test_an_alert_outlives_the_process_that_was_to_send_it(world: PipelineHarness, point: str) -> None:
    cut_file(world, f"models/points/{TWO}/{XGBOOST}/model.points.ubj")
    trigger(world)
    with world.kill_at(point, 1), pytest.raises(Killed):
        world.run_until_idle()
    assert world.alerts() == []
    world.start()
    world.run_until_idle()
    assert len(world.alerts()) == 1


def test_a_damaged_version_is_not_rolled_back_to(world: PipelineHarness) -> None:
    cut_file(world, f"models/points/{ONE}/{XGBOOST}/model.rate.ubj")
    assert roll_back(world, "previous") == "dead_lettered"
    assert read_serving(world.models, "points").version == TWO
    (letter,) = world.bus.pull("train-model-nba-training-trigger-dead-letter")
    assert f"model.rate.ubj of {XGBOOST} {ONE} for points is damaged" in letter.attributes["dead_letter_error"]


def test_a_damaged_pointer_leaves_the_formulas_and_a_named_rollback_writes_it_again(
    world: PipelineHarness, caplog: pytest.LogCaptureFixture
) -> None:
    cut_file(world, pointer_of("points"))
    found = predict_batch(world)
    (line,) = [record for record in caplog.records if record.levelno >= logging.ERROR]
    assert vars(line)["fields"] == {"event": "model_damaged", "fingerprint": f"model-pointer-damaged-{BATCH}-points"}
    assert "models/points/current.json, which names the version that serves, is damaged" in line.getMessage()
    assert {system for system, codes in found.items() if codes == {"no_model"}} == {XGBOOST, ENSEMBLE}
    assert all(codes != {"no_model"} for system, codes in found.items() if system in BASE_SYSTEMS[:3])
    (started,) = (each for each in world.documents("executions") if each["function"] == "phase5_coordinator")
    assert "models/points/current.json, which names the version that serves, is damaged" in started["result"]["reason"]
    (alert,) = world.alerts()
    assert alert["fingerprint"] == f"model-pointer-damaged-{BATCH}-points"
    assert alert["detail"] in started["result"]["reason"], "beside the statistics that nothing serves of"
    assert roll_back(world, "previous") == "dead_lettered"
    (letter,) = world.bus.pull("train-model-nba-training-trigger-dead-letter")
    assert f"the versions in the bucket are of points: {ONE}, {TWO}" in letter.attributes["dead_letter_error"]
    assert roll_back(world, TWO) == "success"
    assert predict_batch(world, **AGAIN)[XGBOOST] == {TWO}
