"""Explanations: the few features that moved each prediction most, in the statistic's unit.

Every system's module says by `contributions` what its figure is made of: name -> float64[n],
which add up to the mean before its floor. BASE is the part that no circumstance moves; every other
name is a feature's, the line's, or a term's of the formula that is no single feature ("form",
"similar_games").
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from shared.nba.stats import STATS, Stat
from shared.science.model_registry.models import Models
from shared.science.predictions.outputs import NO_MODELS, ModelsOf, Nights, Outputs
from shared.science.systems import ensemble, xgboost_v1
from shared.science.systems.columns import Features, Floats
from shared.science.systems.ensemble import EnsembleModel
from shared.science.systems.formulas import FORMULAS
from shared.science.systems.history import History
from shared.science.systems.output import (
    BASE,
    ENSEMBLE,
    SYSTEMS,
    XGBOOST,
    SystemOutput,
    run_named,
)

# What a person reads beside a figure; the sixth feature seldom moves it by a quarter of a point.
MOST = 5
POINTS_DIGITS, VALUE_DIGITS = 2, 4

Contributions = Mapping[str, Floats]


def contributions_of(
    features: Features,
    history: History,
    lines: Mapping[str, Floats],
    models: ModelsOf,
    base: Outputs,
    nights: Nights,
) -> dict[str, dict[str, Contributions]]:
    """By statistic and system_id its contributions to n rows, of the systems that could predict
    any.

    features, history and lines are what base and nights were made of. A sum's are those of its
    parts, same names added up. Raises SystemFailed with the system's name.
    """
    found: dict[str, dict[str, Contributions]] = {}
    ways = _Ways(features, history, xgboost_v1.OfMinutes(features))
    for name, outputs in base.items():
        if not STATS[name].is_sum:
            parts = ways.of_base(STATS[name], models.get(name, NO_MODELS), outputs)
            found[name] = parts
            model = models.get(name, NO_MODELS).ensemble
            if model is not None and name in nights.before:
                make = partial(_ensemble_contributions, STATS[name], features, lines, model, parts, outputs, nights)
                found[name] = {**parts, ENSEMBLE: run_named(ENSEMBLE, make)}
    for name in base:
        stat = STATS[name]
        if stat.is_sum:
            systems = [system for system in SYSTEMS if all(system in found[part] for part in stat.parts)]
            found[name] = {system: _add([found[part][system] for part in stat.parts]) for system in systems}
    return found


@dataclass(frozen=True)
class _Ways:
    """How the systems that need no other come by their figures of the same rows."""

    features: Features
    history: History
    minutes_of: xgboost_v1.OfMinutes

    def of_base(self, stat: Stat, models: Models, outputs: Sequence[SystemOutput]) -> dict[str, Contributions]:
        """Contributions to a base statistic by system."""
        ways: dict[str, Callable[[], Contributions]] = {
            formula.system_id: partial(formula.contributions, self.features, self.history, stat) for formula in FORMULAS
        }
        if models.xgboost is not None:
            ways[XGBOOST] = partial(xgboost_v1.contributions, self.features, models.xgboost, self.minutes_of)
        able = {one.system_id for one in outputs if not np.isnan(one.mean).all()}
        return {system: run_named(system, way) for system, way in ways.items() if system in able}


def _ensemble_contributions(
    stat: Stat,
    features: Features,
    lines: Mapping[str, Floats],
    model: EnsembleModel,
    parts: Mapping[str, Contributions],
    outputs: Sequence[SystemOutput],
    nights: Nights,
) -> Contributions:
    """With what the lines of sums added."""
    means = {one.system_id: one.mean for one in outputs}
    line = lines.get(stat.name, np.full(len(nights.before[stat.name].mean), np.nan))
    own = ensemble.contributions(parts, means, features, line, model, stat)
    sums = {line: of_parts[stat.name] for line, of_parts in nights.moved.added.items() if stat.name in of_parts}
    return _add([own, sums])


def _add(all_of: Sequence[Contributions]) -> dict[str, Floats]:
    """Contributions of the same names added up."""
    total: dict[str, Floats] = {}
    for each in all_of:
        for name, values in each.items():
            total[name] = total[name] + values if name in total else values
    return total


def explanations(
    features: Features,
    history: History,
    lines: Mapping[str, Floats],
    models: ModelsOf,
    base: Outputs,
    nights: Nights,
) -> dict[str, dict[str, list[str | None]]]:
    """By statistic and system_id JSON lists for n rows, None where the system could not predict; as
    contributions_of.
    """
    values = {**features, **{STATS[name].line_feature: line for name, line in lines.items()}}
    found = contributions_of(features, history, lines, models, base, nights)
    able = {
        name: {one.system_id: ~np.isnan(one.mean) for one in [*outputs, nights.outputs[name]]}
        for name, outputs in base.items()
    }
    return {
        name: {system: largest(parts, values, able[name][system]) for system, parts in of_stat.items()}
        for name, of_stat in found.items()
    }


def largest(parts: Contributions, values: Features, wanted: Sequence[bool] | np.ndarray) -> list[str | None]:
    """For each wanted row the MOST largest contributions as [{"feature", "value", "effect"}], else
    None.

    BASE is left out, and what rounds to nothing. value is null where it is unknown, or the name
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
