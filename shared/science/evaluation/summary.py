"""Every figure of one system and variant: an object of backtest.json."""

from __future__ import annotations

from typing import Any

import numpy as np

from shared.science.evaluation.accuracy import bias, mean_absolute_error, root_mean_squared_error
from shared.science.evaluation.arrays import mean_of_known
from shared.science.evaluation.betting import betting_figures, by_edge
from shared.science.evaluation.bootstrap import DayBootstrap
from shared.science.evaluation.counts import continuous_ranked_probability_score, interval_coverage
from shared.science.evaluation.probability import brier_score, calibration_error, calibration_error_by_chance, log_loss
from shared.science.evaluation.scored import Scored

DIGITS = 6
LEVELS = {"coverage_50": 0.5, "coverage_80": 0.8, "coverage_95": 0.95}


def summarise(scored: Scored, seed: int) -> dict[str, Any]:
    """The figures under their names in backtest.json, rounded to six decimals; None where one does
    not apply.

    n, errors, CRPS and coverage are of the rows with a prediction, the line's errors and the
    averages' of the same ones; where an average is unknown for some, season_avg_n or last10_n is
    smaller than n. Probabilities are scored, the bookmaker's too, on the rows with the books'
    prices, or on all with a line where no row has prices; pushes do not count. Intervals are 95%,
    by bootstrap over days from `seed`.

    Raises ValueError where only some of the rows have a line: the two kinds of players never mix in
    a figure.
    """
    rows = scored.where(~(np.isnan(scored.predicted) | np.isnan(scored.actual)))
    days = DayBootstrap(rows.day, seed)
    figures = {**_errors(rows, days), **_probabilities(rows), **_distribution(rows), **_bets(rows, days)}
    of = {"stat": rows.stat, "system": rows.system, "market": rows.market, "n": len(rows)}
    return of | {name: _round(value) for name, value in figures.items()}


def _errors(rows: Scored, days: DayBootstrap) -> dict[str, Any]:
    lined = ~np.isnan(rows.line)
    if lined.any() and not lined.all():
        raise ValueError(f"{rows.label}: {int(lined.sum())} of {len(rows)} rows have a line; summarise them apart")
    difference = rows.line_difference
    interval = days.mean_interval(difference)
    return {
        "mae": mean_absolute_error(rows.predicted, rows.actual),
        "rmse": root_mean_squared_error(rows.predicted, rows.actual),
        "bias": bias(rows.predicted, rows.actual),
        "line_mae": mean_absolute_error(rows.line, rows.actual),
        "line_diff": mean_of_known(difference),
        "line_diff_low": interval[0] if interval else None,
        "line_diff_high": interval[1] if interval else None,
        "season_avg_mae": mean_absolute_error(rows.season_average, rows.actual),
        "season_avg_n": int((~np.isnan(rows.season_average)).sum()),
        "last10_mae": mean_absolute_error(rows.last10, rows.actual),
        "last10_n": int((~np.isnan(rows.last10)).sum()),
    }


def _probabilities(rows: Scored) -> dict[str, Any]:
    judged = rows.judged
    own = judged.p_over, np.nan_to_num(judged.p_push), judged.over
    book = judged.book_p_over, np.zeros(len(judged)), judged.over
    return {
        "log_loss": log_loss(*own),
        "book_log_loss": log_loss(*book),
        "brier": brier_score(*own),
        "book_brier": brier_score(*book),
        "calibration_error": calibration_error(*own),
        "calibration_error_by_chance": calibration_error_by_chance(*own),
        "probability_n": len(judged),
        "n_priced": int((~np.isnan(judged.book_p_over)).sum()),
    }


def _distribution(rows: Scored) -> dict[str, Any]:
    if rows.cdf is None:
        return {"crps": None, **dict.fromkeys(LEVELS)}
    covered = {name: interval_coverage(rows.cdf, rows.actual, level) for name, level in LEVELS.items()}
    return {"crps": continuous_ranked_probability_score(rows.cdf, rows.actual), **covered}


def _bets(rows: Scored, days: DayBootstrap) -> dict[str, Any]:
    won, profit = rows.won, np.where(rows.staked, rows.profit, np.nan)
    settled = ~np.isnan(won)
    return {
        **betting_figures(won, profit, days),
        "wins": int(won[settled].sum()),
        "pushes": int((rows.staked & (rows.actual == rows.tested_line)).sum()),
        "passes": int((rows.recommendation == "PASS").sum()),
        "by_edge": [{"stat": rows.stat, **each} for each in by_edge(rows.edge_of_bet, won, profit, days)],
    }


def _round(value: Any) -> Any:
    if isinstance(value, float):
        return round(value, DIGITS)
    if isinstance(value, dict):
        return {key: _round(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_round(each) for each in value]
    return value
