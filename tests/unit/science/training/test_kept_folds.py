"""Trees of folds that earlier trainings kept: used where they would come out the same, trained anew
everywhere else.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from local.embedded.file_blobs import FileBlobs
from shared.science.systems import xgboost_v1
from shared.science.training.kept_folds import read_folds, write_folds
from shared.science.training.rows import TrainingRows
from shared.science.training.walk_forward import FoldTrees, Training, fit, fold_starts
from tests.unit.science.training.test_folds import DAY, seasons

pytestmark = pytest.mark.usefixtures("few_rounds")


@pytest.fixture
def blobs(tmp_path: Path) -> FileBlobs:
    return FileBlobs(tmp_path / "models")


@pytest.fixture
def rows() -> TrainingRows:
    return seasons(5)


def train_model(blobs: FileBlobs, rows: TrainingRows) -> tuple[Training, list[np.datetime64]]:
    """A training as train_model does it, and the folds whose trees it fitted."""
    folds = read_folds(blobs, rows)
    known = set(folds)
    training = fit(rows, holdout_before=rows.season_starts[-1] + 5 * DAY, folds=folds)
    fitted: FoldTrees = {first: trees for first, trees in folds.items() if first not in known}
    write_folds(blobs, rows, fitted)
    return training, sorted(fitted)


def without_last_day(rows: TrainingRows) -> TrainingRows:
    return rows.where(rows.day < rows.day.max())


def other_value(rows: TrainingRows, day: np.datetime64) -> TrainingRows:
    """A corrected box score of that day: one player scored two points more."""
    points = rows.actual.copy()
    points[int(np.flatnonzero(rows.trained & (rows.day == day))[0])] += 2
    return replace(rows, actual=points)


def other_feature(rows: TrainingRows, day: np.datetime64) -> TrainingRows:
    changed = rows.features["points_l10"].copy()
    changed[int(np.flatnonzero(rows.trained & (rows.day == day))[0])] = np.nan
    return replace(rows, features={**rows.features, "points_l10": changed})


def test_a_week_later_no_folds_trees_are_trained_and_the_model_is_the_same(
    blobs: FileBlobs, rows: TrainingRows
) -> None:
    assert train_model(blobs, without_last_day(rows))[1] == fold_starts(rows)
    assert blobs.list("folds/") == [f"folds/points/{first}.trees" for first in fold_starts(rows)]
    later, fitted = train_model(blobs, rows)
    assert fitted == []
    alone = fit(rows, holdout_before=rows.season_starts[-1] + 5 * DAY)
    assert later.metrics == alone.metrics
    assert later.models.ensemble == alone.models.ensemble
    assert later.models.xgboost is not None
    assert alone.models.xgboost is not None
    assert later.models.xgboost.version == alone.models.xgboost.version
    assert later.holdout_model is not None
    assert alone.holdout_model is not None
    assert later.holdout_model.ensemble == alone.holdout_model.ensemble


@pytest.mark.parametrize("change", [other_value, other_feature])
def test_a_changed_row_trains_the_folds_that_see_it_anew(
    blobs: FileBlobs, rows: TrainingRows, change: Callable[[TrainingRows, np.datetime64], TrainingRows]
) -> None:
    train_model(blobs, rows)
    second = fold_starts(rows)[1]
    assert train_model(blobs, change(rows, second))[1] == fold_starts(rows)[2:], "the first two see nothing of that day"
    assert train_model(blobs, change(rows, rows.day.min()))[1] == fold_starts(rows)
    assert train_model(blobs, rows)[1] == fold_starts(rows), "what the rows say now, not what they said first"


def test_a_row_more_and_a_row_less_train_anew(blobs: FileBlobs, rows: TrainingRows) -> None:
    train_model(blobs, rows)
    use = np.ones(len(rows), dtype=bool)
    use[0] = False
    assert train_model(blobs, rows.where(use))[1] == fold_starts(rows)
    assert train_model(blobs, rows)[1] == fold_starts(rows)


def test_another_list_of_features_trains_anew(blobs: FileBlobs, rows: TrainingRows) -> None:
    train_model(blobs, rows)
    assert train_model(blobs, replace(rows, names=rows.names[:-1]))[1] == fold_starts(rows)
    other_order = (*rows.names[-2:], *rows.names[:-2])
    assert train_model(blobs, replace(rows, names=other_order))[1] == fold_starts(rows)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PARAMETERS", xgboost_v1.PARAMETERS | {"max_depth": 4}),
        ("RATE_ETA", 0.09),
        ("USUAL_MINUTES", 26.0),
        ("OF_MINUTES", xgboost_v1.OF_MINUTES | {"eta": 0.09}),
        ("POINTS_ROUNDS", 3),
        ("PART_ROUNDS", 3),
        ("MINUTES_OF_A_ROW", 11.0),
    ],
)
def test_another_parameter_trains_anew(
    blobs: FileBlobs, rows: TrainingRows, monkeypatch: pytest.MonkeyPatch, name: str, value: object
) -> None:
    train_model(blobs, rows)
    assert getattr(xgboost_v1, name) != value
    monkeypatch.setattr(xgboost_v1, name, value)
    assert train_model(blobs, rows)[1] == fold_starts(rows)


def test_another_library_trains_anew(blobs: FileBlobs, rows: TrainingRows, monkeypatch: pytest.MonkeyPatch) -> None:
    train_model(blobs, rows)
    monkeypatch.setattr(xgboost_v1, "library_version", lambda: "0.0.1")
    assert train_model(blobs, rows)[1] == fold_starts(rows)


def flip_byte(data: bytes, at: int) -> bytes:
    return data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: b"",
        lambda data: data[:-1],
        lambda data: data + b"x",
        lambda data: flip_byte(data, len(data) - 100),
        lambda data: flip_byte(data, data.index(b"\n") + 50),
        lambda data: b"[" * 100_000 + b"\n" + data,
        lambda data: b"{}\n" + data,
        lambda data: data.replace(b'"sizes": {', b'"sizes": {"points": 1, "was": {', 1),
        lambda data: data.partition(b"\n")[2],
    ],
)
def test_damaged_trees_are_trained_anew_and_never_read(
    blobs: FileBlobs,
    rows: TrainingRows,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    damage: Callable[[bytes], bytes],
) -> None:
    train_model(blobs, rows)
    path = blobs.list("folds/")[0]
    whole = blobs.read(path).data
    blobs.write(path, damage(whole), content_type="application/octet-stream")
    with monkeypatch.context() as patch:
        read: list[dict[str, bytes]] = []
        patch.setattr(xgboost_v1, "read_trees", read.append)
        read_folds(blobs, rows)
        assert len(read) == len(fold_starts(rows)) - 1
    assert train_model(blobs, rows)[1] == fold_starts(rows)[:1]
    assert f"{path} is damaged" in caplog.text
    assert blobs.read(path).data == whole
    assert train_model(blobs, rows)[1] == []
