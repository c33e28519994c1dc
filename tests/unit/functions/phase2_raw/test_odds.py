"""Event odds as rows of player lines and game lines, each known when it was, and nothing dropped in
silence.
"""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from functions.phase2_raw.normalise.odds import LINES, PROPS, OddsRows
from functions.phase2_raw.normalise.rows import Problems
from shared.nba.stats import STATS, Stat
from shared.stores.ports import DateRange
from shared.stores.raw_files import RawAnswer, RawContent
from tests.support.fake_sources import DAY, event_odds, market, outcome
from tests.support.normalised import FETCHED, normalise, sample


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
    tables, problems = normalise(
        OddsRows, "odds", odds(market("player_points", both), market("player_points_alternate", alternate))
    )
    assert problems.sentences == []
    first, second = tables[PROPS]
    assert first == {
        "game_date": DAY, "event_id": "event1", "home_team": "LAL", "away_team": "LAC",
        "commence_time": datetime(2025, 11, 15, 3, 30, tzinfo=UTC), "bookmaker": "fanduel", "market": "player_points",
        "stat": "points", "player_name": "Jimmy Butler III", "player_lookup": "jimmybutleriii",
        "player_lookup_base": "jimmybutler",
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
    tables, _ = normalise(OddsRows, "odds", odds(market("player_points", lines)))
    assert [row["line"] for row in tables[PROPS]] == [Decimal("24.5"), Decimal("25"), Decimal("25.5")]


def test_a_book_without_prices_keeps_its_lines() -> None:
    lines = [outcome(side, "A B", 24.5, None) for side in ("Over", "Under")]
    tables, problems = normalise(OddsRows, "odds", odds(market("player_points", lines)))
    assert [(row["over_price"], row["under_price"]) for row in tables[PROPS]] == [(None, None)]
    assert problems.sentences == []


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        (outcome("Over", "A B", 24.3, -110), "A B: line 24.3 is not in half points"),
        (outcome("Over", "A B", None, -110), "A B: line None"),
        (outcome("Over", "", 24.5, -110), "description '' is no player's name"),
        (outcome("Yes", "A B", 24.5, -110), "outcome 'Yes' of A B"),
        (outcome("Over", "A B", 24.5, 0.5), "A B: price 0.5"),
        (outcome("Over", "Good One", 20.5, -130), "Over 20.5 of Good One at both -110 and -130"),
    ],
)
def test_an_unreadable_line_is_named_and_the_others_are_kept(bad: dict[str, Any], message: str) -> None:
    good = outcome("Over", "Good One", 20.5, -110)
    tables, problems = normalise(OddsRows, "odds", odds(market("player_points", [good, bad])))
    assert [(row["player_name"], row["over_price"]) for row in tables[PROPS]] == [("Good One", -110)]
    [sentence] = problems.sentences
    assert sentence.startswith("the/path: event event1, fanduel, player_points: ")
    assert message in sentence


def test_a_line_was_known_at_its_last_update_but_never_after_it_was_seen() -> None:
    def known_at(last_update: Any, wrapped: bool = False) -> datetime:
        body: Any = odds(market("player_points", [outcome("Over", "A B", 20.5, -110)], last_update))
        body = {"timestamp": "2025-11-14T15:30:00Z", "data": body} if wrapped else body
        moment = normalise(OddsRows, "odds", body)[0][PROPS][0]["snapshot_time"]
        assert isinstance(moment, datetime)
        return moment

    assert known_at("2025-11-14T15:00:00Z") == datetime(2025, 11, 14, 15, 0, tzinfo=UTC)
    assert known_at("2025-11-14T10:00:00-05:00") == datetime(2025, 11, 14, 15, 0, tzinfo=UTC)
    assert known_at("2025-11-14T16:30:09Z") == FETCHED  # the bookmaker's clock is ahead
    assert known_at("2025-11-14T16:00:00Z", wrapped=True) == datetime(2025, 11, 14, 15, 30, tzinfo=UTC)
    assert known_at(None) == datetime(2025, 11, 14, 14, 0, tzinfo=UTC)  # the bookmaker's own


