"""The promotion gate: a new version against the one that serves, on the same rows, which neither
side has seen.

docs/adr/0024-promotion-gate.md says why it compares as it does. Pure: no store, no clock.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from math import sqrt
from typing import Any

import numpy as np

from shared.nba.stats import POINTS, STATS, Stat
from shared.science.evaluation import DayBootstrap
from shared.science.predictions.outputs import ModelsOf, all_outputs, with_parts
from shared.science.systems.columns import Floats
from shared.science.systems.output import ENSEMBLE, XGBOOST
from shared.science.training.rows import TrainingRows

# The last four weeks with games, some 3,400 rows in a season: of one week the interval would be
# twice as wide, and of a longer window the models that are judged would lack more of what they
# serve with.
COMPARED_GAME_DAYS = 28
# In the playoffs four weeks of game days are few rows; the window then begins earlier ...
COMPARED_ROWS = 1_000
# ... but never takes more than the last quarter of a short history, of which the rest must train a
# model.
LARGEST_SHARE = 0.25
# Of mean absolute error, in points; of another statistic as much of what a usual player's game
# differs by (`max_regression`). On four weeks of a season the interval reaches 0.01 to 0.02 to
# either side, so there it decides; on the few rows of the playoffs it reaches 0.04 and more, and
# would let pass what this does not.
MAX_REGRESSION = 0.02
SEED = 20251114

SEASON_AVERAGE = "season_average"
# What is compared: a system, and for the ensemble whether the line is an input.
Variant = tuple[str, bool]
VARIANTS: tuple[Variant, ...] = ((XGBOOST, False), (ENSEMBLE, False), (ENSEMBLE, True))
Forecasts = Mapping[Variant, Floats]


@dataclass(frozen=True)
class Comparison:
    """One variant on n rows of some days: mean absolute errors in the statistic's unit, and
    challenger minus champion with 95%. limit: a difference above it is too much in any case.
    """

    system: str
    market: bool
    limit: float
    n: int
    days: int
    candidate_mae: float
    serving_mae: float
    difference: float
    low: float
    high: float

    @property
    def worse(self) -> bool:
        """Clearly worse: the interval lies wholly above 0, or the difference is above the limit."""
        return self.low > 0 or self.difference > self.limit

    def describe(self, stat: str) -> str:
        """The difference in words, for the verdict on a model of a statistic."""
        market = {(ENSEMBLE, True): " with market", (ENSEMBLE, False): " without market"}
        return (
            f"{self.system}{market.get((self.system, self.market), '')} {self.difference:+.3f}"
            f" ({self.low:+.3f} to {self.high:+.3f}) {stat} on {self.n} rows"
        )


def window_start(rows: TrainingRows, *parts: TrainingRows) -> np.datetime64:
    """The first day of the comparison: what is judged must have been fitted on the days before it.

    It never moves back as days are added, so that a holdout model has not seen the window of any
    later training. parts: of a sum its parts' rows, whose models have seen the days before their
    own windows; where a box score lacks one of them, the sum has fewer rows, and alone would begin
    earlier.
    """
    return max(_window_start(each) for each in (rows, *parts))


def _window_start(rows: TrainingRows) -> np.datetime64:
    predicted = rows.day[rows.predicted]
    game_days = np.unique(predicted)
    start = min(
        game_days[max(0, len(game_days) - COMPARED_GAME_DAYS)],
        predicted[max(0, len(predicted) - COMPARED_ROWS)],
    )
    earliest = predicted[int((1 - LARGEST_SHARE) * (len(predicted) - 1))]
    first: np.datetime64 = max(start, earliest)
    return first


def max_regression(stat: Stat) -> float:
    """MAX_REGRESSION of a statistic, in its unit."""
    return round(MAX_REGRESSION * sqrt(stat.usual_variance / POINTS.usual_variance), 6)


def forecasts(models: ModelsOf, rows: TrainingRows) -> dict[Variant, Floats]:
    """Forecasts float64[n] of the rows' statistic as serving would say them, NaN where it would
    not; with market on lined rows only. models: its own, and of a sum its parts' too.
    """
    stat = STATS[rows.stat]
    lines = {each.name: rows.features[each.line_feature] for each in (stat, *with_parts([stat]))}
    every = all_outputs(rows.features, rows.history, lines, models, stats=[stat])
    outputs = {one.system_id: one for one in every[rows.stat]}
    combined = outputs[ENSEMBLE]
    return {
        (XGBOOST, False): outputs[XGBOOST].forecast,
        (ENSEMBLE, False): combined.forecast_no_market,
        (ENSEMBLE, True): np.where(np.isnan(rows.line), np.nan, combined.forecast),
    }


def season_averages(rows: TrainingRows) -> dict[Variant, Floats]:
    """The season average in the place of every variant: what a version is compared with where none
    can be.
    """
    known = rows.season_average
    lined = np.where(np.isnan(rows.line), np.nan, known)
    return {variant: lined if variant[1] else known for variant in VARIANTS}


def compare(rows: TrainingRows, challenger: Forecasts, champion: Forecasts) -> tuple[Comparison, ...]:
    """Every variant on the rows where both sides say something; left out where those are of too few
    days to judge.
    """
    found = []
    limit = max_regression(STATS[rows.stat])
    for variant in VARIANTS:
        mine, theirs = np.abs(challenger[variant] - rows.actual), np.abs(champion[variant] - rows.actual)
        both = ~np.isnan(mine) & ~np.isnan(theirs)
        if not both.any():
            continue
        day, difference = rows.day[both], mine[both] - theirs[both]
        interval = DayBootstrap(day, SEED).mean_interval(difference)
        if interval is None:
            continue
        found.append(
            Comparison(
                *variant,
                limit=limit,
                n=int(both.sum()),
                days=len(np.unique(day)),
                candidate_mae=_round(mine[both].mean()),
                serving_mae=_round(theirs[both].mean()),
                difference=_round(difference.mean()),
                low=_round(interval[0]),
                high=_round(interval[1]),
            )
        )
    return tuple(found)


@dataclass(frozen=True)
class Verdict:
    """The gate's decision on a challenger, and all that it rests on.

    against is the version that serves or season_average, judged_as says which of its models stood
    for it.
    """

    against: str
    judged_as: str
    first_day: str
    last_day: str
    comparisons: tuple[Comparison, ...]
    promoted: bool
    reason: str

    def document(self) -> dict[str, Any]:
        """JSON-ready, for metadata.json and the run's outcome."""
        compared = [{**asdict(each), "worse": each.worse} for each in self.comparisons]
        return {**asdict(self), "comparisons": compared}


def verdict(against: str, judged_as: str, rows: TrainingRows, comparisons: Sequence[Comparison]) -> Verdict:
    """Promoted where no variant is clearly worse: both systems are promoted together, or
    neither.
    """
    worse = [each.describe(rows.stat) for each in comparisons if each.worse]
    return Verdict(
        against=against,
        judged_as=judged_as,
        first_day=str(rows.day.min()),
        last_day=str(rows.day.max()),
        comparisons=tuple(comparisons),
        promoted=not worse,
        reason=f"worse than {against}: {'; '.join(worse)}" if worse else f"not worse than {against}",
    )


def _round(value: float) -> float:
    return round(float(value), 6)
