"""What the recommended bets would have won, day by day."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

from local.backtest.drawing import BOOK, blank, colour
from shared.evaluation import DayBootstrap, Floats, Scored, cumulative, return_on_investment

# Shares of the stake. 0.02 is what a recommendation needs anyway.
VALUES = (0.05, 0.10)
# Points, where a backtest knows no expected values.
EDGES = (1.0, 2.0)


def profit_curves(scored: Scored, seed: int) -> Figure:
    """Cumulative units at stake 1 a bet: all bets, and those of at least an expected value (or edge)."""
    profit = np.where(scored.staked, scored.profit, np.nan)
    value, limits, said = _strength(scored)
    panels = [("all bets", profit)]
    panels += [(said.format(limit), np.where(value >= limit, profit, np.nan)) for limit in limits]
    days = DayBootstrap(scored.day, seed)
    figure, axes = blank(len(panels), height=4.0, sharey=True)
    for axis, (name, chosen) in zip(axes, panels, strict=True):
        roi, interval = return_on_investment(chosen), days.mean_interval(chosen)
        curve = cumulative(chosen, days)
        axis.axhline(0, color=BOOK, linewidth=1)
        axis.fill_between(curve.day, curve.low, curve.high, color=colour(scored), alpha=0.18, linewidth=0)
        axis.plot(curve.day, curve.value, color=colour(scored))
        bounds = f" [{interval[0]:+.1%}, {interval[1]:+.1%}]" if interval else ""
        found = "no bet" if roi is None else f"ROI {roi:+.1%}{bounds}"
        axis.set_title(f"{name}, n = {int((~np.isnan(chosen)).sum()):,}\n{found}")
    axes[0].set_ylabel("units won, stake 1 a bet")
    return figure


def _strength(scored: Scored) -> tuple[Floats, tuple[float, ...], str]:
    if scored.expected_value is not None:
        return scored.expected_value, VALUES, "expected value {:.0%} or more"
    return scored.edge_of_bet, EDGES, "edge {:.0f} points or more"
