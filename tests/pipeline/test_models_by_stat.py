"""Every predicted statistic has its versions and its pointer, and what befalls the one costs the
others nothing but the sums that it is a part of.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from functions.phase5_consolidation.alert import model_damaged
from shared.chain.batches.reading import get_batch
from shared.chain.execution.handler import Response
from shared.chain.resilience import circuit_breaker
from shared.nba.stats import PREDICTED
from shared.science.features.names import model_features
from shared.science.model_registry.promotions import move_pointer, pointer_of, read_serving
from shared.science.model_registry.registry import list_saved_versions, read_metadata, save_models
from shared.science.systems.error_codes import NOTHING_TO_SAY
from shared.science.systems.output import ENSEMBLE, SYSTEMS, XGBOOST, ZONE_MATCHUP
from shared.science.systems.sums import UNTRAINED
from tests.pipeline.evening import AS_OF, BATCH, PREDICTIONS, trigger
from tests.pipeline.support import PHASE5, Killed, PipelineHarness, open_world
from tests.pipeline.test_training_runs import FIRST_WEEK, PLAYERS, TRAINING, lay_out, train, training_time
from tests.support.models_by_stat import few_trees, name_models
from tests.support.stats_by_kind import BASES

pytestmark = pytest.mark.heavy  # an evening or a training for every test

COORDINATOR = {"phase5_coordinator": PHASE5["phase5_coordinator"]}
OLD, NEW = "2025-01-01-old", "2025-01-08-new"


@pytest.fixture
def world(evening: PipelineHarness) -> PipelineHarness:
    """Of every statistic a new version serves after an old one."""
    for stat in PREDICTED:
        serve(evening, stat, OLD, NEW)
    return evening


def serve(world: PipelineHarness, stat: str, *versions: str, **metadata: Any) -> None:
    for version in (f"{version}-{stat}" for version in versions):
        saved = {"features": list(model_features(stat)), **metadata}
        save_models(world.models, stat, name_models(stat, version), saved)
        move_pointer(world.models, stat, read_serving(world.models, stat), version, by=version, at=AS_OF, why="test")


def cut_file(world: PipelineHarness, path: str) -> None:
    whole = world.models.read(path)
    world.models.write(path, whole.data[: len(whole.data) // 2], content_type=whole.content_type)


def current(world: PipelineHarness) -> dict[str, str | None]:
    return {stat: read_serving(world.models, stat).version for stat in PREDICTED}


def of_all(version: str) -> dict[str, str | None]:
    return {stat: f"{version}-{stat}" for stat in PREDICTED}


def predicted_by(world: PipelineHarness) -> dict[tuple[str, str], set[str]]:
    """(statistic, system) -> its rows' model versions, or error codes where it has none."""
    found: dict[tuple[str, str], set[str]] = {}
    for row in world.rows(f"SELECT stat, system_id, error_code, model_version FROM {PREDICTIONS}"):
        found.setdefault((row["stat"], row["system_id"]), set()).add(row["error_code"] or row["model_version"])
    return found


def coordinator_result(world: PipelineHarness) -> dict[str, Any]:
    (started,) = (each for each in world.documents("executions") if each["function"] == "phase5_coordinator")
    return dict(started["result"])


# --- a batch --------------------------------------------------------------------------------------


def test_a_batch_pins_what_serves_of_each_statistic_and_predicts_with_it(world: PipelineHarness) -> None:
    trigger(world)
    world.run_until_idle()
    assert coordinator_result(world)["status"] == "success"
    request = world.list_published("prediction-request")[0]
    assert request["models"] == {
        name: dict.fromkeys((ENSEMBLE,) if stat.is_sum else (XGBOOST, ENSEMBLE), f"{NEW}-{name}")
        for name, stat in PREDICTED.items()
    }
    found = predicted_by(world)
    for name in PREDICTED:
        assert found[name, XGBOOST] == found[name, ENSEMBLE] == {f"{NEW}-{name}"}
        silent = name not in ("points", "threes")
        assert (found[name, ZONE_MATCHUP] == {NOTHING_TO_SAY}) is silent
    assert set(found) == {(name, system) for name in PREDICTED for system in SYSTEMS}


