"""Files of trained models that are not the ones that were saved: refused before XGBoost, named, and
mended.
"""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import xgboost

from local.embedded.file_blobs import FileBlobs
from shared.core.errors import Fatal, ModelDamaged
from shared.science.features.names import model_features
from shared.science.model_registry import model_files, registry
from shared.science.model_registry.model_files import FILES, METADATA, SEAL
from shared.science.model_registry.promotions import (
    PointerDamaged,
    move_pointer,
    pointer_of,
    read_serving,
    read_serving_or_none,
)
from shared.science.model_registry.registry import (
    load_holdout_model,
    load_models,
    load_usable_models,
    load_version,
    read_metadata,
    record_files,
    save_models,
)
from shared.science.systems.error_codes import MODEL_DAMAGED
from shared.science.systems.output import BASE_SYSTEMS, ENSEMBLE, MOVING_AVERAGE, XGBOOST
from tests.support.systems_models import train_named
from tests.support.systems_rows import predicted_rows
from tests.unit.science.model_registry.test_registry import AT
from tests.unit.science.predictions.test_predict import LINED, POLICY, player

VERSION = "2025-01-08-two"
SAVED: dict[str, Any] = {"features": list(model_features()), "rows": 1200}
BOTH = dict.fromkeys((XGBOOST, ENSEMBLE), VERSION)
TREES = [f"models/points/{VERSION}/{XGBOOST}/model.{each}.ubj" for each in ("points", "minutes", "rate")]
COMBINATION = f"models/points/{VERSION}/{ENSEMBLE}/model.json"
MANIFESTS = [f"models/points/{VERSION}/{system}/{METADATA}" for system in (XGBOOST, ENSEMBLE)]


@pytest.fixture
def blobs(tmp_path: Path) -> FileBlobs:
    bucket = FileBlobs(tmp_path)
    save_models(bucket, "points", train_named(VERSION), SAVED, train_named("holdout"))
    return bucket


def put(blobs: FileBlobs, path: str, data: bytes) -> None:
    blobs.write(path, data, content_type="application/octet-stream")


KINDS = ("cut", "cut", "flip", "flip", "insert", "remove", "over", "zero", "twice")


def alter(data: bytes, chance: random.Random, kinds: Sequence[str] = KINDS) -> bytes:
    """A copy that is cut, has bits flipped, bytes put in, taken out or written over; never the
    same.
    """
    found = bytearray(data)
    place = chance.randrange(len(found))
    match chance.choice(kinds):
        case "cut":
            del found[place:]
        case "flip":
            for _ in range(chance.choice((1, 1, 8))):
                found[chance.randrange(len(found))] ^= 1 << chance.randrange(8)
        case "insert":
            found[place:place] = chance.randbytes(chance.choice((1, 7, 4_096)))
        case "remove":
            del found[place : place + chance.choice((1, 64))]
        case "over":
            found[place : place + 512] = chance.randbytes(512)
        case "zero":
            found[place:] = bytes(len(found) - place)
        case _:
            found += bytes(found)
    return bytes(found) if bytes(found) != data else bytes(found[:-1])


