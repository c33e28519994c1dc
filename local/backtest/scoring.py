"""Predictions beside what happened, as the evaluation wants them: every list on the rows that all
systems predict.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from local.backtest.bets import Bets, bets_of, no_bets, probabilities_of
from local.backtest.evaluation_rows import LINED, EvaluationRows
from local.backtest.rows import FeatureRows
from local.backtest.walk import Forecast, Variant, variants_of
from shared.nba.stats import STATS
from shared.science.evaluation import Floats, Mask, Scored
from shared.science.predictions.lines import Best, Policy
from shared.science.systems.distribution import cumulative

# The source of absences that nobody knew before the game.
DERIVED_SOURCE = "derived"
NO_LIST = "no injury list of the team"
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Asked:
    """All rows that some list asks for: n player-games of a world, by their rising row numbers in
    it.
    """

    world: FeatureRows
    places: Ints

    @property
    def keys(self) -> list[tuple[str, int]]:
        return list(zip(self.world.game[self.places].tolist(), self.world.player[self.places].tolist(), strict=True))

    @property
    def has_list(self) -> Mask:
        """Whether there was an injury list of the row's team at its own moment; absences that box
        scores show are none.
        """
        listed: Mask = ~np.isin(self.world.list_source[self.places], ("", DERIVED_SOURCE))
        return listed

    def tested_line(self, stat: str) -> Floats:
        """The line of a statistic as known before the game."""
        return self.world.known[stat].line[self.places]

    def actual(self, stat: str) -> Floats:
        """What the players did in a statistic."""
        return self.world.known[stat].actual[self.places]

    def of(self, rows: EvaluationRows) -> Ints:
        """Position of each evaluation row among these; -1 where it has no feature row."""
        position = np.full(len(self.world) + 1, -1, dtype=np.int64)  # the last one is for -1
        position[self.places] = np.arange(len(self.places))
        return position[self.world.places(rows.keys)]


def ask(world: FeatureRows, lists: Iterable[EvaluationRows]) -> Asked:
    """Every row that one of the lists asks for, once."""
    places = np.unique(np.concatenate([world.places(rows.keys) for rows in lists]))
    return Asked(world, places[places >= 0])


@dataclass(frozen=True)
class Scores:
    """One variant's forecast for all asked rows, with its distribution and its bets."""

    forecast: Forecast
    cdf: Floats
    bets: Bets


def answers(
    stat: str,
    asked: Asked,
    forecasts: Mapping[Variant, Forecast],
    best: Sequence[Best],
    policy: Policy,
    has_returns: bool,
) -> dict[Variant, Scores]:
    """Distributions and bets of one world's forecasts of a statistic; without returns no bet is
    made.
    """
    line, actual = asked.tested_line(stat), asked.actual(stat)
    found = {}
    for variant, forecast in forecasts.items():
        bets = (
            bets_of(STATS[stat], forecast, line, best, actual, policy)
            if has_returns
            else probabilities_of(STATS[stat], forecast, line)
        )
        found[variant] = Scores(forecast, distribution_of(forecast, stat), bets)
    return found


def distribution_of(forecast: Forecast, stat: str) -> Floats:
    """P(value <= k) for k = 0, 1, ... to one less than the statistic's highest line: float64[n,
    most].
    """
    most = int(STATS[stat].most)
    return cumulative(forecast.mean, forecast.sd**2, most - 1, STATS[stat])


def predicted_by_all(worlds: Sequence[Mapping[Variant, Forecast]]) -> Mask:
    """The rows that every variant predicts in every world: figures are compared on these alone."""
    known: Mask = np.all([~np.isnan(f.point) for forecasts in worlds for f in forecasts.values()], axis=0)
    return known


def count_left_out(
    rows: EvaluationRows, position: Ints, usable: Mask, worlds: Sequence[Mapping[Variant, Forecast]]
) -> dict[str, int]:
    """How many rows of a list are not compared, by reason; a row counts with the first system that
    failed.
    """
    reasons: Counter[str] = Counter(rows.why_not_on_a_roster(position < 0))
    for at in position[position >= 0]:
        if not usable[at]:
            failed = ((v, f) for forecasts in worlds for v, f in forecasts.items() if np.isnan(f.point[at]))
            (system, _), forecast = next(failed, ((NO_LIST, False), None))
            reasons[NO_LIST if forecast is None else f"{system}: {forecast.error[at]}"] += 1
    return dict(reasons)


def score(
    stat: str, kind: str, rows: EvaluationRows, asked: Asked, usable: Mask, found: Mapping[Variant, Scores]
) -> list[Scored]:
    """One list of a statistic: all variants on its usable rows.

    Lists without a line have neither probabilities nor bets.
    """
    position = asked.of(rows)
    compared = (position >= 0) & usable[position]
    at = position[compared]
    places = asked.places[at]
    world, n = asked.world, len(at)
    common: dict[str, Any] = {
        "day": world.day[places],
        "actual": world.known[stat].actual[places],
        "line": rows.line[compared],
        "season_average": world.known[stat].season_average[places],
        "last10": world.last10(stat)[places],
    }
    lined = kind == LINED
    nothing = np.full(n, np.nan)
    common["tested_line"] = asked.tested_line(stat)[at] if lined else nothing
    common["book_p_over"] = world.book_p_over(stat)[places] if lined else nothing
    result = []
    for system, market in variants_of(stat):
        answer = found[system, market]
        bets = {name: values[at] for name, values in vars(answer.bets).items()} if lined else no_bets(n)
        result.append(
            Scored(
                stat=stat,
                system=system,
                market=market,
                predicted=answer.forecast.point[at],
                cdf=answer.cdf[at],
                **common,
                **bets,
            )
        )
    return result
