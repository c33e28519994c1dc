"""What is asked for of an event, and what it costs."""

from __future__ import annotations

import pytest

from shared.core.errors import ConfigError
from shared.nba.odds_markets import GAME_MARKETS, MARKETS, REGIONS, choose_markets, event_cost
from shared.nba.stats import STATS


@pytest.mark.parametrize("named", ["", " ", ",", ",".join(STATS), ",".join(reversed(list(STATS)))])
def test_all_statistics_are_asked_for_where_none_is_named(named: str) -> None:
    assert choose_markets(named) == MARKETS
    assert set(MARKETS) == {*GAME_MARKETS, *(market for stat in STATS.values() for market in stat.markets)}


def test_fewer_statistics_are_fewer_markets_and_less_quota() -> None:
    fewer = choose_markets("rebounds, points")
    alternates = ("player_points_alternate", "player_rebounds_alternate")
    assert fewer == ("player_points", *GAME_MARKETS, "player_rebounds", *alternates)
    assert event_cost(fewer) == 6 * len(REGIONS) == event_cost(MARKETS) - 4 * (len(STATS) - 2)
    assert event_cost(fewer, past=True) == 10 * event_cost(fewer)


@pytest.mark.parametrize(
    ("named", "what"),
    [
        ("points,dunks", "'dunks' is no statistic"),
        ("rebounds", "points are not among them"),
        ("Points", "'Points' is no"),
    ],
)
def test_what_cannot_be_meant_is_refused(named: str, what: str) -> None:
    with pytest.raises(ConfigError, match=what) as raised:
        choose_markets(named)
    assert "points" in raised.value.next_step
