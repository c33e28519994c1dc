"""Event odds as rows of player lines and game lines, each known when it was, and nothing dropped in silence."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from functions.phase2_raw.normalise.odds import LINES, PROPS, OddsRows
from tests.fake_sources import (
    DAY,
    event_odds,
    market,
    outcome,
)
from tests.normalised import FETCHED, normalised, sample


def odds(*markets: dict[str, Any], **changes: Any) -> dict[str, Any]:
    body = event_odds("event1")
    assert body is not None
    return (
        body
        | {"bookmakers": [{"key": "fanduel", "last_update": "2025-11-14T14:00:00Z", "markets": list(markets)}]}
        | changes
    )


def test_over_and_under_of_a_line_are_one_row_on_the_new_york_day() -> None:
    both = [outcome("Over", "Jimmy Butler III", 24.5, -115), outcome("Under", "Jimmy Butler III", 24.5, -105)]
    alternate = [outcome("Over", "Jimmy Butler III", 29.5, 2.5)]
    tables, problems = normalised(
        OddsRows, "odds", odds(market("player_points", both), market("player_points_alternate", alternate))
    )
    assert problems.sentences == []
    first, second = tables[PROPS]
    assert first == {
        "game_date": DAY, "event_id": "event1", "home_team": "LAL", "away_team": "LAC",
        "commence_time": datetime(2025, 11, 15, 3, 30, tzinfo=UTC), "bookmaker": "fanduel", "market": "player_points",
        "player_name": "Jimmy Butler III", "player_lookup": "jimmybutleriii", "player_lookup_base": "jimmybutler",
        "line": Decimal("24.5"), "over_price": -115, "under_price": -105,
        "snapshot_time": datetime(2025, 11, 14, 15, 0, tzinfo=UTC), "fetched_at": FETCHED, "run_id": "run-1",
        "source_file": "the/path", "answer_at": FETCHED,
    }  # fmt: skip
    assert (second["market"], second["line"], second["over_price"], second["under_price"]) == (
        "player_points_alternate", Decimal("29.5"), 150, None,
    )  # fmt: skip
    assert LINES not in tables


def test_half_points_and_whole_numbers_stay_apart() -> None:
    lines = [outcome("Over", "A B", point, -110) for point in (24.5, 25.0, 25, 25.5)]
    tables, _ = normalised(OddsRows, "odds", odds(market("player_points", lines)))
    assert [row["line"] for row in tables[PROPS]] == [Decimal("24.5"), Decimal("25"), Decimal("25.5")]


def test_a_book_without_prices_keeps_its_lines() -> None:
    lines = [outcome(side, "A B", 24.5, None) for side in ("Over", "Under")]
    tables, problems = normalised(OddsRows, "odds", odds(market("player_points", lines)))
    assert [(row["over_price"], row["under_price"]) for row in tables[PROPS]] == [(None, None)]
    assert problems.sentences == []


@pytest.mark.parametrize(
    ("bad", "said"),
    [
        (outcome("Over", "A B", 24.3, -110), "A B: line 24.3 is not in half points"),
        (outcome("Over", "A B", None, -110), "A B: line None"),
        (outcome("Over", "", 24.5, -110), "description '' is no player's name"),
        (outcome("Yes", "A B", 24.5, -110), "outcome 'Yes' of A B"),
        (outcome("Over", "A B", 24.5, 0.5), "A B: price 0.5"),
        (outcome("Over", "Good One", 20.5, -130), "Over 20.5 of Good One at both -110 and -130"),
    ],
)
def test_an_unreadable_line_is_named_and_the_others_are_kept(bad: dict[str, Any], said: str) -> None:
    good = outcome("Over", "Good One", 20.5, -110)
    tables, problems = normalised(OddsRows, "odds", odds(market("player_points", [good, bad])))
    assert [(row["player_name"], row["over_price"]) for row in tables[PROPS]] == [("Good One", -110)]
    [sentence] = problems.sentences
    assert sentence.startswith("the/path: event event1, fanduel, player_points: ")
    assert said in sentence


def test_a_line_was_known_at_its_last_update_but_never_after_it_was_seen() -> None:
    def known(last_update: Any, wrapped: bool = False) -> datetime:
        body: Any = odds(market("player_points", [outcome("Over", "A B", 20.5, -110)], last_update))
        body = {"timestamp": "2025-11-14T15:30:00Z", "data": body} if wrapped else body
        moment = normalised(OddsRows, "odds", body)[0][PROPS][0]["snapshot_time"]
        assert isinstance(moment, datetime)
        return moment

    assert known("2025-11-14T15:00:00Z") == datetime(2025, 11, 14, 15, 0, tzinfo=UTC)
    assert known("2025-11-14T10:00:00-05:00") == datetime(2025, 11, 14, 15, 0, tzinfo=UTC)
    assert known("2025-11-14T16:30:09Z") == FETCHED  # the bookmaker's clock is ahead
    assert known("2025-11-14T16:00:00Z", wrapped=True) == datetime(2025, 11, 14, 15, 30, tzinfo=UTC)
    assert known(None) == datetime(2025, 11, 14, 14, 0, tzinfo=UTC)  # the bookmaker's own


def test_the_captured_spreads_and_totals() -> None:
    body = json.loads(sample("odds_event_odds_spreads_totals_2024-01-25.json").read_text())
    tables, problems = normalised(OddsRows, "odds", body)
    assert problems.sentences == []
    found = [(r["bookmaker"], r["home_team"], r["home_spread"], r["total"]) for r in tables[LINES]]
    assert found == [
        ("draftkings", "GSW", Decimal("-6.5"), Decimal("248.5")),
        ("fanduel", "GSW", Decimal("-7.5"), Decimal("247.5")),
    ]
    assert {row["game_date"] for row in tables[LINES]} == {date(2024, 1, 24)}
    assert tables[LINES][0]["snapshot_time"] == datetime(2024, 1, 25, 3, 55, 22, tzinfo=UTC)


def test_one_game_market_alone_leaves_the_other_null() -> None:
    totals = market("totals", [{"name": "Over", "point": 231.5}, {"name": "Under", "point": 231.5}])
    tables, _ = normalised(OddsRows, "odds", odds(totals))
    assert [(row["home_spread"], row["total"]) for row in tables[LINES]] == [(None, Decimal("231.5"))]


def test_an_unknown_team_or_a_broken_event_is_counted() -> None:
    good = odds(market("player_points", [outcome("Over", "A B", 20.5, -110)]))
    tables, problems = normalised(
        OddsRows,
        "odds",
        odds(home_team="Seattle SuperSonics"),
        {"id": "x"},
        odds() | {"bookmakers": [{"key": "x"}]},
        good,
    )
    assert len(tables[PROPS]) == 1
    assert len(problems.sentences) == 3
    assert "Seattle SuperSonics" in problems.sentences[0]


def test_markets_nobody_asked_for_are_noted() -> None:
    _, problems = normalised(OddsRows, "odds", odds(market("player_assists", [])))
    assert problems.notes == {"markets player_assists": 1}
