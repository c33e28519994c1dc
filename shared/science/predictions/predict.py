"""Predictions of a request's players: every system's rows at every tested line, as a worker stages
them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from shared.nba.stats import PREDICTED, Stat
from shared.science.predictions.explain import explanations
from shared.science.predictions.lines import MOST_DEVIATIONS_ABOVE, MOST_DEVIATIONS_BELOW, Policy
from shared.science.predictions.outputs import (
    NO_MODELS,
    NONE_LEFT_OUT,
    LeftOut,
    ModelsOf,
    base_outputs,
    combine_all,
    formula_features,
)
from shared.science.predictions.prediction_row import PlayerRequest, PredictionRow, prediction_row
from shared.science.systems.columns import Floats, columns_of_rows
from shared.science.systems.distribution import over_and_push
from shared.science.systems.error_codes import NOTHING_TO_SAY
from shared.science.systems.history import unpack_histories
from shared.science.systems.output import DIGITS, SystemOutput

FAR_FROM_FORM = "far_from_form"
Mask = NDArray[np.bool_]


def _far_off(outputs: Sequence[SystemOutput], line: Floats) -> Mask:
    """Which of n lines (NaN: none) every system that has a figure without them holds for
    impossible.
    """
    means = np.stack([output.mean for output in outputs])
    with np.errstate(invalid="ignore"):
        deviations = (line - means) / np.stack([output.sd for output in outputs])
        far = (deviations > MOST_DEVIATIONS_ABOVE) | (deviations < -MOST_DEVIATIONS_BELOW)
    known = ~np.isnan(deviations)
    return np.asarray(known.any(axis=0) & (far | ~known).all(axis=0))


def predict_players(
    players: Sequence[Mapping[str, Any]],
    models: ModelsOf,
    policy: Policy,
    left_out: LeftOut = NONE_LEFT_OUT,
    *,
    explained: bool = True,
) -> list[PredictionRow]:
    """Rows of player_prop_predictions, without prediction_id, batch_id, created_at and updated_at.

    A player is {"features": row of ml_feature_store, "history": columns of his last games
    (pack_histories) or None, "lines": {"points": {"main": "24.5", "books": [{bookmaker, line, over,
    under, snapshot_time, is_main}]}, ...}}, as JSON brings it. models: by statistic; one that is
    not there has none that is trained. Of each statistic a row of every system at each tested line,
    or one of each without a line; a system that has nothing to say of the statistic has one row
    that says so, beside the main line's. Ordered by statistic, player as given, line, system.
    policy is what recommendations need (Settings). A system in left_out (system_id -> why) has rows
    with error_code breaker_open, or system_failed where why is that failure. The row of the main
    line, or without a line, has the explanation (explained=False: none has).
    Raises SchemaMismatch where features or history columns are missing, SystemFailed where one
    system's code fails.
    """
    if not players:
        return []
    names = {*formula_features(), *(name for stat in PREDICTED for name in models.get(stat, NO_MODELS).feature_names)}
    features = columns_of_rows([player["features"] for player in players], sorted(names))
    history = unpack_histories([player.get("history") for player in players])
    asked = {name: [PlayerRequest.read(player, stat) for player in players] for name, stat in PREDICTED.items()}
    lines = {name: _main_lines(read) for name, read in asked.items()}
    base = base_outputs(features, history, models, left_out)
    for name, outputs in base.items():
        far = _far_off(outputs, lines[name])
        if far.any():
            pairs = zip(asked[name], far, strict=True)
            asked[name] = [replace(one, suspicious=FAR_FROM_FORM) if off else one for one, off in pairs]
            lines[name] = np.where(far, np.nan, lines[name])
    nights = combine_all(base, features, lines, models, left_out)
    why = explanations(features, history, lines, models, base, nights) if explained else {}
    rows: list[PredictionRow] = []
    for name, stat in PREDICTED.items():
        outputs = [*base[name], nights.outputs[name]]
        rows += _rows_of_stat(stat, asked[name], outputs, policy, why.get(name, {}))
    return rows


def _main_lines(read: Sequence[PlayerRequest]) -> Floats:
    return np.array([np.nan if one.main is None or one.suspicious else float(one.main) for one in read])


def _rows_of_stat(
    stat: Stat,
    read: Sequence[PlayerRequest],
    outputs: Sequence[SystemOutput],
    policy: Policy,
    why: Mapping[str, Sequence[str | None]],
) -> list[PredictionRow]:
    """All rows of one statistic: read and why (explanations by system) are parallel to the rows of
    the outputs.
    """
    tested = np.full((len(read), max([1, *(len(one.tested) for one in read)])), np.nan)
    for index, one in enumerate(read):
        tested[index, : len(one.tested)] = [float(value) for value in one.tested]
    chances = []
    for output in outputs:
        over, push = over_and_push(output.mean[:, None], output.sd[:, None] ** 2, tested, stat)
        chances.append((np.round(over, DIGITS), np.round(push, DIGITS)))
    rows: list[PredictionRow] = []
    for index, one in enumerate(read):
        for position, value in enumerate(one.tested or (None,)):
            for output, (over, push) in zip(outputs, chances, strict=True):
                if output.error_code[index] == NOTHING_TO_SAY and value != one.main:
                    continue
                probability = (float(over[index, position]), float(push[index, position]))
                has_explanation = value == one.main and output.system_id in why
                explanation = why[output.system_id][index] if has_explanation else None
                rows.append(prediction_row(one, output, index, value, probability, policy, explanation))
    return rows
