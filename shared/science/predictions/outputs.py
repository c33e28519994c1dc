"""What the systems say of a table of players: the outputs of each, or why it has none."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from types import MappingProxyType

from shared.science.model_registry.registry import Models
from shared.science.systems import ensemble, xgboost_v1
from shared.science.systems.columns import Features, Floats
from shared.science.systems.error_codes import BREAKER_OPEN, MODEL_DAMAGED, NO_MODEL, SYSTEM_FAILED
from shared.science.systems.formulas import FORMULAS, Formula
from shared.science.systems.history import History
from shared.science.systems.output import (
    ENSEMBLE,
    XGBOOST,
    SystemFailed,
    SystemOutput,
    run_named,
    unavailable,
)

# Every column that a formula reads; the model's own come on top.
FORMULA_FEATURES = tuple(
    sorted(
        {
            *(name for formula in FORMULAS for name in formula.features),
            *ensemble.FEATURES,
            "points_ewma_20",
        }
    )
)
# system_id -> why it is not asked: its breaker's sentence, or how it failed.
LeftOut = Mapping[str, str | SystemFailed]
NONE_LEFT_OUT: LeftOut = MappingProxyType({})


def base_outputs(
    features: Features, history: History, models: Models, left_out: LeftOut = NONE_LEFT_OUT
) -> list[SystemOutput]:
    """The systems that need no other system, in BASE_SYSTEMS' order.

    left_out: system_id -> why that system is not asked. Raises SystemFailed where one system's
    code fails. An error of our tree (SchemaMismatch: features are missing) concerns more than one
    and stays itself.
    """
    rows = len(history.count)

    def predict_formula(formula: Formula) -> SystemOutput:
        version = models.formula_version(formula.version)
        return formula.predict(features, history, models.variance(formula.system_id), version)

    def predict_boosted() -> SystemOutput:
        if models.xgboost is None:
            return _without_model(XGBOOST, rows, models)
        return xgboost_v1.predict(features, models.xgboost, models.variance(XGBOOST))

    systems: dict[str, Callable[[], SystemOutput]] = {
        **{formula.system_id: partial(predict_formula, formula) for formula in FORMULAS},
        XGBOOST: predict_boosted,
    }
    return [_run_guarded(system_id, predict, rows, left_out) for system_id, predict in systems.items()]


def all_outputs(
    features: Features,
    history: History,
    line: Floats,
    models: Models,
    left_out: LeftOut = NONE_LEFT_OUT,
) -> list[SystemOutput]:
    """All systems for n rows: features by name float64[n], histories, main lines float64[n]
    (NaN: none).

    left_out and what is raised: as base_outputs.
    """
    base = base_outputs(features, history, models, left_out)

    def predict_combined() -> SystemOutput:
        if models.ensemble is None:
            return _without_model(ENSEMBLE, len(line), models)
        return ensemble.predict(base, features, line, models.ensemble)

    return [*base, _run_guarded(ENSEMBLE, predict_combined, len(line), left_out)]


def _without_model(system_id: str, rows: int, models: Models) -> SystemOutput:
    if system_id in models.damaged:
        return unavailable(system_id, rows, MODEL_DAMAGED, models.damaged[system_id])
    return unavailable(system_id, rows, NO_MODEL, f"no trained model of {system_id} serves")


def _run_guarded(system_id: str, predict: Callable[[], SystemOutput], rows: int, left_out: LeftOut) -> SystemOutput:
    if system_id in left_out:
        why = left_out[system_id]
        code = SYSTEM_FAILED if isinstance(why, SystemFailed) else BREAKER_OPEN
        return unavailable(system_id, rows, code, str(why))
    return run_named(system_id, predict)
