"""What the Odds API is asked for of one event, and what of its quota that costs.

Every market is asked for in one request, of games to come and of past ones. Quota is counted by
market and region (the-odds-api.com/liveapi/guides/v4: usage quota costs of event odds); a market
that nobody offers costs nothing, so that a cost here is the most it can be.
"""

from __future__ import annotations

from datetime import date

from shared.nba.stats import POINTS, STATS

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
    *(stat.market for stat in STATS.values() if stat is not POINTS),
    *(stat.alternate_market for stat in STATS.values()),
)
# Without these no day is predicted with a market: where nothing else is given, they are asked for
# alone.
LEAST_MARKETS = (POINTS.market, *GAME_MARKETS)
EVENT_COST = len(MARKETS) * len(REGIONS)
# Historical odds cost ten times the live ones, and a day's list of events one request.
PAST_EVENT_COST = 10 * EVENT_COST
PAST_LIST_COST = 1
# Player props are kept from then on (the-odds-api.com/historical-odds-data; game lines alone go
# back to June 2020).
FIRST_PAST_DAY = date(2023, 5, 4)
