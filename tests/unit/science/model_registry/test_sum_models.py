"""Models of other statistics than points as files: of a base statistic without trees of its own
beside minutes and rate, of a sum one document.
"""

from __future__ import annotations

import json
import random
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from local.embedded.file_blobs import FileBlobs
from shared.core.errors import Fatal, ModelDamaged, SchemaMismatch
from shared.nba.stats import STATS
from shared.science.features.names import model_features
from shared.science.model_registry.model_files import FILES, METADATA, SEAL, systems_of
from shared.science.model_registry.models import Models
from shared.science.model_registry.promotions import PointerDamaged, move_pointer, pointer_of, read_serving
from shared.science.model_registry.registry import (
    list_saved_versions,
    load_holdout_model,
    load_models,
    load_usable_models,
    load_version,
    read_metadata,
    record_files,
    save_models,
)
from shared.science.systems import xgboost_v1
from shared.science.systems.output import ENSEMBLE, XGBOOST
from shared.science.systems.sums import WITH_MARKET, SumModel
from shared.stores.ports import Blobs
from tests.support.models_by_stat import name_models, train_every
from tests.support.stats_by_kind import BASES, SUMS
from tests.unit.science.model_registry.test_damage import alter, put
from tests.unit.science.model_registry.test_registry import AT

VERSION = "2025-04-30-saved"
DOCUMENT = f"models/pra/{VERSION}/{ENSEMBLE}/model.json"


def save(blobs: Blobs, stat: str, version: str = VERSION, models: Models | None = None) -> dict[str, str]:
    """Save a version of a statistic with its holdout model, and what asks for it."""
    metadata = {"features": [] if STATS[stat].is_sum else list(model_features(stat)), "rows": 1600}
    save_models(blobs, stat, models or name_models(stat, version), metadata, train_every().holdout_models[stat])
    return dict.fromkeys(systems_of(stat), version)


def test_a_sum_has_a_model_of_the_ensemble_alone() -> None:
    assert {name: systems_of(name) for name in SUMS} == dict.fromkeys(SUMS, (ENSEMBLE,))
    assert {name: systems_of(name) for name in BASES} == dict.fromkeys(BASES, (XGBOOST, ENSEMBLE))


@pytest.mark.parametrize("stat", SUMS)
def test_a_sums_model_comes_back_as_it_was_saved(tmp_path: Path, stat: str) -> None:
    blobs = FileBlobs(tmp_path)
    versions = save(blobs, stat)
    folder = f"models/{stat}/{VERSION}/{ENSEMBLE}"
    assert blobs.list(f"models/{stat}/") == [f"{folder}/{name}" for name in (METADATA, "model.json", "twin.json")]
    loaded = load_models(blobs, stat, versions)
    assert loaded == Models(sums=name_models(stat, VERSION).sums)
    assert loaded.version == VERSION
    assert load_models(blobs, stat, versions) is loaded, "cached"
    holdout = train_every().holdout_models[stat].sums
    assert holdout is not None
    assert load_holdout_model(blobs, stat, VERSION).sums == replace(holdout, version=VERSION)
    assert list_saved_versions(blobs, stat) == [VERSION]
    assert read_metadata(blobs, stat, VERSION)["rows"] == 1600


def test_a_sum_whose_lines_were_too_few_comes_back_without_them(tmp_path: Path) -> None:
    blobs, trained = FileBlobs(tmp_path), name_models("ra", VERSION).sums
    assert trained is not None
    without = Models(sums=replace(trained, with_market=None))
    assert load_models(blobs, "ra", save(blobs, "ra", models=without)).sums == without.sums


@pytest.mark.parametrize("stat", [name for name in BASES if name != "points"])
def test_a_base_statistic_has_minutes_and_rate_alone(tmp_path: Path, stat: str) -> None:
    blobs, models = FileBlobs(tmp_path), name_models(stat, VERSION)
    loaded = load_models(blobs, stat, save(blobs, stat))
    trees = [path for path in blobs.list(f"models/{stat}/") if path.endswith(".ubj")]
    folder = f"models/{stat}/{VERSION}/{XGBOOST}"
    assert trees == [f"{folder}/{name}.{part}.ubj" for name in ("model", "twin") for part in ("minutes", "rate")]
    assert loaded.ensemble == models.ensemble
    assert loaded.xgboost is not None
    assert models.xgboost is not None
    assert loaded.xgboost.features == model_features(stat)
    assert loaded.xgboost.minutes_features == model_features("points")
    assert loaded.xgboost.trees.points is None
    rows = train_every().rows[stat]
    inputs = [xgboost_v1.matrix(rows.features, names) for names in (model_features(stat), model_features())]
    again, before = (xgboost_v1.expect(STATS[stat], each.trees, *inputs) for each in (loaded.xgboost, models.xgboost))
    np.testing.assert_array_equal(again, before)


def test_a_model_of_minutes_with_other_inputs_than_everybodys_fails_loudly(tmp_path: Path) -> None:
    """Minutes and rate of rebounds mixed up: their inputs are as many as those of each other's."""
    import xgboost as xgb

    blobs, models = FileBlobs(tmp_path), name_models("rebounds", VERSION)
    assert models.xgboost is not None
    narrow = xgb.train({"nthread": 1}, xgb.DMatrix(np.eye(3), np.arange(3.0)), 1)
    wrong = replace(models.xgboost, trees=replace(models.xgboost.trees, minutes=narrow))
    versions = save(blobs, "rebounds", models=replace(models, xgboost=wrong))
    with pytest.raises(SchemaMismatch, match=r"for rebounds was trained on .*trees: \[3, .*retrain"):
        load_models(blobs, "rebounds", versions)


