"""Graded predictions and their figures over a window: what grading writes and exports show.

Main lines only, so that a player-game counts once; PASS never enters a hit rate, and rows of
players without a line never mix with those with one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from shared.science.evaluation.accuracy import bias, mean_absolute_error
from shared.science.evaluation.arrays import Floats, Texts
from shared.science.evaluation.betting import hit_rate_of, return_on_investment
from shared.science.evaluation.probability import brier_score, calibration_error, over_of


@dataclass(frozen=True)
class Graded:
    """Graded predictions of one system over one window: the columns of prediction_accuracy,
    parallel arrays.

    Numbers are float64 with NaN for NULL (line_value and actual too); outcome, line_kind and
    recommendation are text.
    """

    predicted: Floats
    actual: Floats
    line_value: Floats
    season_average: Floats
    p_over: Floats
    p_push: Floats
    profit: Floats
    line_kind: Texts
    outcome: Texts
    recommendation: Texts

    @classmethod
    def of(cls, columns: Mapping[str, Any]) -> Graded:
        """From columns by name (lists with None, or arrays), others ignored."""

        def numbers(name: str) -> Floats:
            return np.array([np.nan if v is None else float(v) for v in columns[name]], dtype=np.float64)

        def texts(name: str) -> Texts:
            return np.array(["" if v is None else str(v) for v in columns[name]], dtype=np.str_)

        return cls(
            predicted=numbers("predicted"),
            actual=numbers("actual"),
            line_value=numbers("line_value"),
            season_average=numbers("season_average"),
            p_over=numbers("p_over"),
            p_push=numbers("p_push"),
            profit=numbers("profit"),
            line_kind=texts("line_kind"),
            outcome=texts("outcome"),
            recommendation=texts("recommendation"),
        )

    def __len__(self) -> int:
        return len(self.predicted)


@dataclass(frozen=True)
class Performance:
    """One system over one window; names and meanings are system_daily_performance's.

    None: no row to say it from.
    """

    n: int
    mae: float | None
    bias: float | None
    line_mae: float | None
    season_avg_mae: float | None
    bets: int
    wins: int
    pushes: int
    passes: int
    voids: int
    hit_rate: float | None
    hit_rate_low: float | None
    hit_rate_high: float | None
    roi: float | None
    priced_bets: int
    priced_wins: int
    priced_pushes: int
    brier: float | None
    calibration_error: float | None
    n_unlined: int
    mae_unlined: float | None

    def as_row(self) -> dict[str, Any]:
        """Columns of system_daily_performance, figures rounded to six decimals."""
        return {k: round(v, 6) if isinstance(v, float) else v for k, v in asdict(self).items()}


def performance(graded: Graded) -> Performance:
    """Every figure of one system's graded rows.

    Decisions at an assumed price are bets and wins too, as each line is judged; priced_bets and
    what begins with priced_ is of those that somebody could make.

    Main lines only, so that a player-game counts once; mae, line_mae and season_avg_mae on the same
    rows: those where the prediction, the line, the season average and the actual points are all
    known. Where no row has a season average (opening night), the other two are compared without it.
    """
    main, unlined = graded.line_kind == "main", graded.line_kind == "none"
    known = ~(np.isnan(graded.predicted) | np.isnan(graded.actual))
    compared = main & known & ~np.isnan(graded.line_value)
    averaged = compared & ~np.isnan(graded.season_average)
    compared = averaged if averaged.any() else compared
    predicted, actual = graded.predicted[compared], graded.actual[compared]
    staked = main & np.isin(graded.recommendation, ("OVER", "UNDER"))
    wins = int((staked & (graded.outcome == "win")).sum())
    bets = wins + int((staked & (graded.outcome == "loss")).sum())
    settled = staked & np.isin(graded.outcome, ("win", "loss", "push"))
    priced = settled & ~np.isnan(graded.profit)
    profit = graded.profit[priced]
    chance = main & known & ~np.isnan(graded.p_over)
    over = over_of(graded.actual[chance], graded.line_value[chance])
    p_over, p_push = graded.p_over[chance], np.nan_to_num(graded.p_push[chance])
    alone = unlined & known
    return Performance(
        n=int(compared.sum()),
        mae=mean_absolute_error(predicted, actual),
        bias=bias(predicted, actual),
        line_mae=mean_absolute_error(graded.line_value[compared], actual),
        season_avg_mae=mean_absolute_error(graded.season_average[compared], actual),
        bets=bets,
        wins=wins,
        pushes=int((staked & (graded.outcome == "push")).sum()),
        passes=int((main & (graded.recommendation == "PASS") & (graded.outcome != "void")).sum()),
        voids=int((main & (graded.outcome == "void")).sum()),
        **hit_rate_of(wins, bets),
        roi=return_on_investment(profit),
        priced_bets=len(profit),
        priced_wins=int((priced & (graded.outcome == "win")).sum()),
        priced_pushes=int((priced & (graded.outcome == "push")).sum()),
        brier=brier_score(p_over, p_push, over),
        calibration_error=calibration_error(p_over, p_push, over),
        n_unlined=int(alone.sum()),
        mae_unlined=mean_absolute_error(graded.predicted[alone], graded.actual[alone]),
    )
