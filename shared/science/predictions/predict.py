"""The five systems for a table of players, and the rows that a worker writes: one per system and tested line."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from shared.nba.stats import POINTS
from shared.science.model_registry.registry import Models
from shared.science.predictions.explain import explanations
from shared.science.predictions.lines import (
    MOST_DEVIATIONS_ABOVE,
    MOST_DEVIATIONS_BELOW,
    SUSPICIOUS,
    Best,
    Offer,
    Policy,
    best_prices,
    decide,
    fair_american,
    offers,
    tested_lines,
    to_datetime,
    to_half,
)
from shared.science.systems import ensemble, moving_average, similarity, xgboost_v1, zone_matchup
from shared.science.systems.columns import Features, Floats, columns_of_rows
from shared.science.systems.distribution import over_and_push
from shared.science.systems.history import History, unpack_histories
from shared.science.systems.output import (
    BASE_SYSTEMS,
    BREAKER_OPEN,
    DIGITS,
    ENSEMBLE,
    MODEL_DAMAGED,
    MOVING_AVERAGE,
    SIMILARITY,
    SYSTEM_FAILED,
    XGBOOST,
    ZONE_MATCHUP,
    SystemFailed,
    SystemOutput,
    run_named,
    unavailable,
)

# Every column that a formula reads; the model's own come on top.
FORMULA_FEATURES = tuple(
    sorted(
        {
            *moving_average.FEATURES,
            *zone_matchup.FEATURES,
            *similarity.FEATURES,
            *ensemble.FEATURES,
            "points_ewma_20",
        }
    )
)
FAR_FROM_FORM = "far_from_form"
Mask = NDArray[np.bool_]
# system_id -> why it is not asked: its breaker's sentence, or how it failed.
LeftOut = Mapping[str, str | SystemFailed]
NONE_LEFT_OUT: LeftOut = MappingProxyType({})


def base_outputs(
    features: Features, history: History, models: Models, left_out: LeftOut = NONE_LEFT_OUT
) -> list[SystemOutput]:
    """The four systems that need no other system, in BASE_SYSTEMS' order.

    left_out: system_id -> why that system is not asked. Raises SystemFailed where one system's
    code fails. An error of our tree (SchemaMismatch: features are missing) concerns more than one and stays itself.
    """
    rows = len(history.count)

    def moving() -> SystemOutput:
        version = models.formula_version(moving_average.VERSION)
        return moving_average.predict(features, models.variance(MOVING_AVERAGE), version)

    def zones() -> SystemOutput:
        version = models.formula_version(zone_matchup.VERSION)
        return zone_matchup.predict(features, models.variance(ZONE_MATCHUP), version)

    def similar() -> SystemOutput:
        version = models.formula_version(similarity.VERSION)
        return similarity.predict(features, history, models.variance(SIMILARITY), version)

    def predict_boosted() -> SystemOutput:
        if models.xgboost is None:
            return _without_model(XGBOOST, rows, models)
        return xgboost_v1.predict(features, models.xgboost, models.variance(XGBOOST))

    systems = {MOVING_AVERAGE: moving, ZONE_MATCHUP: zones, SIMILARITY: similar, XGBOOST: predict_boosted}
    return [_run_guarded(system_id, predict, rows, left_out) for system_id, predict in systems.items()]


def all_outputs(
    features: Features,
    history: History,
    line: Floats,
    models: Models,
    left_out: LeftOut = NONE_LEFT_OUT,
) -> list[SystemOutput]:
    """All five systems for n rows: features by name float64[n], histories, main lines float64[n] (NaN: none).

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
    return unavailable(system_id, rows, "no_model", f"no trained model of {system_id} serves")


def _run_guarded(system_id: str, predict: Callable[[], SystemOutput], rows: int, left_out: LeftOut) -> SystemOutput:
    if system_id in left_out:
        why = left_out[system_id]
        code = SYSTEM_FAILED if isinstance(why, SystemFailed) else BREAKER_OPEN
        return unavailable(system_id, rows, code, str(why))
    return run_named(system_id, predict)


@dataclass(frozen=True)
class _Player:
    """One player of a request, read once for all systems."""

    row: Mapping[str, Any]
    main: Decimal | None
    tested: tuple[Decimal, ...]
    best: Mapping[Decimal, Best]
    line_snapshot_at: datetime | None
    suspicious: str | None = None
    """What is wrong of the main line; then none of the tested lines is judged, nor does any system see the line."""

    @classmethod
    def read(cls, player: Mapping[str, Any]) -> _Player:
        lines = player.get("lines")
        if not lines or lines.get("main") is None:
            return cls(player["features"], None, (), {}, None)
        current = offers(lines["books"])
        main = to_half(Decimal(str(lines["main"])))
        return cls(
            row=player["features"],
            main=main,
            tested=tuple(tested_lines(main, POINTS)),
            best=best_prices(current),
            line_snapshot_at=max((offer.snapshot_time for offer in current), default=None),
            suspicious=_doubt(current),
        )


def _doubt(current: Sequence[Offer]) -> str | None:
    """What is wrong of the main line where every book's is suspicious: then it is a suspicious one."""
    doubts = [offer.suspicious for offer in current if offer.is_main]
    return doubts[0] if doubts and all(doubts) else None


def _far_off(outputs: Sequence[SystemOutput], line: Floats) -> Mask:
    """Which of n lines (NaN: none) every system that has a figure without them holds for impossible."""
    means = np.stack([output.mean for output in outputs])
    with np.errstate(invalid="ignore"):
        deviations = (line - means) / np.stack([output.sd for output in outputs])
        far = (deviations > MOST_DEVIATIONS_ABOVE) | (deviations < -MOST_DEVIATIONS_BELOW)
    known = ~np.isnan(deviations)
    return np.asarray(known.any(axis=0) & (far | ~known).all(axis=0))


