"""The model registry on files: whole versions, loaded once an instance, and loud failures."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from local.embedded.file_blobs import FileBlobs
from shared.core.errors import Fatal, SchemaMismatch
from shared.nba.stats import POINTS
from shared.science.features.names import model_features
from shared.science.model_registry import stored_models
from shared.science.model_registry.models import Models
from shared.science.model_registry.promotions import current_versions, move_pointer, read_serving
from shared.science.model_registry.registry import (
    list_saved_versions,
    load_holdout_model,
    load_models,
    read_metadata,
    save_models,
)
from shared.science.systems.output import ENSEMBLE, XGBOOST
from shared.science.systems.xgboost_v1 import Trees, booster_names, expect
from shared.stores.ports import Blob
from tests.support.models_by_stat import name_models
from tests.support.systems_models import train_named, train_once

TREES = booster_names(POINTS)
AT = datetime(2025, 11, 17, 9, 0, tzinfo=UTC)
METADATA = {"features": list(model_features()), "rows": 1200}


def save(blobs: FileBlobs, models: Models | None = None) -> dict[str, str]:
    """Save a version, and what asks for it."""
    models = models or train_once().models
    save_models(blobs, "points", models, METADATA)
    assert models.xgboost is not None
    return dict.fromkeys((XGBOOST, ENSEMBLE), models.xgboost.version)


def test_models_come_back_as_they_were_saved(tmp_path: Path) -> None:
    blobs, models = FileBlobs(tmp_path), train_once().models
    versions = save(blobs)
    assert set(versions) == {XGBOOST, ENSEMBLE}
    loaded = load_models(blobs, "points", versions)
    assert loaded.ensemble == models.ensemble
    inputs = np.random.default_rng(1).normal(10, 5, (50, len(model_features()))).astype(np.float32)
    assert loaded.xgboost is not None
    assert models.xgboost is not None
    again, before = (expect(POINTS, each.trees, inputs, inputs) for each in (loaded.xgboost, models.xgboost))
    assert (again == before).all()
    assert load_models(blobs, "points", versions) is loaded, "cached"


def test_saving_the_same_version_again_changes_nothing(tmp_path: Path) -> None:
    blobs = FileBlobs(tmp_path)
    first = save_models(blobs, "points", train_once().models, METADATA)
    generations = [blobs.read(path).generation for path in first]
    assert save_models(blobs, "points", train_once().models, METADATA) == first
    assert [blobs.read(path).generation for path in first] == generations


def test_one_version_never_names_two_models(tmp_path: Path) -> None:
    blobs = FileBlobs(tmp_path)
    save_models(blobs, "points", train_once().models, METADATA)
    with pytest.raises(Fatal, match="other content"):
        save_models(blobs, "points", train_once().models, {**METADATA, "rows": 7})


def test_a_version_that_was_saved_does_not_serve_by_that(tmp_path: Path) -> None:
    blobs = FileBlobs(tmp_path)
    assert list_saved_versions(blobs, "points") == []
    versions = save(blobs)
    assert current_versions(blobs, "points") == {}
    assert list_saved_versions(blobs, "points") == [versions[XGBOOST]]
    blobs.write("models/points/2099-01-01-half/ensemble_v1/model.json", b"{}", content_type="application/json")
    assert list_saved_versions(blobs, "points") == [versions[XGBOOST]], (
        "a version without metadata was not written whole"
    )


def test_the_gates_first_decision_stays_whatever_a_later_training_of_the_same_data_decides(tmp_path: Path) -> None:
    blobs, version = FileBlobs(tmp_path), train_once().models
    first = save_models(blobs, "points", version, {**METADATA, "gate": {"against": "a"}})
    assert save_models(blobs, "points", version, {**METADATA, "gate": {"against": "b"}}) == first
    assert version.xgboost is not None
    assert read_metadata(blobs, "points", version.xgboost.version)["gate"] == {"against": "a"}
    with pytest.raises(Fatal, match="other content"):
        save_models(blobs, "points", version, {**METADATA, "rows": 7, "gate": {"against": "b"}})


def test_a_holdout_model_is_kept_beside_its_version_and_never_served(tmp_path: Path) -> None:
    blobs, holdout_model = FileBlobs(tmp_path), train_named("holdout", seed=8)
    version = train_once().models
    paths = save_models(blobs, "points", version, METADATA, holdout_model)
    assert version.xgboost is not None
    assert version.ensemble is not None
    name = version.xgboost.version
    assert {f"models/points/{name}/{XGBOOST}/twin.{each}.ubj" for each in TREES} < set(paths)
    found = load_holdout_model(blobs, "points", name)
    assert found.ensemble == replace(holdout_model.ensemble, version=name)  # type: ignore[type-var]
    assert load_models(blobs, "points", dict.fromkeys((XGBOOST, ENSEMBLE), name)).ensemble == version.ensemble


def test_a_version_is_stored_and_read_under_the_names_of_earlier_releases(tmp_path: Path) -> None:
    """Buckets hold versions whose holdout model is called twin: files moved by those names alone
    are read.
    """
    saved_by, moved = FileBlobs(tmp_path / "saved"), FileBlobs(tmp_path / "moved")
    version, holdout_model = train_once().models, train_named("holdout", seed=8)
    save_models(saved_by, "points", version, {**METADATA, "twin_last_day": "2025-01-31"}, holdout_model)
    assert version.xgboost is not None
    name = version.xgboost.version
    trees = [f"{kind}.{part}.ubj" for kind in ("model", "twin") for part in ("points", "minutes", "rate")]
    stored = [f"models/points/{name}/xgboost_v1/{file}" for file in ("metadata.json", *trees)]
    stored += [f"models/points/{name}/ensemble_v1/{file}" for file in ("metadata.json", "model.json", "twin.json")]
    for path in stored:
        moved.write(path, saved_by.read(path).data, content_type="application/octet-stream")
    assert read_metadata(moved, "points", name)["twin_last_day"] == "2025-01-31"
    assert load_holdout_model(moved, "points", name).ensemble == replace(holdout_model.ensemble, version=name)  # type: ignore[type-var]


class CountingBlobs(FileBlobs):
    """A bucket that remembers what was read."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.reads: list[str] = []

    def read(self, path: str) -> Blob:
        self.reads.append(path)
        return super().read(path)


