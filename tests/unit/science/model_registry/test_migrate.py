"""A bucket of the release that knew points alone: everything is found again, with its history and
its damage.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from local.embedded.file_blobs import FileBlobs
from shared.core.errors import ModelDamaged, WriteConflict
from shared.science.features.names import model_features
from shared.science.model_registry.migrate import OLD_POINTER, migrate_models
from shared.science.model_registry.model_files import FILES, METADATA, SEAL, canonical, seal
from shared.science.model_registry.promotions import (
    PointerDamaged,
    current_versions,
    move_pointer,
    pointer_of,
    read_serving,
)
from shared.science.model_registry.registry import (
    list_saved_versions,
    load_holdout_model,
    load_usable_models,
    load_version,
    read_metadata,
    save_models,
)
from shared.science.systems.output import ENSEMBLE, XGBOOST
from shared.stores.ports import Blob
from tests.support.systems_models import train_named
from tests.unit.science.model_registry.test_registry import AT

ONE, TWO = "2025-01-01-one", "2025-01-08-two"
SAVED: dict[str, Any] = {"features": list(model_features()), "rows": 1200}
TREES = b'{"key": "k", "sha256": "s"}\nboosters'


@pytest.fixture
def new(tmp_path: Path) -> FileBlobs:
    """As this release writes it: version two serves after version one."""
    blobs = FileBlobs(tmp_path / "new")
    for version in (ONE, TWO):
        save_models(blobs, "points", train_named(version), SAVED, train_named("holdout"))
        move_pointer(blobs, "points", read_serving(blobs, "points"), version, by=version, at=AT, why="test")
    put(blobs, "folds/points/2024-10-22.trees", TREES)
    return blobs


@pytest.fixture
def old(tmp_path: Path, new: FileBlobs) -> FileBlobs:
    """The same as the release before wrote it."""
    blobs = FileBlobs(tmp_path / "old")
    for path in new.list("models/"):
        put(blobs, before(path), new.read(path).data)
    for path in [path for path in blobs.list("models/") if path.endswith(METADATA)]:
        document = json.loads(blobs.read(path).data)
        files = {before(name): entry for name, entry in document[FILES].items()}
        put(blobs, path, canonical(seal({**document, FILES: files})))
    put(blobs, "folds/2024-10-22.trees", TREES)
    return blobs


def before(path: str) -> str:
    """Where the release before had a file."""
    if path == pointer_of("points"):
        return OLD_POINTER
    _, _, version, system, name = path.split("/")
    return f"models/{system}/{version}/{name}"


def put(blobs: FileBlobs, path: str, data: bytes) -> None:
    blobs.write(path, data, content_type="application/octet-stream")


def contents(blobs: FileBlobs) -> dict[str, bytes]:
    return {path: blobs.read(path).data for path in (*blobs.list("models/"), *blobs.list("folds/"))}


def test_the_bucket_is_then_as_this_release_would_have_written_it(old: FileBlobs, new: FileBlobs) -> None:
    as_it_was, wanted = contents(old), contents(new)
    done = migrate_models(old)
    assert sorted(done) == sorted(wanted)
    assert contents(old) == as_it_was | wanted, "and the release before finds everything where it was"
    assert done[-1] == pointer_of("points"), "nothing serves before its files are there"
    assert list_saved_versions(old, "points") == [ONE, TWO]
    assert load_version(old, "points", TWO).damaged == {}
    assert load_holdout_model(old, "points", TWO).xgboost is not None
    history = read_serving(old, "points")
    assert (history.version, history.previous()) == (TWO, dict.fromkeys((XGBOOST, ENSEMBLE), ONE))


def test_a_second_migration_does_nothing(old: FileBlobs) -> None:
    migrate_models(old)
    generations = {path: old.read(path).generation for path in contents(old)}
    assert migrate_models(old) == []
    assert {path: old.read(path).generation for path in contents(old)} == generations


def test_an_empty_bucket_and_one_of_this_release_need_none(tmp_path: Path, new: FileBlobs) -> None:
    assert migrate_models(FileBlobs(tmp_path / "empty")) == []
    assert migrate_models(new) == []


class Died(Exception):
    """The process ended."""


class DyingBlobs(FileBlobs):
    """A bucket whose process dies at a write."""

    left = 0

    def write(self, path: str, data: bytes, **named: Any) -> int:
        if self.left == 0:
            raise Died
        self.left -= 1
        return super().write(path, data, **named)


def test_a_migration_that_died_at_any_write_goes_on(tmp_path: Path, old: FileBlobs, new: FileBlobs) -> None:
    dying = DyingBlobs(tmp_path / "old")
    expected = contents(old) | contents(new)
    writes = len(contents(new))
    for number in range(writes):
        dying.left = 1
        if number < writes - 1:
            with pytest.raises(Died):
                migrate_models(dying)
            assert current_versions(dying, "points") == {}, "the pointer is the last"
        else:
            assert migrate_models(dying) == [pointer_of("points")]
    assert contents(dying) == expected


@pytest.mark.parametrize(
    ("system", "name"), [(XGBOOST, "model.rate.ubj"), (ENSEMBLE, "model.json"), (XGBOOST, METADATA)]
)
def test_damage_is_named_copied_and_reported_by_loading_as_before(old: FileBlobs, system: str, name: str) -> None:
    path, target = f"models/{system}/{TWO}/{name}", f"models/points/{TWO}/{system}/{name}"
    half = old.read(path).data[:60]
    put(old, path, half)
    [note] = [note for note in migrate_models(old) if ": " in note]
    assert note.startswith(f"{target}: 60 bytes")
    assert old.read(target).data == half
    damaged = load_usable_models(old, "points", dict.fromkeys((XGBOOST, ENSEMBLE), TWO)).damaged
    assert set(damaged) == {system}
    assert f"{name} of {system} {TWO} for points is damaged" in damaged[system]
    assert migrate_models(old) == []


@pytest.mark.parametrize("name", ["model.rate.ubj", METADATA])
def test_a_lost_file_is_named_and_missed_by_loading(tmp_path: Path, old: FileBlobs, name: str) -> None:
    (tmp_path / "old" / "models" / XGBOOST / TWO / name).unlink()
    [note] = [note for note in migrate_models(old) if ": " in note]
    assert note == f"models/points/{TWO}/{XGBOOST}/{name}: it was not in the bucket"
    with pytest.raises(ModelDamaged, match=rf"{name} is not in the models bucket"):
        load_version(old, "points", TWO)
    assert migrate_models(old) == []


def test_a_version_without_hashes_is_copied_as_it_is(old: FileBlobs) -> None:
    for system in (XGBOOST, ENSEMBLE):
        path = f"models/{system}/{ONE}/{METADATA}"
        document = json.loads(old.read(path).data)
        put(old, path, canonical({key: value for key, value in document.items() if key not in (FILES, SEAL)}))
    assert not [note for note in migrate_models(old) if ": " in note]
    assert FILES not in read_metadata(old, "points", ONE)
    assert FILES in read_metadata(old, "points", TWO)


def test_a_damaged_pointer_is_named_and_stays_damaged(old: FileBlobs) -> None:
    put(old, OLD_POINTER, b'{"xgboost_v1"')
    assert migrate_models(old)[-1].startswith(f"{pointer_of('points')}: 13 bytes")
    with pytest.raises(PointerDamaged, match="13 bytes"):
        read_serving(old, "points")
    assert migrate_models(old) == []


def move_old_pointer(old: FileBlobs, scratch: FileBlobs, version: str) -> None:
    """The release before is deployed once more, and promotes a version."""
    put(scratch, pointer_of("points"), old.read(OLD_POINTER).data)
    move_pointer(scratch, "points", read_serving(scratch, "points"), version, by=version, at=AT, why="test")
    put(old, OLD_POINTER, scratch.read(pointer_of("points")).data)


def test_what_the_release_before_promoted_after_a_roll_back_of_code_is_taken_over(
    tmp_path: Path, old: FileBlobs
) -> None:
    migrate_models(old)
    move_old_pointer(old, FileBlobs(tmp_path / "scratch"), ONE)
    assert migrate_models(old) == [pointer_of("points")]
    assert read_serving(old, "points").version == ONE
    assert len(read_serving(old, "points").promotions) == 3
    assert migrate_models(old) == []


def test_a_pointer_that_this_release_moved_stays(tmp_path: Path, old: FileBlobs) -> None:
    migrate_models(old)
    move_old_pointer(old, FileBlobs(tmp_path / "scratch"), ONE)
    move_pointer(old, "points", read_serving(old, "points"), TWO, by="here", at=AT, why="test")
    assert migrate_models(old) == []
    assert read_serving(old, "points").promotions[-1].by == "here"


class MovingBlobs(FileBlobs):
    """A bucket whose new pointer is moved by somebody else as soon as it was read."""

    def read(self, path: str) -> Blob:
        found = super().read(path)
        if path == pointer_of("points"):
            super().write(path, found.data, content_type=found.content_type)
        return found


def test_a_pointer_moved_meanwhile_is_not_written_over(tmp_path: Path, old: FileBlobs) -> None:
    migrate_models(old)
    move_old_pointer(old, FileBlobs(tmp_path / "scratch"), ONE)
    kept = old.read(pointer_of("points")).data
    with pytest.raises(WriteConflict, match="migrate again"):
        migrate_models(MovingBlobs(tmp_path / "old"))
    assert old.read(pointer_of("points")).data == kept