def predict_players(
    players: Sequence[Mapping[str, Any]],
    models: Models,
    policy: Policy,
    left_out: LeftOut = NONE_LEFT_OUT,
    *,
    explained: bool = True,
) -> list[dict[str, Any]]:
    """Rows of player_prop_predictions, without prediction_id, batch_id, created_at and updated_at.

    A player is {"features": row of ml_feature_store, "history": columns of his last games (pack_histories) or None,
    "lines": {"main": "24.5", "books": [{bookmaker, line, over, under, snapshot_time, is_main}]} or None}, as JSON
    brings it. Five rows a tested line, or five in all without a line; ordered by player as given, line, system.
    policy is what recommendations need (Settings). A system in left_out (system_id -> why) has rows with error_code
    breaker_open, or system_failed where why is that failure. The row of the main line, or without a line, has the
    explanation (explained=False: none has).
    Raises SchemaMismatch where features or history columns are missing, SystemFailed where one
    system's code fails.
    """
    if not players:
        return []
    read = [_Player.read(player) for player in players]
    names = {*FORMULA_FEATURES, *(models.xgboost.features if models.xgboost else ())}
    features = columns_of_rows([one.row for one in read], sorted(names))
    history = unpack_histories([player.get("history") for player in players])
    line = np.array([np.nan if one.main is None or one.suspicious else float(one.main) for one in read])
    outputs = all_outputs(features, history, line, models, left_out)
    far = _far_off(outputs[: len(BASE_SYSTEMS)], line)
    if far.any():
        read = [replace(one, suspicious=FAR_FROM_FORM) if off else one for one, off in zip(read, far, strict=True)]
        line = np.where(far, np.nan, line)
        outputs = all_outputs(features, history, line, models, left_out)
    why = explanations(features, history, line, models, outputs) if explained else {}
    tested = np.full((len(read), max([1, *(len(one.tested) for one in read)])), np.nan)
    for index, one in enumerate(read):
        tested[index, : len(one.tested)] = [float(value) for value in one.tested]
    chances = []
    for output in outputs:
        over, push = over_and_push(output.mean[:, None], output.sd[:, None] ** 2, tested)
        chances.append((np.round(over, DIGITS), np.round(push, DIGITS)))
    rows: list[dict[str, Any]] = []
    for index, one in enumerate(read):
        for position, value in enumerate(one.tested or (None,)):
            for output, (over, push) in zip(outputs, chances, strict=True):
                probability = (float(over[index, position]), float(push[index, position]))
                row = _row(one, output, index, value, probability, policy)
                if row["line_kind"] != "alternate" and output.system_id in why:
                    row["explanation"] = why[output.system_id][index]
                rows.append(row)
    return rows


def _row(
    player: _Player,
    output: SystemOutput,
    index: int,
    line: Decimal | None,
    probability: tuple[float, float],
    policy: Policy,
) -> dict[str, Any]:
    """One row of player_prop_predictions."""
    features, error = player.row, output.error_code[index]
    best = Best() if line is None else player.best.get(line, Best())
    row: dict[str, Any] = {
        "system_id": output.system_id,
        "model_version": output.model_version,
        "player_id": int(features["player_id"]),
        "player_lookup": features["player_lookup"],
        "game_id": features["game_id"],
        "game_date": _day(features["game_date"]),
        "tipoff_at": to_datetime(features["tipoff_at"]),
        "predicted_points": None,
        "predicted_sd": None,
        "line_value": line,
        "line_kind": "none" if line is None else ("main" if line == player.main else "alternate"),
        "bookmaker": None,
        "over_price": best.over,
        "under_price": best.under,
        "p_over": None,
        "p_push": None,
        "fair_over_price": None,
        "edge": None,
        "expected_value": None,
        "confidence_score": None,
        "recommendation": "NO_LINE" if line is None else "PASS",
        "reason": f"{error}; {output.error_message[index]}",
        "quality_score": features["quality_score"],
        "uses_market": bool(output.uses_market[index]),
        "predicted_points_no_market": None,
        "features_as_of": to_datetime(features["features_as_of"]),
        "line_snapshot_at": player.line_snapshot_at,
        "error_code": error,
        "error_message": output.error_message[index],
        "explanation": None,
        "over_bookmaker": best.over_book,
        "under_bookmaker": best.under_book,
        "side": None,
    }
    if error is not None:
        return row
    points = float(output.points[index])
    row["predicted_points"] = points
    row["predicted_sd"] = float(output.sd[index])
    row["predicted_points_no_market"] = float(output.points_no_market[index])
    if line is None:
        row["reason"] = f"no_line; {output.reason[index]}"
        return row
    if player.suspicious or best.suspicious:
        # no probability either: at a line that nobody means it would only flatter or spoil the figures of all others
        row["reason"] = f"{SUSPICIOUS}; {player.suspicious or best.suspicious}; {output.reason[index]}"
        return row
    over, push = probability
    decision = decide(over, push, best, policy)
    row.update(
        bookmaker=decision.bookmaker,
        side=decision.side,
        p_over=over,
        p_push=push,
        fair_over_price=fair_american(over, max(0.0, 1.0 - over - push)),
        edge=round(points - float(line), DIGITS),
        expected_value=decision.expected_value,
        confidence_score=decision.confidence,
        recommendation=decision.recommendation,
        reason=f"{decision.reason}; {output.reason[index]}",
    )
    return row


def _day(value: Any) -> date:
    if isinstance(value, datetime):
        return value.date()
    return value if isinstance(value, date) else date.fromisoformat(str(value))
