"""P(over) against what happened: proper scores and calibration, for a system and for the bookmaker
alike.

Everywhere `over` is 1, 0, or NaN where the bet pushed or is void; rows with NaN do not count.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from shared.science.evaluation.arrays import Floats, mean_of_known

CALIBRATION_BINS = 10
# A probability of 0 that happened would cost infinitely much; at this limit it costs 13.8.
SUREST = 1e-6
# Odds between -100 and 100 exist nowhere: a flaw in a feed, no price.
LEAST_AMERICAN_ODDS = 100


def over_of(actual: Floats, line: Floats) -> Floats:
    """1 where actual points went over the line, 0 under it, NaN where they met it or either is
    unknown.
    """
    difference = actual - line
    return np.where(np.isnan(difference) | (difference == 0), np.nan, (difference > 0).astype(np.float64))


def probability_given_no_push(p_over: Floats, p_push: Floats) -> Floats:
    """P(over) among outcomes that settle the bet."""
    settled = np.where(p_push < 1.0, 1.0 - p_push, np.nan)
    result: Floats = p_over / settled
    return result


def no_vig(over_price: Floats, under_price: Floats) -> Floats:
    """P(over) behind a bookmaker's two American odds, his margin taken out in proportion; NaN
    without both prices.

    An implied probability is 1 / decimal odds; the two add up to more than 1 by the margin.
    """
    over, under = _implied_probability(over_price), _implied_probability(under_price)
    result: Floats = over / (over + under)
    return result


def _implied_probability(american: Floats) -> Floats:
    known = np.where(np.abs(american) >= LEAST_AMERICAN_ODDS, american, np.nan)
    risked = np.where(known < 0, -known, 100.0)
    return risked / (np.abs(known) + 100.0)


def log_loss(p_over: Floats, p_push: Floats, over: Floats) -> float | None:
    """Mean of -log of the probability, given no push, of what happened, in nats; a coin costs
    0.693.
    """
    probability = np.clip(probability_given_no_push(p_over, p_push), SUREST, 1.0 - SUREST)
    return mean_of_known(-over * np.log(probability) - (1.0 - over) * np.log1p(-probability))


def brier_score(p_over: Floats, p_push: Floats, over: Floats) -> float | None:
    """Mean squared error of P(over | no push) against over (1, 0; NaN where it pushed or is
    void).
    """
    return mean_of_known((probability_given_no_push(p_over, p_push) - over) ** 2)


@dataclass(frozen=True)
class CalibrationBins:
    """Rows sorted into equal widths of probability: per bin the rows, the overs, and the sum of
    probabilities.
    """

    count: NDArray[np.int64]
    overs: Floats
    probability: Floats


def calibration_bins(p_over: Floats, p_push: Floats, over: Floats, bins: int = CALIBRATION_BINS) -> CalibrationBins:
    """The bins of a reliability diagram; a probability of 1 is in the last one."""
    p, happened = _keep_settled(p_over, p_push, over)
    bin_of = _bin_of(p, bins)
    return CalibrationBins(
        count=np.bincount(bin_of, minlength=bins),
        overs=np.bincount(bin_of, weights=happened, minlength=bins).astype(np.float64),
        probability=np.bincount(bin_of, weights=p, minlength=bins).astype(np.float64),
    )


def calibration_error(p_over: Floats, p_push: Floats, over: Floats, bins: int = CALIBRATION_BINS) -> float | None:
    """Expected calibration error: mean over rows of |share of overs - mean probability| of the
    row's bin.

    Bins have equal width (Naeini, Cooper, Hauskrecht 2015). Rows as in brier_score.
    """
    binned = calibration_bins(p_over, p_push, over, bins)
    n = int(binned.count.sum())
    return float(np.abs(binned.overs - binned.probability).sum() / n) if n else None


def calibration_error_by_chance(
    p_over: Floats, p_push: Floats, over: Floats, bins: int = CALIBRATION_BINS
) -> float | None:
    """The calibration error that a forecast without any would show on average on these rows.

    A bin's overs then differ from the sum of its probabilities by a sum of independent rows, of
    variance sum p (1 - p), so by sqrt(2 / pi) of its standard deviation on average (the mean of a
    half-normal distribution). Rows and bins as in calibration_error.
    """
    p, _ = _keep_settled(p_over, p_push, over)
    variance = np.bincount(_bin_of(p, bins), weights=p * (1.0 - p), minlength=bins)
    return float(np.sqrt(2.0 / np.pi * variance).sum() / len(p)) if len(p) else None


def _keep_settled(p_over: Floats, p_push: Floats, over: Floats) -> tuple[Floats, Floats]:
    """P(over | no push) and what happened, of the rows where both are known."""
    probability = probability_given_no_push(p_over, p_push)
    known = ~(np.isnan(probability) | np.isnan(over))
    return probability[known], over[known]


def _bin_of(p: Floats, bins: int) -> NDArray[np.int64]:
    return np.minimum((p * bins).astype(np.int64), bins - 1)
