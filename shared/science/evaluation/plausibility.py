"""Figures too good to be true: the sentence that says so, and where to look."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from shared.nba.stats import STATS

# Break-even at -110 is 52.4%; nobody wins more than 57% over hundreds of bets against the main
# lines.
BEST_HIT_RATE = 0.57
# Below this many rows or bets chance alone gets there: 285 of 500 is three standard errors above a
# coin.
ENOUGH = 500


def alarms(figures: Mapping[str, Any], rows: str) -> list[str]:
    """Sentences for a person, none where all is plausible.

    `figures` has stat, system, mae, line_mae, n, hit_rate and bets as in backtest.json or
    system_daily_performance, and market if there are variants; `rows` names the rows ("lined").
    Errors are judged by the statistic's least_mae, and only on rows with a line: other players
    score less. Of a statistic that this release does not know, bets alone are judged.
    """
    name, stat = str(figures["system"]), str(figures["stat"])
    if "market" in figures:
        name += " with market" if figures["market"] else " without market"
    name += f" on {stat}"
    found = []
    mae, n = figures["mae"], figures["n"]
    least = STATS[stat].least_mae if stat in STATS else 0.0
    if figures["line_mae"] is not None and mae is not None and n > ENOUGH and mae < least:
        found.append(
            f"{name}, {rows}: a mean absolute error of {mae:.3f} on {n:,} rows with a line is below "
            f"{least}, where published claims turned out to be leaks. Look for a feature that knows the "
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
