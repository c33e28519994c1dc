"""Explanations: the few features that moved each prediction most, in points.

Every system's module says by `contributions` what its figure is made of: name -> points float64[n],
which add up to the mean before its floor. BASE is the part that no circumstance moves; every other
name is a feature's, the line's, or a term's of the formula that is no single feature ("form",
"similar_games").
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from functools import partial

import numpy as np

from shared.science.model_registry.registry import Models
from shared.science.systems import ensemble, xgboost_v1
from shared.science.systems.columns import Features, Floats
from shared.science.systems.formulas import FORMULAS
from shared.science.systems.history import History
from shared.science.systems.market import LINE
from shared.science.systems.output import (
    BASE,
    ENSEMBLE,
    XGBOOST,
    SystemOutput,
    run_named,
)

# What a person reads beside a figure; the sixth feature seldom moves it by a quarter of a point.
MOST = 5
POINTS_DIGITS, VALUE_DIGITS = 2, 4

Contributions = Mapping[str, Floats]


def contributions_of(
    features: Features, history: History, line: Floats, models: Models, outputs: Sequence[SystemOutput]
) -> dict[str, Contributions]:
    """system_id -> its contributions to n rows, of the systems that could predict any.

    features, history and line are what the outputs (of all systems) were made of. Raises
    SystemFailed with the system's name.
    """
    ways: dict[str, Callable[[], Contributions]] = {
        formula.system_id: partial(formula.contributions, features, history) for formula in FORMULAS
    }
    if models.xgboost is not None:
        trees = models.xgboost
        ways[XGBOOST] = lambda: xgboost_v1.contributions(features, trees)
    means = {one.system_id: one.mean for one in outputs}
    able = {system for system, mean in means.items() if not np.isnan(mean).all()}
    parts = {system: run_named(system, way) for system, way in ways.items() if system in able}
    if models.ensemble is None or ENSEMBLE not in able:
        return dict(parts)
    model = models.ensemble
    return {**parts, ENSEMBLE: run_named(ENSEMBLE, lambda: ensemble.contributions(parts, means, features, line, model))}


def explanations(
    features: Features, history: History, line: Floats, models: Models, outputs: Sequence[SystemOutput]
) -> dict[str, list[str | None]]:
    """system_id -> JSON lists for n rows, None where the system could not predict; as
    contributions_of.
    """
    values = {**features, LINE: line}
    means = {one.system_id: one.mean for one in outputs}
    found = contributions_of(features, history, line, models, outputs)
    return {system: largest(parts, values, ~np.isnan(means[system])) for system, parts in found.items()}


def largest(parts: Contributions, values: Features, wanted: Sequence[bool] | np.ndarray) -> list[str | None]:
    """For each wanted row the MOST largest contributions as [{"feature", "value", "effect"}], else
    None.

    BASE is left out, and what rounds to no points. value is null where it is unknown, or the name
    is no feature's.
    """
    names = sorted(set(parts) - {BASE})
    points = np.round(np.stack([parts[name] for name in names], axis=1), POINTS_DIGITS)
    # Stable, so that equal sizes come by name.
    order = np.argsort(-np.abs(points), axis=1, kind="stable")[:, :MOST]
    return [
        json.dumps(
            [_entry(names[at], values, row, float(points[row, at])) for at in order[row] if points[row, at]],
            separators=(",", ":"),
        )
        if wanted[row]
        else None
        for row in range(len(points))
    ]


def _entry(name: str, values: Features, row: int, effect: float) -> dict[str, object]:
    value = round(float(values[name][row]), VALUE_DIGITS) if name in values else float("nan")
    return {"feature": name, "value": None if np.isnan(value) else value, "effect": effect}