def test_the_captured_spreads_and_totals() -> None:
    body = json.loads(sample("odds_event_odds_spreads_totals_2024-01-25.json").read_text())
    tables, problems = normalise(OddsRows, "odds", body)
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
    tables, _ = normalise(OddsRows, "odds", odds(totals))
    assert [(row["home_spread"], row["total"]) for row in tables[LINES]] == [(None, Decimal("231.5"))]


def test_an_unknown_team_or_a_broken_event_is_counted() -> None:
    good = odds(market("player_points", [outcome("Over", "A B", 20.5, -110)]))
    tables, problems = normalise(
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
    _, problems = normalise(OddsRows, "odds", odds(market("player_blocks", [])))
    assert problems.notes == {"markets player_blocks": 1}


EMPTY = {"game_date": DAY, "home_team": "LAL", "away_team": "LAC", "event_id": "event1", "bookmaker": None,
         "snapshot_time": FETCHED, "answer_at": FETCHED, "fetched_at": FETCHED}  # fmt: skip
BAD_LINE = market("player_points", [outcome("Over", "A B", 250.5, -110)])


@pytest.mark.parametrize(
    ("kind", "books", "tables_with_a_row"),
    [
        ("player_points", [], {PROPS}),
        ("game_lines", [], {LINES}),
        ("event_odds", [], {PROPS, LINES}),
        ("player_points", [{"key": "fanduel", "markets": []}], {PROPS}),
        ("player_points", [{"key": "fanduel", "markets": [BAD_LINE]}], {PROPS}),
        ("player_points", [7], {PROPS}),
        ("kind", [], set()),
    ],
)
def test_an_answer_of_which_no_line_came_is_one_row_that_says_so(
    kind: str, books: list[Any], tables_with_a_row: set[str]
) -> None:
    tables, _ = normalise(OddsRows, "odds", odds(bookmakers=books), file_kind=kind)
    assert set(tables) == tables_with_a_row
    for rows in tables.values():
        [row] = rows
        assert {name: row[name] for name in EMPTY} == EMPTY
        assert {row[name] for name in ("player_name", "line", "market", "home_spread", "total") if name in row} == {
            None
        }


def read_asked(markets: str, *found: dict[str, Any]) -> dict[str, list[dict[str, Any]]]:
    """The rows of an answer that these markets were asked for."""
    normaliser = OddsRows(DateRange(DAY, DAY), Problems())
    answer = RawAnswer("odds", {"params": {"markets": markets}}, odds(*found))
    normaliser.add("p", RawContent("odds_api", "live_odds", DAY, "r", FETCHED, {}, [answer]))
    return {table: rows.to_pylist() for table, rows in normaliser.tables().items()}


def test_what_was_asked_for_says_what_the_answer_is_about() -> None:
    assert set(read_asked("player_points,player_points_alternate")) == {PROPS}
    assert set(read_asked("spreads,totals")) == {LINES}
    assert set(read_asked("player_points,spreads")) == {PROPS, LINES}


@pytest.mark.parametrize("stat", STATS.values(), ids=STATS.keys())
def test_every_statistic_is_read_from_its_markets(stat: Stat) -> None:
    line = [outcome("Over", "A B", 2.5, -110)]
    tables = read_asked(",".join(stat.markets), *(market(key, line) for key in stat.markets))
    assert [(row["stat"], row["market"], row["line"]) for row in tables[PROPS]] == [
        (stat.name, key, Decimal("2.5")) for key in stat.markets
    ]


def test_an_answer_has_a_row_without_a_bookmaker_of_each_statistic_that_nobody_offers() -> None:
    """Rebounds are offered as alternates alone, threes not at all; nobody asked for assists."""
    offered = market("player_rebounds_alternate", [outcome("Over", "A B", 6.5, -110)])
    tables = read_asked("player_points,player_rebounds,player_rebounds_alternate,player_threes", offered, GOOD)
    found = {(row["stat"], row["bookmaker"], row["market"]) for row in tables[PROPS]}
    assert found == {
        ("points", "fanduel", "player_points"),
        ("rebounds", "fanduel", "player_rebounds_alternate"),
        ("threes", None, None),
    }


@pytest.mark.parametrize(("kind", "stats"), [("player_points", {"points"}), ("live_odds", STATS.keys())])
def test_an_event_that_is_gone_is_offered_by_nobody_in_what_its_file_is_about(kind: str, stats: set[str]) -> None:
    normaliser = OddsRows(DateRange(DAY, DAY), Problems())
    gone = RawAnswer("gone", {}, [odds()])
    normaliser.add("p", RawContent("odds_api", kind, DAY, "r", FETCHED, {}, [gone]))
    tables = normaliser.tables()
    assert {row["stat"] for row in tables[PROPS].to_pylist()} == stats
    assert (LINES in tables) == (kind == "live_odds")


def test_a_historical_answer_stands_for_its_own_moment() -> None:
    body = {"timestamp": "2025-11-14T15:55:38Z", "data": odds(bookmakers=[])}
    [row] = normalise(OddsRows, "odds", body, file_kind="player_points")[0][PROPS]
    known = datetime(2025, 11, 14, 15, 55, 38, tzinfo=UTC)
    assert (row["answer_at"], row["snapshot_time"], row["fetched_at"]) == (known, known, FETCHED)
    ahead = {"timestamp": "2025-11-14T18:00:00Z", "data": odds(bookmakers=[])}
    [row] = normalise(OddsRows, "odds", ahead, file_kind="player_points")[0][PROPS]
    assert row["answer_at"] == FETCHED


def test_an_event_with_a_line_has_no_row_without_a_bookmaker() -> None:
    lines = odds(market("player_points", [outcome("Over", "A B", 20.5, -110)]))
    tables, _ = normalise(OddsRows, "odds", lines, odds(id="event2", bookmakers=[]), file_kind="player_points")
    assert [(row["event_id"], row["bookmaker"]) for row in tables[PROPS]] == [("event1", "fanduel"), ("event2", None)]


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        (outcome("Over", "A B", 100.5, -110), "line 100.5 is not within 0.5 to 100"),
        (outcome("Over", "A B", 20.5, 1_000_000), "price 1000000 is not within -100000 to 20000"),
        (outcome("Over", "A B", 20.5, 2**63), "is not within -100000 to 20000"),
        (outcome("Over", "A B", 20.5, int("9" * 400)), "price a whole number of some"),
        (outcome("Over", "A B", 20.5, 1e300), "price 1e+300 is not within"),
        (outcome("Over", "A B", 20.5, 1.00001), "price 1.00001 is -10000000 in American odds"),
        (outcome("Over", "A B", int("9" * 400), -110), "line a whole number of some"),
        (outcome("Over", "A B", float("nan"), -110), "line nan"),
        (outcome("Over", "A B", [20.5], -110), "line a list of 1"),
        (outcome("Over", "A B", True, -110), "line True"),
        (outcome(["Over"], "A B", 20.5, -110), "outcome a list of 1 of A B"),  # type: ignore[arg-type]
        (outcome("Over", ["A B"], 20.5, -110), "description a list of 1"),  # type: ignore[arg-type]
        (outcome("Over", "A\ud800B", 20.5, -110), "is no player's name"),
        (outcome("Over", "A" * 101, 20.5, -110), "is no player's name"),
        (None, "an outcome is None, not an object"),
        ("x", "an outcome is 'x', not an object"),
    ],
)
def test_an_outcome_that_cannot_be_costs_itself_alone(bad: Any, message: str) -> None:
    good = outcome("Over", "Good One", 20.5, -110)
    tables, problems = normalise(OddsRows, "odds", odds(market("player_points", [bad, good])))
    assert [(row["player_name"], row["over_price"]) for row in tables[PROPS]] == [("Good One", -110)]
    [sentence] = problems.sentences
    assert message in sentence
    sentence.encode()


