"""The model registry on files: whole versions, a pointer written last, and loud failures."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from local.file_blobs import FileBlobs
from shared.errors import Fatal, PreconditionFailed, SchemaMismatch, WriteConflict
from shared.features.names import model_features
from shared.systems.output import ENSEMBLE, XGBOOST
from shared.systems.registry import POINTER, Models, current_versions, load_models, save_models
from shared.systems.xgboost_v1 import mean_points
from tests.unit.systems_models import trained

METADATA = {"features": list(model_features()), "rows": 1200}


def test_models_come_back_as_they_were_saved(tmp_path: Path) -> None:
    blobs, models = FileBlobs(tmp_path), trained().models
    assert current_versions(blobs) == {}
    paths = save_models(blobs, models, METADATA)
    assert paths[-1] == POINTER
    versions = current_versions(blobs)
    assert set(versions) == {XGBOOST, ENSEMBLE}
    loaded = load_models(blobs, versions)
    assert loaded.ensemble == models.ensemble
    inputs = np.random.default_rng(1).normal(10, 5, (50, len(model_features()))).astype(np.float32)
    assert loaded.xgboost is not None
    assert models.xgboost is not None
    assert (mean_points(loaded.xgboost.booster, inputs) == mean_points(models.xgboost.booster, inputs)).all()
    assert load_models(blobs, versions) is loaded, "cached"


def test_saving_the_same_version_again_changes_nothing(tmp_path: Path) -> None:
    blobs = FileBlobs(tmp_path)
    first = save_models(blobs, trained().models, METADATA)
    generations = [blobs.read(path).generation for path in first]
    assert save_models(blobs, trained().models, METADATA) == first
    assert [blobs.read(path).generation for path in first] == generations


def test_one_version_never_names_two_models(tmp_path: Path) -> None:
    blobs = FileBlobs(tmp_path)
    save_models(blobs, trained().models, METADATA)
    with pytest.raises(Fatal, match="other content"):
        save_models(blobs, trained().models, {**METADATA, "rows": 7})


def test_a_version_that_is_kept_back_does_not_become_current(tmp_path: Path) -> None:
    blobs = FileBlobs(tmp_path)
    save_models(blobs, trained().models, METADATA, keep_current=True)
    assert current_versions(blobs) == {}
    assert blobs.list(f"models/{XGBOOST}/")


def test_without_models_the_systems_have_none(tmp_path: Path) -> None:
    assert load_models(FileBlobs(tmp_path), {}) == Models()


def test_other_features_than_the_models_fail_loudly_with_their_names(tmp_path: Path) -> None:
    blobs = FileBlobs(tmp_path)
    save_models(blobs, trained().models, METADATA)
    versions = current_versions(blobs)
    names = list(model_features())
    with pytest.raises(SchemaMismatch, match="points_l3"):
        load_models(blobs, versions, names[1:])
    with pytest.raises(SchemaMismatch, match="another order"):
        load_models(blobs, versions, [names[1], names[0], *names[2:]])


def test_trees_with_another_number_of_inputs_than_their_metadata_fail_loudly(tmp_path: Path) -> None:
    blobs, names = FileBlobs(tmp_path), list(model_features())
    save_models(blobs, trained().models, {**METADATA, "features": names[:-1]})
    with pytest.raises(SchemaMismatch, match=f"trees: {len(names)}"):
        load_models(blobs, current_versions(blobs), names[:-1])


def test_an_ensemble_without_a_systems_spread_fails_loudly(tmp_path: Path) -> None:
    blobs, models = FileBlobs(tmp_path), trained().models
    assert models.ensemble is not None
    spread = {k: v for k, v in models.ensemble.variance.items() if k != XGBOOST}
    save_models(blobs, replace(models, ensemble=replace(models.ensemble, variance=spread)), METADATA)
    with pytest.raises(SchemaMismatch, match=XGBOOST):
        load_models(blobs, current_versions(blobs))


def test_a_version_that_is_not_there_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(Fatal, match="nba-training-trigger"):
        load_models(FileBlobs(tmp_path), {XGBOOST: "2020-01-01-deadbeef"})


def test_half_a_training_is_not_saved(tmp_path: Path) -> None:
    with pytest.raises(Fatal, match="complete"):
        save_models(FileBlobs(tmp_path), replace(trained().models, ensemble=None), METADATA)


class Overtaken(FileBlobs):
    """A bucket whose pointer another training moves just before ours."""

    def write(
        self,
        path: str,
        data: bytes,
        *,
        content_type: str,
        cache_control: str | None = None,
        if_generation: int | None = None,
    ) -> int:
        if path == POINTER and data != b"{}":
            super().write(path, b"{}", content_type=content_type)
        return super().write(
            path, data, content_type=content_type, cache_control=cache_control, if_generation=if_generation
        )


def test_a_pointer_moved_meanwhile_is_not_overwritten(tmp_path: Path) -> None:
    blobs = Overtaken(tmp_path)
    with pytest.raises(WriteConflict, match="changed"):
        save_models(blobs, trained().models, METADATA)
    assert json.loads(blobs.read(POINTER).data) == {}
    with pytest.raises(PreconditionFailed):
        blobs.write(POINTER, b"{}", content_type="application/json", if_generation=0)