def test_a_damaged_pointer_costs_its_own_statistic_and_its_sums_alone(world: PipelineHarness) -> None:
    cut_file(world, pointer_of("rebounds"))
    trigger(world)
    world.run_until_idle()
    result = coordinator_result(world)
    assert (result["status"], result["event"]) == ("partial", "done_with_gaps")
    assert "models/rebounds/current.json, which names the version that serves, is damaged" in result["reason"]
    (alert,) = world.alerts()
    assert alert["fingerprint"] == f"model-pointer-damaged-{BATCH}-rebounds"
    assert "without trained models of rebounds" in alert["title"]
    found = predicted_by(world)
    for name, stat in PREDICTED.items():
        expected = {"no_model"} if "rebounds" in stat.parts else {f"{NEW}-{name}"}
        assert found[name, XGBOOST] == found[name, ENSEMBLE] == expected, name


def test_a_damaged_pointer_of_a_sum_costs_what_was_learned_of_it(world: PipelineHarness) -> None:
    cut_file(world, pointer_of("pra"))
    trigger(world)
    world.run_until_idle()
    (alert,) = world.alerts()
    assert alert["fingerprint"] == f"model-pointer-damaged-{BATCH}-pra"
    found = predicted_by(world)
    assert found["pra", ENSEMBLE] == found["pra", XGBOOST] == {UNTRAINED}
    assert found["points", ENSEMBLE] == {f"{NEW}-points"}
    assert found["pr", ENSEMBLE] == {f"{NEW}-pr"}


def test_a_damaged_model_of_a_sum_is_an_alert_of_it_and_its_parts_serve(world: PipelineHarness) -> None:
    cut_file(world, f"models/pra/{NEW}-pra/{ENSEMBLE}/model.json")
    trigger(world)
    world.run_until_idle()
    (alert,) = world.alerts()
    assert alert["title"] == f"{ENSEMBLE} predicted nobody's pra in {BATCH}: its model is damaged"
    found = predicted_by(world)
    assert found["pra", ENSEMBLE] == {"model_damaged"}
    assert found["pr", ENSEMBLE] == {f"{NEW}-pr"}
    assert roll_back(world, "previous", stat="pra").body["status"] == "success"
    trigger(world, run_id="2025-11-14-again", force=True)
    world.run_until_idle()
    assert current(world)["pra"] == f"{OLD}-pra"
    again = world.rows(
        "SELECT DISTINCT model_version FROM nba_predictions.current_predictions"
        f" WHERE stat = 'pra' AND system_id = '{ENSEMBLE}'"
    )
    assert [row["model_version"] for row in again] == [f"{OLD}-pra"]


def test_a_statistic_without_models_is_named_and_the_others_are_pinned(evening: PipelineHarness) -> None:
    serve(evening, "points", NEW)
    trigger(evening)
    evening.run_until_idle(COORDINATOR)
    result = coordinator_result(evening)
    assert result["status"] == "partial"
    others = ", ".join(name for name in PREDICTED if name != "points")
    assert result["reason"].startswith(f"no trained models of {others}: ")
    assert list(evening.list_published("prediction-request")[0]["models"]) == ["points"]
    assert evening.alerts() == []


def test_a_damaged_model_is_an_alert_of_its_statistic_and_serves_the_others(world: PipelineHarness) -> None:
    cut_file(world, f"models/rebounds/{NEW}-rebounds/{XGBOOST}/model.rate.ubj")
    trigger(world)
    world.run_until_idle()
    (alert,) = world.alerts()
    assert alert["fingerprint"] == f"model-damaged-{BATCH}-rebounds-{XGBOOST}"
    assert alert["title"] == f"{XGBOOST} predicted nobody's rebounds in {BATCH}: its model is damaged"
    assert '{"rollback_to": "previous", "stat": "rebounds"}' in alert["detail"]
    assert world.documents("batches")[0]["damaged_systems"] == [f"rebounds/{XGBOOST}"]
    found = predicted_by(world)
    assert found["points", XGBOOST] == {f"{NEW}-points"}
    for name, stat in PREDICTED.items():
        damaged = "rebounds" in stat.parts
        assert found[name, XGBOOST] == ({"model_damaged"} if damaged else {f"{NEW}-{name}"}), name
        assert found[name, ENSEMBLE] == {f"{NEW}-{name}"}