def test_a_price_that_is_nan_is_missing_and_named() -> None:
    lines = [outcome("Over", "A B", 20.5, float("nan")), outcome("Under", "A B", 20.5, -110)]
    tables, problems = normalise(OddsRows, "odds", odds(market("player_points", lines)))
    assert [(row["over_price"], row["under_price"]) for row in tables[PROPS]] == [(None, -110)]
    assert "A B: the price of Over is NaN, taken as missing" in problems.sentences[0]


def totals(point: Any) -> dict[str, Any]:
    return market("totals", [{"name": side, "point": point} for side in ("Over", "Under")])


def spreads(point: Any) -> dict[str, Any]:
    return market("spreads", [{"name": "Los Angeles Lakers", "point": point}])


def test_a_total_with_the_noise_of_binary_fractions_is_exact() -> None:
    tables, problems = normalise(OddsRows, "odds", odds(totals(231.00000000000003)))
    assert tables[LINES][0]["total"] == Decimal("231")
    assert problems.sentences == []


@pytest.mark.parametrize(
    "point", [0, -99, 1e9, 10**26, int("9" * 400), float("nan"), float("inf"), "231", [231], None, True]
)
def test_a_total_that_cannot_be_costs_no_spread(point: Any) -> None:
    tables, problems = normalise(OddsRows, "odds", odds(totals(point), spreads(-6.5)))
    assert [(row["home_spread"], row["total"]) for row in tables[LINES]] == [(Decimal("-6.5"), None)]
    assert len(problems.sentences) == 1


