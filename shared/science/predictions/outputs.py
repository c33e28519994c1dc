"""What the systems say of a table of players: the outputs of each by statistic, or why it has none.

Two steps: what needs no line (`base_outputs`), then ensemble_v1, which knows the lines
(`combined_outputs`): whoever asks may look at the first before he decides which lines are believed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType

import numpy as np

from shared.nba.stats import PREDICTED, STATS, Stat
from shared.science.model_registry.models import Models
from shared.science.systems import ensemble, joint, sums, xgboost_v1
from shared.science.systems.columns import Features, Floats
from shared.science.systems.ensemble import Combined
from shared.science.systems.error_codes import (
    BREAKER_OPEN,
    MODEL_DAMAGED,
    NO_MODEL,
    NOTHING_TO_SAY,
    SYSTEM_FAILED,
)
from shared.science.systems.formulas import FORMULAS, Formula, speaking_systems
from shared.science.systems.history import History
from shared.science.systems.joint import Moved
from shared.science.systems.market import features_of as market_features_of
from shared.science.systems.output import (
    BASE_SYSTEMS,
    ENSEMBLE,
    XGBOOST,
    SystemFailed,
    SystemOutput,
    run_named,
    unavailable,
)

# system_id -> why it is not asked: its breaker's sentence, or how it failed.
LeftOut = Mapping[str, str | SystemFailed]
NONE_LEFT_OUT: LeftOut = MappingProxyType({})
ModelsOf = Mapping[str, Models]
"""By statistic; one that is not there has none that is trained."""
NO_MODELS = Models()
Outputs = Mapping[str, list[SystemOutput]]
"""By statistic, in the order of SYSTEMS."""


def formula_features(stats: Iterable[Stat] = PREDICTED.values()) -> tuple[str, ...]:
    """Every column that a formula or the market's terms read for these statistics; the models' own
    come on top.
    """
    wanted = list(stats)
    bases = with_parts(wanted)
    return tuple(
        sorted(
            {
                *(
                    name
                    for stat in bases
                    for formula in FORMULAS
                    if formula.speaks_of(stat)
                    for name in formula.features_of(stat)
                ),
                *(name for stat in bases for name in market_features_of(stat)),
                *(xgboost_v1.known_by(stat) for stat in bases),
                *(stat.price_feature for stat in wanted if stat.is_sum),
            }
        )
    )


def with_parts(stats: Iterable[Stat]) -> list[Stat]:
    """The base statistics among these, and those that the sums among them are made of, in STATS'
    order.
    """
    names = {part for stat in stats for part in stat.parts}
    return [stat for stat in STATS.values() if stat.name in names]


def base_outputs(
    features: Features,
    history: History,
    models: ModelsOf,
    left_out: LeftOut = NONE_LEFT_OUT,
    stats: Iterable[Stat] = PREDICTED.values(),
) -> dict[str, list[SystemOutput]]:
    """By statistic (and of each part of a sum) the systems that need no other system, in
    BASE_SYSTEMS' order.

    features: by name float64[n], histories beside them. left_out: system_id -> why that system is
    not asked. Raises SystemFailed where one system's code fails. An error of our tree
    (SchemaMismatch: features are missing) concerns more than one and stays itself.
    """
    wanted, minutes_of = list(stats), xgboost_v1.OfMinutes(features)
    found = {
        stat.name: _outputs_of_base(stat, features, history, models.get(stat.name, NO_MODELS), left_out, minutes_of)
        for stat in with_parts(wanted)
    }
    for stat in wanted:
        if stat.is_sum:
            found[stat.name] = _outputs_of_sum(stat, found, models.get(stat.name, NO_MODELS))
    return {name: found[name] for name in STATS if name in found}


def _outputs_of_base(
    stat: Stat,
    features: Features,
    history: History,
    models: Models,
    left_out: LeftOut,
    minutes_of: xgboost_v1.OfMinutes,
) -> list[SystemOutput]:
    rows = len(history.count)

    def predict_formula(formula: Formula) -> SystemOutput:
        version = models.formula_version(formula.version)
        return formula.predict(features, history, models.variance(formula.system_id, stat), version, stat)

    def predict_boosted() -> SystemOutput:
        if models.xgboost is None:
            return _without_model(stat, XGBOOST, rows, models)
        return xgboost_v1.predict(features, models.xgboost, models.variance(XGBOOST, stat), stat, minutes_of)

    systems: dict[str, Callable[[], SystemOutput]] = {
        **{formula.system_id: partial(predict_formula, formula) for formula in FORMULAS},
        XGBOOST: predict_boosted,
    }
    speaking = speaking_systems(stat)
    # who never speaks of the statistic is not missed where he is left out
    return [
        _run_guarded(stat, system_id, predict, rows, left_out)
        if system_id in speaking
        else _has_nothing_to_say(stat, system_id, rows)
        for system_id, predict in systems.items()
    ]


def _outputs_of_sum(stat: Stat, found: Outputs, models: Models) -> list[SystemOutput]:
    speaking = speaking_systems(stat)
    outputs = []
    for place, system in enumerate(BASE_SYSTEMS):
        parts = {part: found[part][place] for part in stat.parts}
        rows = len(parts[stat.parts[0]].mean)
        outputs.append(
            run_named(system, partial(sums.add_outputs, stat, parts, models.sums))
            if system in speaking
            else _has_nothing_to_say(stat, system, rows)
        )
    return outputs


@dataclass(frozen=True)
class Nights:
    """What ensemble_v1 makes of n rows: by base statistic before and after the lines of sums, and
    what it says of every statistic.
    """

    before: Mapping[str, Combined]
    moved: Moved
    outputs: Mapping[str, SystemOutput]


def combine_all(
    base: Outputs, features: Features, lines: Mapping[str, Floats], models: ModelsOf, left_out: LeftOut = NONE_LEFT_OUT
) -> Nights:
    """ensemble_v1 of each statistic that base_outputs is of: features by name float64[n], main
    lines float64[n] by statistic (NaN: none).

    left_out and what is raised: as base_outputs.
    """
    nothing = np.full(len(next(iter(base.values()))[0].mean), np.nan)
    combined: dict[str, Combined] = {}
    answers: dict[str, SystemOutput] = {}
    for name, outputs in base.items():
        stat, rows = STATS[name], len(outputs[0].mean)
        of_stat = models.get(name, NO_MODELS)
        if stat.is_sum:
            continue
        if ENSEMBLE in left_out or of_stat.ensemble is None:
            answers[name] = _run_guarded(
                stat, ENSEMBLE, partial(_without_model, stat, ENSEMBLE, rows, of_stat), rows, left_out
            )
            continue
        means = {one.system_id: one.mean for one in outputs}
        missed, line = ensemble.describe_left_out(outputs), lines.get(name, nothing)
        combined[name] = run_named(
            ENSEMBLE, partial(ensemble.combine, means, features, line, of_stat.ensemble, stat, missed)
        )
    trained = {name: sum_model for name in base if (sum_model := models.get(name, NO_MODELS).sums) is not None}
    moved = run_named(ENSEMBLE, partial(joint.move, combined, trained, lines, features))
    answers |= {name: run_named(ENSEMBLE, partial(ensemble.output_of, part)) for name, part in moved.parts.items()}
    for name in base:
        stat = STATS[name]
        if stat.is_sum:
            answers[name] = run_named(ENSEMBLE, partial(_ensemble_of_sum, stat, moved, answers, models, left_out))
    return Nights(combined, moved, {name: answers[name] for name in base})


def _ensemble_of_sum(
    stat: Stat, moved: Moved, answers: Mapping[str, SystemOutput], models: ModelsOf, left_out: LeftOut
) -> SystemOutput:
    of_stat = models.get(stat.name, NO_MODELS)
    if ENSEMBLE in of_stat.damaged and ENSEMBLE not in left_out:
        return _without_model(stat, ENSEMBLE, len(answers[stat.parts[0]].mean), of_stat)
    outputs = {part: answers[part] for part in stat.parts}
    missing = next((part for part in stat.parts if part not in moved.parts), None)
    if missing is None:
        parts = {part: moved.parts[part] for part in stat.parts}
        return sums.add_combined(stat, parts, outputs, of_stat.sums)
    return sums.add_outputs(stat, outputs, of_stat.sums)


def all_outputs(
    features: Features,
    history: History,
    lines: Mapping[str, Floats],
    models: ModelsOf,
    left_out: LeftOut = NONE_LEFT_OUT,
    stats: Iterable[Stat] = PREDICTED.values(),
) -> dict[str, list[SystemOutput]]:
    """All systems for n rows, by statistic (and part of a sum) in SYSTEMS' order; as base_outputs
    and combine_all.
    """
    base = base_outputs(features, history, models, left_out, stats)
    combined = combine_all(base, features, lines, models, left_out)
    return {name: [*outputs, combined.outputs[name]] for name, outputs in base.items()}


def _has_nothing_to_say(stat: Stat, system_id: str, rows: int) -> SystemOutput:
    sentence = f"{system_id} has nothing of its own to say of {stat.name}"
    return unavailable(stat, system_id, rows, NOTHING_TO_SAY, sentence)


def _without_model(stat: Stat, system_id: str, rows: int, models: Models) -> SystemOutput:
    if system_id in models.damaged:
        return unavailable(stat, system_id, rows, MODEL_DAMAGED, models.damaged[system_id])
    return unavailable(stat, system_id, rows, NO_MODEL, f"no trained model of {system_id} for {stat.name} serves")


def _run_guarded(
    stat: Stat, system_id: str, predict: Callable[[], SystemOutput], rows: int, left_out: LeftOut
) -> SystemOutput:
    if system_id in left_out:
        why = left_out[system_id]
        code = SYSTEM_FAILED if isinstance(why, SystemFailed) else BREAKER_OPEN
        return unavailable(stat, system_id, rows, code, str(why))
    return run_named(system_id, predict)
