"""Training rows: parts of them stay parallel, and the hash of the data changes if and only if the
data do.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from shared.science.systems.history import History
from shared.science.systems.output import BASE_SYSTEMS
from shared.science.training.rows import TrainingRows
from shared.science.training.walk_forward import fit
from tests.support.systems_models import training_rows

ROWS = 60
SMALL = training_rows(ROWS)


def test_a_part_of_the_rows_keeps_what_belongs_together() -> None:
    use = np.arange(ROWS) % 7 == 3
    part = SMALL.where(use)
    assert len(part) == int(use.sum())
    assert part.names == SMALL.names
    for name, values in SMALL.features.items():
        np.testing.assert_array_equal(part.features[name], values[use])
    np.testing.assert_array_equal(part.history.values["points"], SMALL.history.values["points"][use])
    np.testing.assert_array_equal(part.day, SMALL.day[use])
    np.testing.assert_array_equal(part.actual, SMALL.actual[use])
    np.testing.assert_array_equal(part.minutes, SMALL.minutes[use])
    assert set(fit(training_rows().where(np.arange(2400) < 1500)).metrics["all"]) >= set(BASE_SYSTEMS)


def test_the_same_data_have_the_same_hash_wherever_they_were_read() -> None:
    # another NaN, the other zero and another layout in memory are the same data
    odd = np.frombuffer(np.array([0xFFF8000000000001], dtype="<u8").tobytes(), dtype="<f8")[0]
    line = np.asfortranarray(np.where(np.isnan(SMALL.line), odd, SMALL.line))
    assert line.tobytes() != SMALL.line.tobytes()
    zero = {**SMALL.features, "teammates_out_points": -np.abs(SMALL.features["teammates_out_points"])}
    assert np.signbit(zero["teammates_out_points"]).all()
    again = replace(training_rows(ROWS), line=line, features=dict(reversed(zero.items())))
    assert again.data_hash == SMALL.data_hash
    assert len(SMALL.data_hash) == 64


def _change(values: np.ndarray, by: float = 1e-9) -> np.ndarray:
    changed = values.copy()
    changed[-1] += by
    return changed


CHANGES: dict[str, Callable[[TrainingRows], TrainingRows]] = {
    "a target": lambda rows: replace(rows, actual=_change(rows.actual)),
    "minutes": lambda rows: replace(rows, minutes=_change(rows.minutes)),
    "a feature": lambda rows: replace(
        rows, features={**rows.features, "points_l10": _change(rows.features["points_l10"])}
    ),
    "a known line": lambda rows: replace(rows, line=np.where(np.arange(ROWS) == 0, rows.line + 0.5, rows.line)),
    "a line more": lambda rows: replace(rows, line=np.nan_to_num(rows.line, nan=9.5)),
    "a day": lambda rows: replace(rows, day=rows.day + (np.arange(ROWS) == ROWS - 1)),
    "a game of a history": lambda rows: replace(
        rows, history=History({**rows.history.values, "points": rows.history.values["points"] + 1}, rows.history.count)
    ),
    "a history's length": lambda rows: replace(rows, history=History(rows.history.values, rows.history.count - 1)),
    "the features' order": lambda rows: replace(rows, names=(*rows.names[1:], rows.names[0])),
    "a row less": lambda rows: rows.where(np.arange(ROWS) > 0),
}


@pytest.mark.parametrize("change", CHANGES)
def test_other_data_have_another_hash(change: str) -> None:
    assert CHANGES[change](SMALL).data_hash != SMALL.data_hash


def test_points_have_the_hash_that_they_had_before_the_histories_of_others() -> None:
    """A version is named after it: the same data keep the name."""
    values = SMALL.history.values
    points_alone = {name: each for name, each in values.items() if name not in ("rebounds", "assists", "threes")}
    assert len(points_alone) == len(values) - 3 == 10
    others = {name: np.full_like(values[name], 7.0) for name in values.keys() - points_alone.keys()}
    for history in (points_alone, {**points_alone, **others}):
        assert replace(SMALL, history=History(history, SMALL.history.count)).data_hash == SMALL.data_hash


def test_rows_without_the_statistic_teach_nothing() -> None:
    unknown = np.arange(len(SMALL)) % 3 == 0
    rows = replace(SMALL, actual=np.where(unknown, np.nan, SMALL.actual))
    assert SMALL.trained.all()
    np.testing.assert_array_equal(rows.trained, ~unknown)
    np.testing.assert_array_equal(rows.predicted, ~unknown)