def test_a_unit_of_a_release_that_knew_points_alone_names_the_system_without_a_statistic(
    world: PipelineHarness,
) -> None:
    trigger(world)
    world.run_until_idle(COORDINATOR)
    batch = get_batch(world.state, BATCH)
    assert batch is not None
    alert = json.loads(model_damaged(world.runtime, batch, XGBOOST, "model.rate.ubj is cut").data)
    assert alert["fingerprint"] == f"model-damaged-{BATCH}-points-{XGBOOST}"
    assert alert["title"].startswith(f"{XGBOOST} predicted nobody's points")


@pytest.mark.parametrize(("damaged", "state"), [(["rebounds"], "closed"), (list(BASES), "trial")])
def test_a_system_s_breaker_closes_by_a_statistic_that_it_could_predict(
    world: PipelineHarness, damaged: list[str], state: str
) -> None:
    name = circuit_breaker.name_of("system", XGBOOST)
    for number in range(5):
        circuit_breaker.record_failure(world.runtime, name, ZeroDivisionError("x"), execution=f"unit-{number}")
    for stat in damaged:
        cut_file(world, f"models/{stat}/{NEW}-{stat}/{XGBOOST}/model.rate.ubj")
    world.move(hours=1)
    trigger(world)
    world.run_until_idle(COORDINATOR)
    world.run_until_idle({"phase5_worker": PHASE5["phase5_worker"]})
    breakers = circuit_breaker.read_kind(world.runtime, "system")
    found = breakers[name].state(world.clock.now()) if name in breakers else "closed"
    assert found == state


# --- rollback -------------------------------------------------------------------------------------


def roll_back(world: PipelineHarness, to: str, **fields: str) -> Response:
    world.publish("nba-training-trigger", {"rollback_to": to, **fields})
    ((_, response),) = world.run_until_idle(TRAINING)
    return response


def test_previous_is_of_every_statistic_or_of_the_one_that_is_named(world: PipelineHarness) -> None:
    assert roll_back(world, "previous", stat="rebounds").body["status"] == "success"
    assert current(world) == {**of_all(NEW), "rebounds": f"{OLD}-rebounds"}
    # nothing of rebounds served before what serves now, which keeps nobody from the others
    assert roll_back(world, "previous").body["status"] == "success"
    assert current(world) == of_all(OLD)
    assert roll_back(world, "previous").body["status"] == "dead_lettered"


def test_previous_of_all_goes_back_with_each_and_says_so(world: PipelineHarness) -> None:
    assert roll_back(world, "previous", reason="bias").body["status"] == "success"
    assert current(world) == of_all(OLD)
    announced = world.list_published("nba-training-complete")[-1]
    assert announced["metadata"]["stats"] == {
        stat: {"version": f"{OLD}-{stat}", "rolled_back_from": f"{NEW}-{stat}"} for stat in PREDICTED
    }
    assert announced["reason"] == "; ".join(
        f"version {OLD}-{stat} of {stat} serves again instead of {NEW}-{stat} (bias)" for stat in PREDICTED
    )


def test_a_version_that_is_named_is_of_the_statistic_that_has_it(world: PipelineHarness) -> None:
    assert roll_back(world, f"{OLD}-rebounds").body["status"] == "success"
    assert roll_back(world, f"{OLD}-pra").body["status"] == "success"
    assert current(world) == {**of_all(NEW), "rebounds": f"{OLD}-rebounds", "pra": f"{OLD}-pra"}
    assert dict(read_serving(world.models, "pra").versions) == {ENSEMBLE: f"{OLD}-pra"}
    assert roll_back(world, f"{OLD}-points", stat="rebounds").body["status"] == "dead_lettered"
    assert roll_back(world, "typo").body["status"] == "dead_lettered"
    errors = [
        each.attributes["dead_letter_error"] for each in world.bus.pull("train-model-nba-training-trigger-dead-letter")
    ]
    assert f"there is no version {OLD}-points of rebounds; the versions in the bucket are of rebounds: " in errors[0]
    assert "; ".join(f"of {name}: {OLD}-{name}, {NEW}-{name}" for name in PREDICTED) in errors[1]


def test_previous_of_all_is_partial_where_one_pointer_is_damaged(world: PipelineHarness) -> None:
    cut_file(world, pointer_of("rebounds"))
    answer = roll_back(world, "previous")
    assert answer.body["status"] == "partial"
    assert read_serving(world.models, "points").version == f"{OLD}-points"
    announced = world.list_published("nba-training-complete")[-1]
    assert "models/rebounds/current.json, which names the version that serves, is damaged" in announced["reason"]
    assert roll_back(world, f"{NEW}-rebounds").body["status"] == "success"
    assert current(world) == {**of_all(OLD), "rebounds": f"{NEW}-rebounds"}


