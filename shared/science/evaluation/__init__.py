"""The one evaluation package: grading, the training gate and the backtest take every accuracy
figure from here.

A figure of a system, of the line and of the season average is always computed on the same rows,
PASS never enters a hit rate, and rows of players without a line never mix with those with one.
"""

from shared.science.evaluation.accuracy import bias, mean_absolute_error, root_mean_squared_error
from shared.science.evaluation.arrays import Days, Floats, Mask, Texts
from shared.science.evaluation.betting import (
    EDGES,
    Z_95,
    betting_figures,
    by_edge,
    hit_rate_interval,
    hit_rate_of,
    return_on_investment,
    wilson_interval,
)
from shared.science.evaluation.bootstrap import FEWEST_DAYS, RESAMPLES, DayBootstrap
from shared.science.evaluation.counts import (
    continuous_ranked_probability_score,
    interval_coverage,
    pit_histogram,
    probability_integral_transform,
)
from shared.science.evaluation.graded import Graded, Performance, performance
from shared.science.evaluation.over_time import Curve, cumulative, rolling_mean
from shared.science.evaluation.plausibility import alarms
from shared.science.evaluation.probability import (
    CALIBRATION_BINS,
    CalibrationBins,
    brier_score,
    calibration_bins,
    calibration_error,
    calibration_error_by_chance,
    log_loss,
    no_vig,
    over_of,
    probability_given_no_push,
)
from shared.science.evaluation.scored import Scored
from shared.science.evaluation.summary import summarise

__all__ = [
    "CALIBRATION_BINS",
    "EDGES",
    "FEWEST_DAYS",
    "RESAMPLES",
    "Z_95",
    "CalibrationBins",
    "Curve",
    "DayBootstrap",
    "Days",
    "Floats",
    "Graded",
    "Mask",
    "Performance",
    "Scored",
    "Texts",
    "alarms",
    "betting_figures",
    "bias",
    "brier_score",
    "by_edge",
    "calibration_bins",
    "calibration_error",
    "calibration_error_by_chance",
    "continuous_ranked_probability_score",
    "cumulative",
    "hit_rate_interval",
    "hit_rate_of",
    "interval_coverage",
    "log_loss",
    "mean_absolute_error",
    "no_vig",
    "over_of",
    "performance",
    "pit_histogram",
    "probability_given_no_push",
    "probability_integral_transform",
    "return_on_investment",
    "rolling_mean",
    "root_mean_squared_error",
    "summarise",
    "wilson_interval",
]
