"""Figures too good to be true: the sentence that says so, and where to look."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

# Published claims under about 4.5 points on players with lines have turned out to be leaks
# (../shared/nba/README.md); the bookmaker himself is at 5.0 to 5.3.
LEAST_LINED_MAE = 4.5
# Break-even at -110 is 52.4%; nobody wins more than 57% over hundreds of bets against the main
# lines.
BEST_HIT_RATE = 0.57
# Below this many rows or bets chance alone gets there: 285 of 500 is three standard errors above a
# coin.
ENOUGH = 500


def alarms(figures: Mapping[str, Any], rows: str) -> list[str]:
    """Sentences for a person, none where all is plausible.

    `figures` has system, mae, line_mae, n, hit_rate and bets as in backtest.json or Performance,
    and market if there are variants; `rows` names the rows ("lined"). Only errors on rows with a
    line are judged: other players score less.
    """
    name = str(figures["system"])
    if "market" in figures:
        name += " with market" if figures["market"] else " without market"
    found = []
    mae, n = figures["mae"], figures["n"]
    if figures["line_mae"] is not None and mae is not None and n > ENOUGH and mae < LEAST_LINED_MAE:
        found.append(
            f"{name}, {rows}: a mean absolute error of {mae:.3f} points on {n:,} rows with a line is below "
            f"{LEAST_LINED_MAE}, where published claims turned out to be leaks. Look for a feature that knows the "
            "result: columns of the game itself, averages that include it, lines or news from after tip-off."
        )
    hit_rate, bets = figures["hit_rate"], figures["bets"]
    if hit_rate is not None and bets > ENOUGH and hit_rate > BEST_HIT_RATE:
        found.append(
            f"{name}, {rows}: a hit rate of {hit_rate:.1%} over {bets:,} bets is above {BEST_HIT_RATE:.0%} "
            "(break-even at -110 is 52.4%). Look for prices or lines from another moment than the prediction's, "
            "bets graded on another line than the recommended one, and the leaks named for errors."
        )
    return found