@pytest.mark.parametrize("point", [1e9, -1e9, 76, 2**63, float("inf"), "pk", {}, None, False])
def test_a_spread_that_cannot_be_costs_no_total(point: Any) -> None:
    tables, problems = normalise(OddsRows, "odds", odds(spreads(point), totals(231.5)))
    assert [(row["home_spread"], row["total"]) for row in tables[LINES]] == [(None, Decimal("231.5"))]
    assert len(problems.sentences) == 1


GOOD = market("player_points", [outcome("Over", "A B", 20.5, -110)])


@pytest.mark.parametrize("bad", [None, 7, "x", [], {}, {"key": []}, {"key": "player_points"}, {**GOOD, "outcomes": 7}])
def test_a_bad_market_costs_no_other_and_a_bad_book_neither(bad: Any) -> None:
    book = {"key": "draftkings", "markets": [bad, GOOD]}
    tables, problems = normalise(OddsRows, "odds", odds(bookmakers=[bad, book, {"key": "fanduel", "markets": [GOOD]}]))
    assert [row["bookmaker"] for row in tables[PROPS]] == ["draftkings", "fanduel"]
    assert problems.refused == 2


@pytest.mark.parametrize("update", ["0001-01-01T00:00:00Z", "9999-12-31T00:00:00Z", 7, [], "soon"])
def test_a_market_of_an_impossible_time_costs_no_other(update: Any) -> None:
    tables, problems = normalise(OddsRows, "odds", odds({**GOOD, "last_update": update}, totals(231.5)))
    assert [row["bookmaker"] for row in tables[PROPS]] == [None]
    assert len(tables[LINES]) == 1
    assert "last_update is " in problems.sentences[0]


@pytest.mark.parametrize(
    "changes",
    [
        {"commence_time": "0001-01-01T00:00:00Z"}, {"commence_time": "9999-12-31T23:59:59-14:00"},
        {"commence_time": 10**26}, {"id": ["x"]}, {"id": "\ud800"}, {"home_team": ["LAL"]}, {"home_team": None},
        {"home_team": "Los Angeles Clippers"}, {"bookmakers": None}, {"bookmakers": "x"}, {"bookmakers": {}},
    ],
)  # fmt: skip
def test_a_bad_event_costs_no_other(changes: dict[str, Any]) -> None:
    tables, problems = normalise(OddsRows, "odds", odds(GOOD, **changes), odds(GOOD), file_kind="player_points")
    assert [row["bookmaker"] for row in tables[PROPS]] == ["fanduel"]
    assert problems.refused == 1