def test_a_rollback_of_all_delivered_again_goes_back_once_with_each(world: PipelineHarness) -> None:
    world.publish("nba-training-trigger", {"rollback_to": "previous"})
    with world.kill_at("handler.ran"), pytest.raises(Killed):
        world.run_until_idle(TRAINING)
    world.start()
    world.run_until_idle(TRAINING)
    assert current(world) == of_all(OLD)
    assert {len(read_serving(world.models, stat).promotions) for stat in PREDICTED} == {3}


# --- training -------------------------------------------------------------------------------------


@pytest.fixture
def league(tmp_path: Path, template: Path) -> Iterator[PipelineHarness]:
    with few_trees(), open_world(tmp_path / "state", template, now=training_time(FIRST_WEEK)) as world:
        lay_out(world)
        yield world


def test_one_message_trains_every_statistic_under_a_version_of_its_own(league: PipelineHarness) -> None:
    announced = train(league, "week-1")
    assert announced["status"] == "success"
    found = announced["metadata"]["stats"]
    assert {stat: each["version"] for stat, each in found.items()} == current(league)
    assert all(each["promoted"] for each in found.values())
    assert list(found) == list(PREDICTED)
    assert len({each["version"] for each in found.values()}) == len(PREDICTED)
    for name, stat in PREDICTED.items():
        assert list_saved_versions(league.models, name) == [found[name]["version"]]
        assert all(path.startswith(f"models/{name}/") for path in found[name]["paths"])
        assert bool(league.models.list(f"folds/{name}/")) is not stat.is_sum
        metadata = read_metadata(league.models, name, found[name]["version"])
        parts = {part: found[part]["version"] for part in stat.parts}
        assert metadata.get("parts") == (parts if stat.is_sum else None)
        assert metadata["features"] == ([] if stat.is_sum else list(model_features(name)))
        assert all(path.startswith(f"models/{name}/{found[name]['version']}/") for path in found[name]["paths"])
    rows = [read_metadata(league.models, stat, found[stat]["version"])["rows"] for stat in PREDICTED]
    assert announced["record_count"] == sum(rows)


def test_one_that_is_held_back_is_an_alert_and_the_other_serves(league: PipelineHarness) -> None:
    train(league, "week-1")
    first = current(league)
    assert roll_back_first_of(league, "rebounds") == "success"
    league.move(hours=1)
    announced = train(league, "week-1-again")
    assert announced["status"] == "partial"
    found = announced["metadata"]["stats"]
    assert {name: each["promoted"] for name, each in found.items()} == {name: name != "rebounds" for name in PREDICTED}
    assert announced["reason"].startswith(f"version {first['rebounds']} of rebounds is withdrawn since the rollback")
    assert current(league) == {**first, "rebounds": f"{OLD}-rebounds"}
    (alert,) = league.alerts()
    assert (alert["title"], alert["stat"]) == ("A newly trained model of rebounds does not serve", "rebounds")


def roll_back_first_of(world: PipelineHarness, stat: str) -> str:
    """Back from what a training made serve to a version that was saved beside it."""
    version = f"{OLD}-{stat}"
    save_models(world.models, stat, name_models(stat, version), {"features": list(model_features(stat))})
    return str(roll_back(world, version).body["status"])


def test_a_statistic_that_few_games_have_is_named_with_its_sums_and_the_others_are_trained(
    tmp_path: Path, template: Path
) -> None:
    with few_trees(), open_world(tmp_path / "state", template, now=training_time(FIRST_WEEK)) as world:
        lay_out(world, rebounds_from=60)
        announced = train(world, "week-1")
        assert (announced["status"], announced["event"]) == ("partial", "too_few_rows")
        few = [name for name, stat in PREDICTED.items() if "rebounds" in stat.parts]
        for name in few:
            assert f"{(FIRST_WEEK + 1 - 60) * PLAYERS} training rows of {name} before" in announced["reason"]
        assert list(announced["metadata"]["stats"]) == [name for name in PREDICTED if name not in few]
        assert {name for name, version in current(world).items() if version is None} == set(few)
