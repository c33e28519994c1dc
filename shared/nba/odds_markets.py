"""What the Odds API is asked for of one event, and what of its quota that costs.

Every market is asked for in one request, of games to come and of past ones. Quota is counted by
market and region (the-odds-api.com/liveapi/guides/v4: usage quota costs of event odds); a market
that nobody offers costs nothing, so that a cost here is the most it can be.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from shared.core.errors import ConfigError
from shared.nba.stats import OTHERS, POINTS, STATS

GAME_MARKETS = ("spreads", "totals")
# us: the bookmakers; us_dfs: PrizePicks and Underdog. Each region and market costs quota, so no
# others.
REGIONS = ("us", "us_dfs")
# The last matters least: what is refused without a name is sought from the end. Alternates are
# asked for of every statistic: the lines beside the main one are tested, and have their best prices
# there.
MARKETS = (
    POINTS.market,
    *GAME_MARKETS,
    *(stat.market for stat in OTHERS.values()),
    *(stat.alternate_market for stat in STATS.values()),
)
# Without these no day is predicted with a market: where nothing else is given, they are asked for
# alone.
LEAST_MARKETS = (POINTS.market, *GAME_MARKETS)
# Historical odds cost ten times the live ones, and a day's list of events one request.
_PAST = 10
PAST_LIST_COST = 1
# Player props are kept from then on (the-odds-api.com/historical-odds-data; game lines alone go
# back to June 2020).
FIRST_PAST_DAY = date(2023, 5, 4)


def choose_markets(odds_stats: str) -> tuple[str, ...]:
    """What is asked for of an event where these statistics' lines are wanted (the setting
    ODDS_STATS: names with commas between; empty: all), in the order of MARKETS.

    Raises ConfigError for a name that is none of a statistic, and where points are not among them:
    without their lines no day is predicted with a market.
    """
    wanted = [name.strip() for name in odds_stats.split(",") if name.strip()]
    unknown = [name for name in wanted if name not in STATS]
    if unknown or (wanted and POINTS.name not in wanted):
        what = f"{unknown[0]!r} is no statistic" if unknown else f"{POINTS.name} are not among them"
        raise ConfigError(
            f"ODDS_STATS={odds_stats!r}: {what}.", next_step=f"name {POINTS.name} and others of {', '.join(STATS)}."
        )
    kept = {market for name in wanted or STATS for market in STATS[name].markets}
    return tuple(market for market in MARKETS if market in kept or market in GAME_MARKETS)


def event_cost(markets: Sequence[str], *, past: bool = False) -> int:
    """The most of the quota that these markets of one event can cost."""
    return len(markets) * len(REGIONS) * (_PAST if past else 1)
