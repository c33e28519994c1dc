"""The pointer and its history: one object, moved on what was seen, and where a rollback goes back
to.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from local.embedded.file_blobs import FileBlobs
from shared.core.errors import PreconditionFailed, WriteConflict
from shared.science.model_registry.promotions import Serving, current_versions, move_pointer, pointer_of, read_serving
from shared.science.systems.output import ENSEMBLE, XGBOOST

AT = datetime(2025, 11, 17, 9, 0, tzinfo=UTC)


def promote(blobs: FileBlobs, *versions: str) -> None:
    for version in versions:
        move_pointer(
            blobs, "points", read_serving(blobs, "points"), version, by=f"train-{version}", at=AT, why="not worse"
        )


def back(blobs: FileBlobs, to: str | None = None) -> str:
    """Roll back, to the version before where none is named."""
    seen = read_serving(blobs, "points")
    version = to or previous(blobs)
    assert version is not None
    move_pointer(blobs, "points", seen, version, action="rollback", by=f"back-{seen.generation}", at=AT, why="bias")
    return version


def previous(blobs: FileBlobs) -> str | None:
    found = read_serving(blobs, "points").previous()
    return None if found is None else found[XGBOOST]


def test_nothing_serves_before_the_first_promotion(tmp_path: Path) -> None:
    blobs = FileBlobs(tmp_path)
    assert read_serving(blobs, "points") == Serving({}, (), 0)
    assert current_versions(blobs, "points") == {}
    assert read_serving(blobs, "points").version is None
    promote(blobs, "v1")
    assert current_versions(blobs, "points") == {XGBOOST: "v1", ENSEMBLE: "v1"}
    assert previous(blobs) is None


def test_every_move_is_on_record_with_who_when_and_why(tmp_path: Path) -> None:
    blobs = FileBlobs(tmp_path)
    promote(blobs, "v1", "v2")
    back(blobs)
    document = json.loads(blobs.read(pointer_of("points")).data)
    assert document[XGBOOST] == document[ENSEMBLE] == "v1"
    assert [(each["action"], each["versions"][XGBOOST]) for each in document["promotions"]] == [
        ("promotion", "v1"),
        ("promotion", "v2"),
        ("rollback", "v1"),
    ]
    assert document["promotions"][2] == {
        "action": "rollback",
        "versions": {XGBOOST: "v1", ENSEMBLE: "v1"},
        "replaced": {XGBOOST: "v2", ENSEMBLE: "v2"},
        "by": "back-2",
        "at": "2025-11-17T09:00:00+00:00",
        "why": "bias",
    }
    seen = read_serving(blobs, "points")
    assert seen.find_move_by("back-2") == seen.promotions[2]
    assert seen.find_move_by("somebody else") is None


def test_previous_goes_further_back_each_time(tmp_path: Path) -> None:
    blobs = FileBlobs(tmp_path)
    promote(blobs, "v1", "v2", "v3")
    assert [back(blobs), back(blobs)] == ["v2", "v1"]
    assert previous(blobs) is None


def test_what_was_rolled_back_from_is_not_gone_back_to(tmp_path: Path) -> None:
    blobs = FileBlobs(tmp_path)
    promote(blobs, "v1", "v2")
    back(blobs)
    promote(blobs, "v3")
    assert previous(blobs) == "v1"
    seen = read_serving(blobs, "points")
    undone = seen.find_rollback_from("v2")
    assert undone is not None
    assert undone.why == "bias"
    assert seen.find_rollback_from("v1") is None
    assert seen.find_rollback_from("v3") is None
    back(blobs, "v2")
    assert read_serving(blobs, "points").find_rollback_from("v2") is None, "somebody made it serve again"
    assert previous(blobs) == "v3"


def test_a_rollback_by_name_goes_back_in_the_history(tmp_path: Path) -> None:
    blobs = FileBlobs(tmp_path)
    promote(blobs, "v1", "v2", "v3", "v4")
    back(blobs, "v2")
    assert previous(blobs) == "v1"


def test_a_version_that_never_served_before_is_a_step_forward(tmp_path: Path) -> None:
    blobs = FileBlobs(tmp_path)
    promote(blobs, "v1", "v2")
    back(blobs, "held-back")
    assert previous(blobs) == "v2"


def test_a_pointer_without_history_is_what_its_first_rollback_goes_back_to(tmp_path: Path) -> None:
    blobs = FileBlobs(tmp_path)
    old = json.dumps({XGBOOST: "v1", ENSEMBLE: "v1"}).encode()
    blobs.write(pointer_of("points"), old, content_type="application/json")
    assert current_versions(blobs, "points") == {XGBOOST: "v1", ENSEMBLE: "v1"}
    assert previous(blobs) is None
    promote(blobs, "v2")
    assert previous(blobs) == "v1"


def test_a_pointer_moved_meanwhile_is_not_overwritten(tmp_path: Path) -> None:
    blobs = FileBlobs(tmp_path)
    promote(blobs, "v1")
    seen = read_serving(blobs, "points")
    promote(blobs, "v2")
    with pytest.raises(WriteConflict, match="changed"):
        move_pointer(blobs, "points", seen, "v3", by="late", at=AT, why="not worse")
    assert current_versions(blobs, "points")[XGBOOST] == "v2"
    assert len(read_serving(blobs, "points").promotions) == 2
    with pytest.raises(WriteConflict):
        move_pointer(blobs, "points", Serving({}, (), 0), "v3", by="first of two", at=AT, why="nothing serves yet")
    with pytest.raises(PreconditionFailed):
        blobs.write(pointer_of("points"), b"{}", content_type="application/json", if_generation=0)


def test_each_statistic_has_a_pointer_and_a_history_of_its_own(tmp_path: Path) -> None:
    blobs = FileBlobs(tmp_path)
    promote(blobs, "v1", "v2")
    seen = read_serving(blobs, "rebounds")
    assert seen == Serving({}, (), 0)
    move_pointer(blobs, "rebounds", seen, "r1", by="train-r1", at=AT, why="nothing serves yet")
    assert read_serving(blobs, "points").version == "v2"
    assert [each.versions[XGBOOST] for each in read_serving(blobs, "rebounds").promotions] == ["r1"]
    assert blobs.list("models/") == ["models/points/current.json", "models/rebounds/current.json"]
