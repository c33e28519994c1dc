"""The bets there were before the games, and what the recommended ones came to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from itertools import groupby
from typing import Any

import numpy as np

from local.backtest.walk import Forecast
from shared.nba.stats import Stat
from shared.science.evaluation import Floats, Texts
from shared.science.predictions.lines import Best, Policy, best_prices, decide, offers, profit
from shared.science.systems.distribution import over_and_push
from shared.stores.ports import Warehouse
from shared.stores.warehouse.sql import read_sql

DIGITS = 6  # as serving stores them
NO_LINE = "NO_LINE"


def best_at(
    warehouse: Warehouse, stat: str, first: date, last: date, keys: Sequence[tuple[str, int]], line: Floats
) -> list[Best]:
    """For each (game_id, player_id) the best prices at exactly its line of a statistic (NaN: none),
    by serving's own rules.

    One query for all games from first to last.
    """
    days = {"first_date": first, "last_date": last}
    found = warehouse.query(read_sql("local.backtest", "player_lines"), {"stat": stat, **days})
    best: dict[tuple[str, int], dict[Decimal, Best]] = {}
    for key, books in groupby(found.to_pylist(), key=lambda row: (row["game_id"], row["player_id"])):
        current = offers({**book, "over": book["over_price"], "under": book["under_price"]} for book in books)
        best[key] = best_prices(current)
    return [
        Best() if np.isnan(value) else best.get(key, {}).get(Decimal(str(value)), Best())
        for key, value in zip(keys, line.tolist(), strict=True)
    ]


@dataclass(frozen=True)
class Bets:
    """n recommendations at the tested lines: see Scored, whose fields these are."""

    p_over: Floats
    p_push: Floats
    edge: Floats
    recommendation: Texts
    profit: Floats
    expected_value: Floats


def bets_of(stat: Stat, forecast: Forecast, line: Floats, best: Sequence[Best], actual: Floats, policy: Policy) -> Bets:
    """Recommended as in serving, and settled at what the players did; a price that is assumed never
    enters a profit.
    """
    without = probabilities_of(stat, forecast, line)
    recommendation = without.recommendation.copy()
    gains, values = without.profit.copy(), without.expected_value.copy()
    for i in np.flatnonzero(~np.isnan(without.p_over)).tolist():
        over, push = float(without.p_over[i]), float(without.p_push[i])
        decision = decide(over, push, best[i], policy, float(forecast.plays[i]))
        recommendation[i] = decision.recommendation
        price = {"OVER": best[i].over, "UNDER": best[i].under}.get(decision.recommendation)
        if price is not None and decision.expected_value is not None:
            values[i] = decision.expected_value
            gains[i] = settle(decision.recommendation, float(actual[i] - line[i]), price)
    return replace(without, recommendation=recommendation, profit=gains, expected_value=values)


def probabilities_of(stat: Stat, forecast: Forecast, line: Floats) -> Bets:
    """What is said at the lines, and no bet: of lines whose prices nobody could have had."""
    over, push = over_and_push(forecast.mean, forecast.sd**2, line, stat)
    nothing = np.full(len(line), np.nan)
    return Bets(
        p_over=np.round(over, DIGITS),
        p_push=np.round(push, DIGITS),
        edge=np.round(forecast.point - line, DIGITS),
        recommendation=np.full(len(line), NO_LINE, dtype="<U8"),
        profit=nothing,
        expected_value=nothing,
    )


def settle(side: str, above: float, price: int) -> float:
    """Profit per unit staked at American odds of a bet whose player ended `above` over (-: under)
    the line.
    """
    if above == 0:
        return 0.0
    won = (above > 0) == (side == "OVER")
    return profit(price) if won else -1.0


def no_bets(rows: int) -> dict[str, Any]:
    """The fields of Bets for rows that are not tested at a line."""
    nothing = np.full(rows, np.nan)
    names = ("p_over", "p_push", "edge", "profit", "expected_value")
    return {**dict.fromkeys(names, nothing), "recommendation": np.full(rows, NO_LINE)}
