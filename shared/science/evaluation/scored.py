"""Predictions beside what happened: what a backtest is judged on."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np

from shared.science.evaluation.arrays import Days, Floats, Mask, Texts
from shared.science.evaluation.probability import over_of

BETS = ("OVER", "UNDER")


@dataclass(frozen=True, eq=False)  # arrays have no one answer to ==
class Scored:
    """One system and variant on n rows (player-games): parallel arrays, float64[n] unless said, NaN
    for unknown.

    Raises ValueError where an array has another length.
    """

    stat: str
    """What is predicted, by its name in shared/nba/stats.py; values, lines and errors are of it."""
    system: str
    market: bool
    """Whether the market's line was an input."""
    day: Days
    """datetime64[D], New York day of the game."""
    actual: Floats
    predicted: Floats
    """A mean or a median, whichever the system gives as its number."""
    cdf: Floats | None
    """float64[n, K]: P(value <= k) for k = 0..K-1; None for a system without a distribution."""
    line: Floats
    """The line errors are compared with; NaN in lists without a line."""
    season_average: Floats
    last10: Floats
    p_over: Floats
    """P(value > tested_line)."""
    p_push: Floats
    tested_line: Floats
    """The line that probabilities and the recommendation speak of; NaN: none."""
    book_p_over: Floats
    """The books' P(over) at tested_line without their margin, given no push; NaN without prices."""
    edge: Floats
    """predicted - tested_line."""
    recommendation: Texts
    """OVER, UNDER, PASS or NO_LINE."""
    profit: Floats
    """Of the recommended bet, stake 1: what was won, -1, or 0 for a push; NaN where it is no bet or
    had no price.
    """
    expected_value: Floats | None = None
    """Of the recommended bet, per unit staked, as known before the game; NaN as in profit."""

    def __post_init__(self) -> None:
        for name, values in self._arrays().items():
            if len(values) != len(self.actual):
                raise ValueError(f"{name} of {self.label} has {len(values)} rows, actual has {len(self.actual)}")

    def __len__(self) -> int:
        return len(self.actual)

    @property
    def label(self) -> str:
        """For people: "ensemble_v1 with market"."""
        return f"{self.system} {'with' if self.market else 'without'} market"

    @property
    def over(self) -> Floats:
        """1 over the tested line, 0 under it, NaN where it pushed or there is none."""
        return over_of(self.actual, self.tested_line)

    @property
    def staked(self) -> Mask:
        """Where a bet was recommended."""
        return np.isin(self.recommendation, BETS) & ~np.isnan(self.tested_line)

    @property
    def won(self) -> Floats:
        """1 for a bet won, 0 lost, NaN where it pushed or no bet was recommended."""
        hit = np.where(self.recommendation == "OVER", self.over, 1.0 - self.over)
        return np.where(self.staked, hit, np.nan)

    @property
    def edge_of_bet(self) -> Floats:
        """What lies between prediction and line towards the side of the bet; NaN where no bet was
        recommended.
        """
        return np.where(self.staked, np.where(self.recommendation == "OVER", self.edge, -self.edge), np.nan)

    @property
    def line_difference(self) -> Floats:
        """|predicted - actual| - |line - actual|: negative where the system was nearer than
        the line.
        """
        difference: Floats = np.abs(self.predicted - self.actual) - np.abs(self.line - self.actual)
        return difference

    @property
    def judged(self) -> Scored:
        """The rows probabilities are judged on: settled at a priced line; without a price at all,
        settled.
        """
        settled = ~(np.isnan(self.over) | np.isnan(self.p_over))
        priced = settled & ~np.isnan(self.book_p_over)
        return self.where(priced if priced.any() else settled)

    def where(self, chosen: Mask) -> Scored:
        """These rows only."""
        chosen_rows: dict[str, Any] = {name: values[chosen] for name, values in self._arrays().items()}
        return replace(self, **chosen_rows)

    def _arrays(self) -> dict[str, np.ndarray]:
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        return {name: value for name, value in values.items() if isinstance(value, np.ndarray)}