def test_an_instance_reads_a_batchs_models_once_and_serves_those_that_it_pinned(tmp_path: Path) -> None:
    blobs = CountingBlobs(tmp_path)
    pinned = save(blobs)
    move_pointer(blobs, "points", read_serving(blobs, "points"), pinned[XGBOOST], by="first", at=AT, why="test")
    blobs.reads.clear()
    first = load_models(blobs, "points", pinned)
    folder = f"{pinned[XGBOOST]}/{XGBOOST}"
    trees = [f"{folder}/model.{each}.ubj" for each in ("points", "minutes", "rate")]
    files = [f"{folder}/metadata.json", *trees, f"{pinned[ENSEMBLE]}/{ENSEMBLE}/model.json"]
    assert blobs.reads == [f"models/points/{file}" for file in files], "no holdout model, no pointer"
    blobs.reads.clear()
    newer = save(blobs, train_named("2099-01-01-newer"))
    move_pointer(blobs, "points", read_serving(blobs, "points"), newer[XGBOOST], by="second", at=AT, why="test")
    blobs.reads.clear()
    for _ in range(3):
        assert load_models(blobs, "points", dict(pinned)) is first, "the batch goes on with what it pinned"
    assert blobs.reads == []
    second = load_models(blobs, "points", newer)
    assert second.xgboost is not None
    assert second.xgboost.version == "2099-01-01-newer"
    assert len(blobs.reads) == len(files)


def test_without_models_the_systems_have_none(tmp_path: Path) -> None:
    assert load_models(FileBlobs(tmp_path), "points", {}) == Models()