@pytest.fixture
def given(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """SHA-256 of everything that XGBoost is given to read."""
    seen: list[str] = []
    real = xgboost.Booster

    def booster(*arguments: Any, **train_named: Any) -> Any:
        if "model_file" in train_named:
            seen.append(hashlib.sha256(train_named["model_file"]).hexdigest())
        return real(*arguments, **train_named)

    monkeypatch.setattr(xgboost, "Booster", booster)
    return seen


@pytest.mark.parametrize("copies", [25, pytest.param(250, marks=pytest.mark.heavy)])
def test_altered_files_are_all_refused_before_xgboost_reads_them(
    blobs: FileBlobs, given: list[str], copies: int
) -> None:
    chance = random.Random(20251114)
    whole = {path: blobs.read(path).data for path in (*TREES, COMBINATION)}
    known = {hashlib.sha256(data).hexdigest() for data in whole.values()}
    for number in range(copies):
        path = chance.choice(list(whole))
        put(blobs, path, alter(whole[path], chance))
        system = ENSEMBLE if path == COMBINATION else XGBOOST
        models = load_usable_models(blobs, "points", BOTH)
        assert set(models.damaged) == {system}, f"alteration {number} of {path}"
        assert path.rpartition("/")[2] in models.damaged[system]
        put(blobs, path, whole[path])
    assert set(given) <= known, "no altered byte reached the library"
    assert load_usable_models(blobs, "points", BOTH).damaged == {}


def test_250_altered_manifests_are_refused_or_mean_the_same(
    blobs: FileBlobs, given: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    chance = random.Random(8)
    whole = {path: blobs.read(path).data for path in MANIFESTS}
    refused = 0
    for _ in range(250):
        path = chance.choice(MANIFESTS)
        put(blobs, path, alter(whole[path], chance))
        system = path.split("/")[3]
        monkeypatch.setattr(registry, "_loaded", {})  # an instance that has the models reads nothing
        damaged = load_usable_models(blobs, "points", {system: VERSION}).damaged
        if damaged:
            refused += 1
            assert f"{METADATA} of {system} {VERSION} for points" in damaged[system]
        else:
            assert model_files.read_metadata_of(blobs, "points", system, VERSION) == json.loads(whole[path])
        put(blobs, path, whole[path])
    assert refused > 200
    assert len(given) % 3 == 0, "no trees of a damaged manifest are read"


@pytest.mark.parametrize("path", [TREES[0], TREES[2], COMBINATION])
def test_the_error_names_file_version_sizes_and_the_roll_back(blobs: FileBlobs, path: str) -> None:
    whole = blobs.read(path).data
    put(blobs, path, whole[:-7])
    with pytest.raises(ModelDamaged) as raised:
        load_models(blobs, "points", BOTH)
    message = str(raised.value)
    _, _, _, system, name = path.split("/")
    assert message.startswith(
        f"{name} of {system} {VERSION} for points is damaged ({path}: {len(whole) - 7} bytes with SHA-256 "
    )
    assert f"saved were {len(whole)} bytes with {hashlib.sha256(whole).hexdigest()[:12]}" in message
    assert 'publish {"rollback_to": "previous", "stat": "points"} to nba-training-trigger' in message


@pytest.mark.parametrize(("path", "system"), [(TREES[1], XGBOOST), (MANIFESTS[0], XGBOOST), (COMBINATION, ENSEMBLE)])
def test_one_damaged_system_says_so_in_its_rows_and_the_other_four_predict(
    blobs: FileBlobs, path: str, system: str
) -> None:
    put(blobs, path, blobs.read(path).data[:40])
    models = load_usable_models(blobs, "points", BOTH)
    rows = predicted_rows([player(LINED)], models, POLICY)
    wrong = [row for row in rows if row["error_code"]]
    assert {row["system_id"] for row in wrong} == {system}
    assert {row["error_code"] for row in wrong} == {MODEL_DAMAGED}
    assert all(path.rpartition("/")[2] in row["error_message"] for row in wrong)
    assert all("rollback_to" in row["error_message"] for row in wrong)
    fine = {row["system_id"]: row for row in rows if not row["error_code"]}
    assert set(fine) == {*BASE_SYSTEMS, ENSEMBLE} - {system}
    assert all(row["predicted"] is not None for row in fine.values())
    if system == XGBOOST:
        assert f"without {XGBOOST} ({MODEL_DAMAGED})" in fine[ENSEMBLE]["reason"]
    assert MODEL_DAMAGED not in fine[MOVING_AVERAGE]["reason"]


@pytest.mark.parametrize("lost", [[TREES[0]], [MANIFESTS[0]], [*TREES, MANIFESTS[0]]])
def test_a_lost_file_is_damage_and_a_version_that_was_never_saved_is_not(
    blobs: FileBlobs, tmp_path: Path, lost: list[str]
) -> None:
    for path in lost:
        (tmp_path / path).unlink()
    models = load_usable_models(blobs, "points", BOTH)
    assert set(models.damaged) == {XGBOOST}
    assert "is not in the models bucket" in models.damaged[XGBOOST]
    assert models.ensemble is not None
    with pytest.raises(Fatal, match=r"gone/xgboost_v1/metadata\.json is not in the models bucket") as raised:
        load_usable_models(blobs, "points", dict.fromkeys(BOTH, "gone"))
    assert not isinstance(raised.value, ModelDamaged)


def test_a_link_in_a_files_place_is_damage_of_its_system_alone(blobs: FileBlobs, tmp_path: Path) -> None:
    (tmp_path / TREES[0]).unlink()
    (tmp_path / TREES[0]).symlink_to("/etc/hostname")
    models = load_usable_models(blobs, "points", BOTH)
    assert set(models.damaged) == {XGBOOST}
    assert models.ensemble is not None


def test_mended_files_serve_at_once(blobs: FileBlobs) -> None:
    whole = blobs.read(TREES[0]).data
    put(blobs, TREES[0], whole[:-1])
    assert load_usable_models(blobs, "points", BOTH).xgboost is None
    put(blobs, TREES[0], whole)
    assert load_usable_models(blobs, "points", BOTH).xgboost is not None


def test_a_training_of_the_same_rows_writes_every_damaged_file_again(blobs: FileBlobs) -> None:
    paths = save_models(blobs, "points", train_named(VERSION), SAVED, train_named("holdout"))
    whole = {path: blobs.read(path).data for path in paths}
    chance = random.Random(3)
    for damaged in [[path] for path in paths] + [paths, MANIFESTS, [TREES[0], MANIFESTS[0]]]:
        for path in damaged:
            put(blobs, path, alter(whole[path], chance))
        assert save_models(blobs, "points", train_named(VERSION), SAVED, train_named("holdout")) == paths
        assert {path: json_or_bytes(path, blobs.read(path).data) for path in paths} == {
            path: json_or_bytes(path, data) for path, data in whole.items()
        }
    assert load_version(blobs, "points", VERSION).damaged == {}


def json_or_bytes(path: str, data: bytes) -> object:
    """A manifest that was altered in white space alone means the same, and stays."""
    return json.loads(data) if path.endswith(METADATA) else data


def test_a_whole_file_is_never_replaced_by_another_content(blobs: FileBlobs) -> None:
    whole = blobs.read(TREES[0]).data
    with pytest.raises(Fatal, match="one version would name two models"):
        save_models(blobs, "points", train_other(), SAVED, train_named("holdout"))
    assert blobs.read(TREES[0]).data == whole


def train_other() -> Any:
    other, models = train_named("x", seed=8), train_named(VERSION)
    assert other.xgboost is not None
    assert models.xgboost is not None
    return replace(models, xgboost=replace(models.xgboost, trees=other.xgboost.trees))


def test_a_damaged_holdout_model_does_not_keep_its_version_from_serving(blobs: FileBlobs) -> None:
    path = TREES[0].replace("/model.", "/twin.")
    put(blobs, path, b"{}")
    assert load_version(blobs, "points", VERSION).damaged == {}
    with pytest.raises(ModelDamaged, match=r"twin\.points\.ubj"):
        load_holdout_model(blobs, "points", VERSION)


# --- versions of earlier releases -----------------------------------------------------------------


def forget_hashes(blobs: FileBlobs) -> None:
    for path in MANIFESTS:
        document = json.loads(blobs.read(path).data)
        rest = {key: value for key, value in document.items() if key not in (FILES, SEAL)}
        put(blobs, path, model_files.canonical(rest))


def test_a_version_without_hashes_gets_them_at_the_next_training_or_rollback(blobs: FileBlobs) -> None:
    complete = [blobs.read(path).data for path in MANIFESTS]
    forget_hashes(blobs)
    assert FILES not in read_metadata(blobs, "points", VERSION)
    record_files(blobs, "points", VERSION)
    assert [blobs.read(path).data for path in MANIFESTS] == complete
    forget_hashes(blobs)
    save_models(blobs, "points", train_named(VERSION), SAVED, train_named("holdout"))
    assert [blobs.read(path).data for path in MANIFESTS] == complete


@pytest.mark.heavy
def test_trees_without_a_hash_are_tried_in_a_process_of_their_own(blobs: FileBlobs, given: list[str]) -> None:
    forget_hashes(blobs)
    assert load_version(blobs, "points", VERSION).damaged == {}
    given.clear()
    whole, chance = blobs.read(TREES[0]).data, random.Random(5)
    # a figure that is another within trees that fit is not to be told from what was learned
    for kind in ("cut", "cut", "cut", "insert", "remove", "zero", "twice"):
        put(blobs, TREES[0], alter(whole, chance, [kind]))
        with pytest.raises(ModelDamaged, match=r"model\.points\.ubj of xgboost_v1.*XGBoost"):
            load_version(blobs, "points", VERSION)
    assert given == [], "this process was given none of them"


# --- the pointer ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "data",
    [
        *(b"", b"{", b"[]", b"null", b"3", b'"v"', b"{}", b"\xff\xfe", b"[" * 100_000),
        json.dumps({XGBOOST: VERSION}).encode(),
        json.dumps({XGBOOST: VERSION, ENSEMBLE: 3}).encode(),
        json.dumps({**BOTH, "promotions": [{}]}).encode(),
        json.dumps({**BOTH, "promotions": 3}).encode(),
    ],
)
def test_a_pointer_that_is_none_is_named_and_what_makes_a_version_serve_mends_it(blobs: FileBlobs, data: bytes) -> None:
    move_pointer(blobs, "points", read_serving(blobs, "points"), VERSION, by="first", at=AT, why="test")
    put(blobs, pointer_of("points"), data)
    with pytest.raises(PointerDamaged, match=r"models/points/current\.json.* is damaged.*rollback_to"):
        read_serving(blobs, "points")
    serving, damage = read_serving_or_none(blobs, "points")
    assert damage is not None
    assert dict(serving.versions) == {}
    move_pointer(blobs, "points", serving, VERSION, by="second", at=AT, why="test")
    assert read_serving(blobs, "points").version == VERSION


def test_250_altered_pointers_are_refused_or_name_the_same_version(blobs: FileBlobs) -> None:
    for version in ("2025-01-01-one", VERSION):
        move_pointer(blobs, "points", read_serving(blobs, "points"), version, by=version, at=AT, why="test")
    whole, chance, refused = blobs.read(pointer_of("points")).data, random.Random(9), 0
    for _ in range(250):
        put(blobs, pointer_of("points"), alter(whole, chance))
        serving, damage = read_serving_or_none(blobs, "points")
        refused += damage is not None
        assert damage is not None or serving.version == VERSION
    assert refused > 125
