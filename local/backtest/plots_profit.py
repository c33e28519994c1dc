"""What the recommended bets would have won, day by day."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

from local.backtest.drawing import BOOK, blank, colour
from shared.science.evaluation import DayBootstrap, Floats, Mask, Scored, cumulative, return_on_investment

# Shares of the stake. 0.02 is what a recommendation needs anyway.
VALUES = (0.05, 0.10)
# Units of the statistic, where a backtest knows no expected values.
EDGES = (1.0, 2.0)


def days_with_profit(scored: Scored) -> int:
    """On how many days a bet was settled at a price: a curve needs two."""
    return len(np.unique(scored.day[scored.staked & ~np.isnan(scored.profit)]))


def profit_curves(scored: Scored, seed: int) -> Figure:
    """Cumulative units at stake 1 a bet: all bets, and those of at least an expected value (or
    edge).
    """
    profit = np.where(scored.staked, scored.profit, np.nan)
    value, limits, label = _strength(scored)
    panels = [("all bets", scored.staked)]
    panels += [(label.format(limit), scored.staked & (value >= limit)) for limit in limits]
    days = DayBootstrap(scored.day, seed)
    figure, axes = blank(len(panels), height=4.0, sharey=True)
    for axis, (name, inside) in zip(axes, panels, strict=True):
        chosen = np.where(inside, profit, np.nan)
        roi, interval = return_on_investment(chosen), days.mean_interval(chosen)
        curve = cumulative(chosen, days)
        axis.axhline(0, color=BOOK, linewidth=1)
        axis.fill_between(curve.day, curve.low, curve.high, color=colour(scored), alpha=0.18, linewidth=0)
        axis.plot(curve.day, curve.value, color=colour(scored))
        bounds = f" [{interval[0]:+.1%}, {interval[1]:+.1%}]" if interval else ""
        found = "no bet" if roi is None else f"ROI {roi:+.1%}{bounds}"
        axis.set_title(f"{name}, {_describe_bets(scored, inside)}\n{found}", fontsize=8)
    axes[0].set_ylabel("units won, stake 1 a bet")
    return figure


def _describe_bets(scored: Scored, inside: Mask) -> str:
    """The number of bets as every table has it, pushes apart; then how many pushed, and how many
    had no price.
    """
    bets = int((inside & ~np.isnan(scored.won)).sum())
    pushes = int((inside & np.isnan(scored.won)).sum())
    unpriced = int((inside & np.isnan(scored.profit)).sum())
    besides = [f"{pushes:,} pushed"] if pushes else []
    besides += [f"{unpriced:,} without a price"] if unpriced else []
    return f"n = {bets:,}" + (f" ({', '.join(besides)})" if besides else "")


def _strength(scored: Scored) -> tuple[Floats, tuple[float, ...], str]:
    if scored.expected_value is not None:
        return scored.expected_value, VALUES, "expected value {:.0%} or more"
    return scored.edge_of_bet, EDGES, f"edge {{:.0f}} {scored.stat} or more"