def test_other_features_than_the_models_fail_loudly_with_their_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A release whose feature store has one feature less, and one that has them in another
    order.
    """
    blobs, names = FileBlobs(tmp_path), model_features()
    versions = save(blobs)
    save_models(blobs, "points", train_named("other"), METADATA, train_named("holdout", seed=8))
    for now, says in ((names[1:], "points_l3"), ((names[1], names[0], *names[2:]), "another order")):
        monkeypatch.setattr(stored_models, "model_features", lambda stat, known=now: known)
        with pytest.raises(SchemaMismatch, match=says):
            load_models(blobs, "points", versions)
        with pytest.raises(SchemaMismatch, match=says):
            load_holdout_model(blobs, "points", "other")


def test_trees_with_another_number_of_inputs_than_their_metadata_fail_loudly(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    blobs, names = FileBlobs(tmp_path), list(model_features())
    save_models(blobs, "points", train_once().models, {**METADATA, "features": names[:-1]})
    monkeypatch.setattr(stored_models, "model_features", lambda stat: tuple(names[:-1]))
    with pytest.raises(SchemaMismatch, match=rf"trees: \[{len(names)}\]"):
        load_models(blobs, "points", dict.fromkeys((XGBOOST, ENSEMBLE), list_saved_versions(blobs, "points")[0]))


@pytest.mark.parametrize("name", TREES)
def test_one_booster_of_other_inputs_than_the_two_beside_it_fails_loudly(tmp_path: Path, name: str) -> None:
    import xgboost as xgb

    models, names = train_once().models, model_features()
    assert models.xgboost is not None
    narrow = xgb.train({"nthread": 1}, xgb.DMatrix(np.eye(3), np.arange(3.0)), 1)
    trees: Trees = replace(models.xgboost.trees, **{name: narrow})
    versions = save(FileBlobs(tmp_path), replace(models, xgboost=replace(models.xgboost, trees=trees)))
    with pytest.raises(SchemaMismatch, match=rf"trees: \[3, {len(names)}\].*retrain"):
        load_models(FileBlobs(tmp_path), "points", versions)


def test_a_missing_booster_says_what_to_do(tmp_path: Path) -> None:
    blobs = FileBlobs(tmp_path)
    versions = save(blobs)
    (tmp_path / "models" / "points" / versions[XGBOOST] / XGBOOST / "model.rate.ubj").unlink()
    with pytest.raises(Fatal, match=r"model\.rate\.ubj is not in the models bucket.*nba-training-trigger"):
        load_models(blobs, "points", versions)


def test_an_ensemble_without_a_systems_spread_fails_loudly(tmp_path: Path) -> None:
    blobs, models = FileBlobs(tmp_path), train_once().models
    assert models.ensemble is not None
    spread = {k: v for k, v in models.ensemble.variance.items() if k != XGBOOST}
    save_models(blobs, "points", replace(models, ensemble=replace(models.ensemble, variance=spread)), METADATA)
    with pytest.raises(SchemaMismatch, match=XGBOOST):
        load_models(blobs, "points", dict.fromkeys((XGBOOST, ENSEMBLE), list_saved_versions(blobs, "points")[0]))


def test_a_version_that_is_not_there_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(Fatal, match="nba-training-trigger"):
        load_models(FileBlobs(tmp_path), "points", {XGBOOST: "2020-01-01-deadbeef"})


def test_half_a_training_is_not_saved(tmp_path: Path) -> None:
    with pytest.raises(Fatal, match="complete"):
        save_models(FileBlobs(tmp_path), "points", replace(train_once().models, ensemble=None), METADATA)


def test_a_version_is_of_one_statistic_and_another_s_of_that_name_is_refused(tmp_path: Path) -> None:
    blobs = FileBlobs(tmp_path)
    versions = save(blobs)
    with pytest.raises(Fatal, match=f"Version {versions[XGBOOST]} of rebounds is one of points already"):
        save_models(blobs, "rebounds", name_models("rebounds", versions[XGBOOST]), METADATA)
    assert list_saved_versions(blobs, "rebounds") == []
    assert blobs.list("models/rebounds/") == []


def test_an_instance_keeps_the_models_of_every_statistic_of_a_batch(tmp_path: Path) -> None:
    blobs = CountingBlobs(tmp_path)
    for stat in ("points", "rebounds"):
        saved = {**METADATA, "features": list(model_features(stat))}
        save_models(blobs, stat, name_models(stat, f"2025-01-01-{stat}"), saved)
    pins = {stat: dict.fromkeys((XGBOOST, ENSEMBLE), f"2025-01-01-{stat}") for stat in ("points", "rebounds")}
    first = {stat: load_models(blobs, stat, pins[stat]) for stat in pins}
    blobs.reads.clear()
    for _ in range(2):
        assert all(load_models(blobs, stat, pins[stat]) is first[stat] for stat in pins)
    assert blobs.reads == []
    assert [models.xgboost.version for models in first.values() if models.xgboost] == [
        "2025-01-01-points",
        "2025-01-01-rebounds",
    ]