@pytest.mark.parametrize("lost", ["moving_average", XGBOOST, ENSEMBLE, WITH_MARKET])
def test_a_sum_without_a_systems_correlations_fails_loudly(tmp_path: Path, lost: str) -> None:
    blobs, models = FileBlobs(tmp_path), name_models("pra", VERSION)
    assert models.sums is not None
    known = {system: pairs for system, pairs in models.sums.correlations.items() if system != lost}
    versions = save(blobs, "pra", models=Models(sums=replace(models.sums, correlations=known)))
    with pytest.raises(SchemaMismatch, match=f"for pra has no correlations of {lost}.*retrain"):
        load_models(blobs, "pra", versions)


def test_one_version_never_names_the_models_of_two_sums(tmp_path: Path) -> None:
    blobs = FileBlobs(tmp_path)
    save(blobs, "pra")
    with pytest.raises(Fatal, match=f"Version {VERSION} of pr is one of pra already"):
        save(blobs, "pr")
    with pytest.raises(Fatal, match="one version would name two models"):
        save(blobs, "pra", models=Models(sums=replace(sum_model("pra"), with_market=None)))


def sum_model(stat: str) -> SumModel:
    model = name_models(stat, VERSION).sums
    assert model is not None
    return model


# --- damage ---------------------------------------------------------------------------------------


def test_altered_documents_of_a_sum_are_all_refused_and_named(tmp_path: Path) -> None:
    blobs, chance = FileBlobs(tmp_path), random.Random(20251114)
    versions = save(blobs, "pra")
    whole = blobs.read(DOCUMENT).data
    for number in range(40):
        put(blobs, DOCUMENT, alter(whole, chance))
        models = load_usable_models(blobs, "pra", versions)
        assert models.sums is None, f"alteration {number}"
        assert set(models.damaged) == {ENSEMBLE}
        assert f"model.json of {ENSEMBLE} {VERSION} for pra is damaged" in models.damaged[ENSEMBLE]
        assert '{"rollback_to": "previous", "stat": "pra"}' in models.damaged[ENSEMBLE]
    with pytest.raises(ModelDamaged):
        load_version(blobs, "pra", VERSION)
    put(blobs, DOCUMENT, whole)
    assert load_usable_models(blobs, "pra", versions).damaged == {}, "mended files serve at once"


@pytest.mark.parametrize("lost", [DOCUMENT, DOCUMENT.replace("model.json", METADATA)])
def test_a_lost_file_of_a_sum_is_damage_and_its_training_writes_it_again(tmp_path: Path, lost: str) -> None:
    blobs = FileBlobs(tmp_path)
    versions = save(blobs, "pra")
    (tmp_path / lost).unlink()
    assert set(load_usable_models(blobs, "pra", versions).damaged) == {ENSEMBLE}
    save(blobs, "pra")
    assert load_version(blobs, "pra", VERSION).damaged == {}


@pytest.mark.parametrize("change", [{"width": None}, {"correlations": []}, {"with_market": {"gain": 1}}])
def test_a_document_that_was_saved_and_is_no_model_is_damage(tmp_path: Path, change: dict[str, object]) -> None:
    """Written by somebody who recorded its hash too."""
    blobs = FileBlobs(tmp_path)
    save(blobs, "pra")
    put(blobs, DOCUMENT, json.dumps({**json.loads(blobs.read(DOCUMENT).data), **change}).encode())
    path = DOCUMENT.replace("model.json", METADATA)
    document = json.loads(blobs.read(path).data)
    put(blobs, path, json.dumps({key: document[key] for key in document if key not in (FILES, SEAL)}).encode())
    record_files(blobs, "pra", VERSION)
    with pytest.raises(ModelDamaged, match=r"model\.json of ensemble_v1 .* for pra is damaged"):
        load_version(blobs, "pra", VERSION)


# --- the pointer ----------------------------------------------------------------------------------


def test_the_pointer_of_a_sum_names_one_system_and_goes_back(tmp_path: Path) -> None:
    blobs = FileBlobs(tmp_path)
    for version in ("2025-01-01-one", "2025-01-08-two"):
        move_pointer(blobs, "pra", read_serving(blobs, "pra"), version, by=version, at=AT, why="test")
    seen = read_serving(blobs, "pra")
    assert dict(seen.versions) == {ENSEMBLE: "2025-01-08-two"}
    assert seen.serves("2025-01-08-two")
    before = seen.previous()
    assert before == {ENSEMBLE: "2025-01-01-one"}
    move_pointer(blobs, "pra", seen, before[ENSEMBLE], action="rollback", by="somebody", at=AT, why="bias")
    again = read_serving(blobs, "pra")
    assert again.version == "2025-01-01-one"
    assert again.find_rollback_from("2025-01-08-two") is not None
    assert again.previous() is None


@pytest.mark.parametrize(
    ("stat", "versions"),
    [("pra", {XGBOOST: VERSION, ENSEMBLE: VERSION}), ("pra", {}), ("rebounds", {ENSEMBLE: VERSION})],
)
def test_a_pointer_that_names_other_systems_than_the_statistic_has_is_damaged(
    tmp_path: Path, stat: str, versions: dict[str, str]
) -> None:
    blobs = FileBlobs(tmp_path)
    put(blobs, pointer_of(stat), json.dumps(versions).encode())
    with pytest.raises(PointerDamaged, match=f"models/{stat}/current.json.*{' and '.join(systems_of(stat))}"):
        read_serving(blobs, stat)
