"""What the books add to a figure: their line and its price, and what they did not know when they
made it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from shared.nba.stats import POINTS, Stat
from shared.science.systems.columns import Features, Floats, fill_unknown
from shared.science.systems.distribution import start_variance

# The feature that stands for late absences where a term is explained.
LATE = "teammates_out_lines"
# Until a player has this many games in a season, his form is last season's and the books know more
# of his role.
EARLY_GAMES = 10.0
# Books and feeds change from season to season: against all rows alike, this was nearer and better
# calibrated on 2024-25 (error 5.243 and 5.244, log loss 0.6916 and 0.6917, calibration error 0.0125
# and 0.0132).
HALF_LIFE = 180.0
# What is believed of line, early, price and late before any row, rounded from all lines to June
# 2025, and how firmly: a weight is held as if rows whose input adds up to this many points^2 had
# said so, of other statistics as many rows. An input that hardly occurs (a book's lines may begin
# in March, when nobody's season is early) would else be fitted to the chance of a few rows.
PRIOR_WEIGHTS = (0.5, 0.3, 0.5, 0.2)
_PRECISION_OF_POINTS = 2000.0


def features_of(stat: Stat) -> tuple[str, ...]:
    """The columns that the market's terms of a base statistic read, beside the line."""
    return (stat.price_feature, LATE, f"{stat.name}_share", "games_season")


def prior_precision(stat: Stat) -> float:
    """How firmly PRIOR_WEIGHTS are held, in the statistic's unit squared: of each by as many
    rows.
    """
    return _PRECISION_OF_POINTS * (stat.usual_variance / POINTS.usual_variance)


@dataclass(frozen=True)
class MarketCombination:
    """intercept + figure without + (line + early * e) * (main line - figure without) + price *
    shift + late * points.

    e falls from 1 before a player's first game of a season to 0 at EARLY_GAMES; no weight is
    negative.
    """

    intercept: float
    line: float
    early: float
    price: float
    late: float

    def terms(self, without: Floats, line: Floats, features: Features, stat: Stat) -> dict[str, Floats]:
        """What is added to the figure without, float64[n] by name; NaN where no line is known."""
        pull, early, price, late = _inputs(without, line, features, stat)
        return {
            stat.line_feature: self.line * pull + self.early * early,
            stat.price_feature: self.price * price,
            LATE: self.late * late,
        }

    def of(self, without: Floats, line: Floats, features: Features, stat: Stat) -> Floats:
        """What is expected of n rows; NaN where no line is known."""
        added = np.sum(list(self.terms(without, line, features, stat).values()), axis=0)
        return np.asarray(self.intercept + without + added)

    def describe(self) -> str:
        """The weights in words."""
        return f"{self.line:.2f} towards the line, {self.price:.2f} of its price, {self.late:.2f} of late absences"


def fit_market(
    stat: Stat, without: Floats, line: Floats, features: Features, actual: Floats, age: Floats
) -> MarketCombination:
    """Non-negative ridge regression, towards PRIOR_WEIGHTS, of what the figure without misses.

    Rows float64[n] with a line, all known. age is in days: a row weighs half as much as one that is
    HALF_LIFE days younger. Hoerl & Kennard 1970, with a mean of the prior that is not 0; Lawson &
    Hanson for the sign.
    """
    from scipy.optimize import nnls

    table = np.column_stack(_inputs(without, line, features, stat))
    missed = actual - without
    weight = 0.5 ** (age / HALF_LIFE)
    centre = np.average(table, axis=0, weights=weight)
    target = float(np.average(missed, weights=weight))
    root, firm = np.sqrt(weight), np.sqrt(prior_precision(stat))
    weights, _ = nnls(
        np.vstack([(table - centre) * root[:, None], firm * np.eye(len(PRIOR_WEIGHTS))]),
        np.concatenate([(missed - target) * root, firm * np.array(PRIOR_WEIGHTS)]),
    )
    rounded = np.round(weights, 6)
    return MarketCombination(round(target - float(centre @ rounded), 6), *(float(weight) for weight in rounded))


def shift_by_price(line: Floats, p_over: Floats, stat: Stat) -> Floats:
    """What the prices add to a line, float64[n] in the statistic's unit; 0 where no price is known,
    NaN where no line is.

    A line whose over is the likelier side by its prices stands for more than it says: by the normal
    quantile of the probability, in standard deviations of the statistic.
    """
    from scipy.special import ndtri

    shift = np.sqrt(start_variance(stat).of(np.maximum(line, 0.0), stat)) * ndtri(p_over)
    return np.where(np.isnan(line), np.nan, fill_unknown(shift, 0.0))


def _inputs(without: Floats, line: Floats, features: Features, stat: Stat) -> tuple[Floats, Floats, Floats, Floats]:
    """The four inputs in the statistic's unit: pull of the line, the same early in a season, shift
    by price, late absences.

    Points that absent team-mates were expected to score when the lines were made fall to a player
    by his share of the team's points; of another statistic its usual part of them, by his share of
    that.
    """
    pull = line - without
    games = fill_unknown(features["games_season"], 0.0)
    late = features[LATE] * features[f"{stat.name}_share"] * (stat.usual / POINTS.usual)
    return (
        pull,
        pull * np.maximum(0.0, 1.0 - games / EARLY_GAMES),
        shift_by_price(line, features[stat.price_feature], stat),
        np.where(np.isnan(line), np.nan, fill_unknown(late, 0.0)),
    )
