"""One bad event, game, team or row never costs its source: it is named and left out, and stays in
the raw file.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

from shared.nba.odds_markets import LEAST_MARKETS, MARKETS
from shared.nba.stats import STATS
from shared.stores.raw_files import decode_raw
from tests.pipeline.test_scrape_faults import PROPS, Chain, open_chain
from tests.support.fake_sources import GAMES, Reply, box_rows, box_scores, events, injuries, schedule

# What stands where a text, an object or a list should.
ODD: dict[str, Any] = {
    "null": None,
    "a list": [],
    "a list in a list": [[1]],
    "an object": {},
    "true": True,
    "zero": 0,
    "2^63": 2**63,
    "400 digits": int("9" * 400),
    "1e300": 1e300,
    "infinity": float("inf"),
    "NaN": float("nan"),
    "a lone surrogate": "\ud800",
    "empty": "",
    "blank": "  ",
    "superscript": "²²²²²²²²²²",
    "a long text": "x" * 100_000,
    "nested": json.loads("[" * 300 + "]" * 300),
}
# What stands where a moment should, beyond those.
NO_MOMENTS = [
    "0001-01-01T00:00:00Z", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59Z", "9999-12-31T23:59:59-12:00", "soon",
    "2025-11-15T00:30:00", "2025-11-15", "2025-02-30T00:00:00Z", "2025-11-15T00:30:00²", "1e300",
]  # fmt: skip


@pytest.fixture
def chain(tmp_path: Path) -> Iterator[Chain]:
    with open_chain(tmp_path) as found:
        yield found


def unreadable(chain: Chain, source: str, mode: str = "same_day") -> str:
    """The note of a source that went on without something."""
    scraped = chain.results() if mode == "results" else chain.scrape("same_day")
    assert (scraped.status, scraped.reason) == ("success", "")
    json.dumps(scraped.metadata, ensure_ascii=False).encode()  # it goes into messages and documents
    note: str = scraped.metadata["notes"][source]["unreadable"]
    assert len(note) < 1000
    return note


def files(chain: Chain) -> dict[str, Any]:
    """The first answer of each raw file, by kind."""
    read = [decode_raw(path, chain.runtime.raw.read(path).data) for path in chain.files()]
    return {content.kind: content.answers[0].body for content in read}


# --- events ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["commence_time", "id", "home_team", "the event"])
def test_bad_events_cost_themselves_alone(chain: Chain, name: str) -> None:
    values = [*ODD.values(), *(NO_MOMENTS if name == "commence_time" else [])]
    if name == "home_team":  # what is a text may be a team: phase 2 says which
        values = [value for value in values if not isinstance(value, str) or not value.strip()]
    bad = [
        value if name == "the event" else events()[0] | {"id": f"odd{number}", name: value}
        for number, value in enumerate(values)
    ]
    chain.sources.says["events"] = Reply.of([*bad, *events()])
    note = unreadable(chain, "odds")
    assert note.startswith(f"{len(values)} entries of the list of events left out, the first so: event 0: ")
    assert chain.sources.asked.count("live_odds") == 2


def test_an_event_without_commence_time_or_listed_twice_is_named(chain: Chain) -> None:
    without = {key: value for key, value in events()[0].items() if key != "commence_time"}
    chain.sources.says["events"] = Reply.of([*events(), events()[0], without | {"id": "event9"}])
    assert unreadable(chain, "odds") == (
        "2 entries of the list of events left out, the first so: event 2: id event0 is listed twice"
    )
    assert chain.sources.asked.count("live_odds") == 2
    # what came is what is kept
    assert len(files(chain)["live_odds"]) == 4


def test_an_id_that_would_be_another_address_is_no_id(chain: Chain) -> None:
    ids = ["../../x", "a/b", "a?b", "a b", "x" * 101, "é", "a\n", "a#b", "%2e%2e"]
    chain.sources.says["events"] = Reply.of([*events(), *(events()[0] | {"id": each} for each in ids)])
    assert unreadable(chain, "odds").startswith("9 entries")
    assert {path for path, _, _ in chain.sources.requests if "/events/" in path} == {
        f"/v4/sports/basketball_nba/events/event{number}/odds" for number in (0, 1)
    }


def test_a_repeated_execution_names_it_again(chain: Chain) -> None:
    chain.sources.says["events"] = Reply.of([*events(), None])
    first = unreadable(chain, "odds")
    assert unreadable(chain, "odds") == first


def test_bad_bookmakers_cost_no_event(chain: Chain) -> None:
    bad: list[Any] = [None, [], {}, "draftkings", {"key": "a"}, {"markets": []}, {"key": "a", "markets": {}}]
    good = {"key": "draftkings", "markets": []}
    chain.sources.says["live_odds"] = Reply.of(events()[0] | {"bookmakers": [good, *bad]})
    assert chain.scrape("same_day").status == "success"


@pytest.mark.parametrize("text", ["unlimited", "9" * 400])
def test_a_quota_that_is_no_number_costs_nothing(chain: Chain, text: str) -> None:
    chain.sources.says["events"] = Reply.of(events(), **{"x-requests-remaining": text})
    scraped = chain.scrape("same_day")
    assert (scraped.status, scraped.metadata["quota"]) == ("success", {"remaining": 490, "used": 10, "last": 2})
    assert scraped.metadata["notes"]["quota"] == {"x-requests-remaining": f"{text[:120]!r} is no number"}


# --- schedule -------------------------------------------------------------------------------------


def reply_listing(*games: Any) -> Reply:
    entries = schedule(final=False)["leagueSchedule"]["gameDates"][0]["games"]
    return Reply.of({"leagueSchedule": {"gameDates": [{"games": [*games, *entries]}]}})


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("the game", ODD.values()),
        ("gameId", ODD.values()),
        ("gameDateEst", [*ODD.values(), "0001-01-01T00:00:00Z", "9999-12-31T00:00:00Z"]),
        ("gameStatus", [value for value in ODD.values() if value is not True]),
        ("homeTeam", [value for value in ODD.values() if value != {}]),  # a pairing that is open
        ("awayTeam", [{"teamTricode": value} for value in (True, 2**63, 1e300, [1], {"a": 1})]),
        ("gameDateTimeUTC", [value for value in NO_MOMENTS if value != "2025-11-15"]),
    ],
)
def test_bad_games_cost_themselves_alone(chain: Chain, name: str, values: Iterable[Any]) -> None:
    game = schedule(final=False)["leagueSchedule"]["gameDates"][0]["games"][0]
    bad = [
        value if name == "the game" else game | {"gameId": f"00225{number:05}", name: value}
        for number, value in enumerate(values, start=300)
    ]
    chain.sources.says["schedule"] = reply_listing(*bad)
    assert unreadable(chain, "schedule").startswith(f"{len(bad)} entries, the first so: ")
    assert chain.sources.asked.count("live_odds") == 2


def test_bad_days_cost_themselves_alone(chain: Chain) -> None:
    value = schedule(final=False)
    bad: list[Any] = [None, [], {}, "x", 7, {"games": None}, {"games": {}}, [{"games": []}]]
    value["leagueSchedule"]["gameDates"] = [*bad, *value["leagueSchedule"]["gameDates"]]
    chain.sources.says["schedule"] = Reply.of(value)
    assert unreadable(chain, "schedule").startswith("8 entries, the first so: gameDates[0] is None")


def test_a_game_of_another_season_asks_for_no_box_score_of_that(chain: Chain) -> None:
    game = schedule(final=True)["leagueSchedule"]["gameDates"][0]["games"]
    stray = game[0] | {"gameId": "0029600001"}
    chain.sources.says["schedule"] = Reply.of({"leagueSchedule": {"gameDates": [{"games": [*game, stray]}]}})
    assert "game 0029600001 is of 1996-97, not of 2025-26" in unreadable(chain, "schedule", "results")
    assert {params["Season"] for path, params, _ in chain.sources.requests if "Season" in params} == {"2025-26"}


# --- box scores -----------------------------------------------------------------------------------


def test_bad_rows_cost_themselves_alone(chain: Chain) -> None:
    value = box_scores("P")
    rows = value["resultSets"][0]["rowSet"]
    row = rows[0]
    bad: list[Any] = [row[:-1], [*row, 1], [], None, {"GAME_ID": row[0]}, "x" * len(row)]
    ids: list[Any] = [[], {}, None, 2**63, True]
    bad += [[odd, *row[1:]] for odd in ids]
    value["resultSets"][0]["rowSet"] = [*bad, *rows]
    chain.sources.says["box P"] = Reply.of(value)
    assert unreadable(chain, "player_boxscores", "results").startswith("11 rows left out, the first so: rowSet[0] is ")
    assert len(files(chain)["player_boxscores"]["resultSets"][0]["rowSet"]) == len(box_rows("P")) + 11


@pytest.mark.parametrize("value", [None, "GAME_ID", [None]])
@pytest.mark.parametrize("name", ["headers", "rowSet"])
def test_box_scores_of_another_shape_are_asked_again(chain: Chain, name: str, value: Any) -> None:
    bad = box_scores("P")
    bad["resultSets"][0][name] = value
    chain.sources.says["box P"] = [Reply.of(bad), Reply.of(box_scores("P"))]
    assert chain.results().status == "success"
    assert chain.sources.asked.count("box P") == 2


# --- injuries -------------------------------------------------------------------------------------


def test_bad_teams_and_entries_cost_themselves_alone(chain: Chain) -> None:
    value = injuries()
    teams: list[Any] = [None, [], {}, "76ers", 7, {"injuries": None}, {"injuries": {}}, [injuries()]]
    value["injuries"][0]["injuries"] += [None, [], "Out", 7, True]
    value["injuries"] = [*teams, *value["injuries"]]
    chain.sources.says["injuries"] = Reply.of(value)
    assert unreadable(chain, "injuries").startswith("13 teams or entries left out, the first so: injuries[0] is None")
    assert files(chain)["injuries"]["injuries"][:8] == teams


# --- an event that is gone ------------------------------------------------------------------------


def bookless(chain: Chain, table: str, run_id: str) -> list[str]:
    """The events of which a run's rows say that nobody offers anything: of players, any points."""
    about_points = "stat = 'points'" if table == "odds_api_player_props" else "TRUE"
    rows = chain.rows(table, "event_id, bookmaker, run_id", about_points)
    return sorted(row["event_id"] for row in rows if row["run_id"] == run_id and row["bookmaker"] is None)


def test_an_event_that_is_listed_no_more_is_offered_by_nobody(chain: Chain) -> None:
    """Its lines of before would else be in force for twelve hours."""
    chain.load(chain.scrape("same_day", run_id="run-1"), run_id="run-1")
    chain.clock.move(hours=2)
    chain.sources.says["events"] = Reply.of(events()[:1])
    second = chain.scrape("same_day", run_id="run-2")
    gone = "1 events are listed no more, so nobody offers lines: Los Angeles Clippers at Los Angeles Lakers"
    assert second.status == "success"
    assert second.metadata["notes"]["odds"]["gone"] == gone
    assert chain.scrape("same_day", run_id="run-2", attempt=2).metadata["notes"] == second.metadata["notes"]
    assert chain.load(second, run_id="run-2").records_failed == 0
    for table in ("odds_api_player_props", "odds_api_game_lines"):
        assert bookless(chain, table, "run-1") == []
        assert bookless(chain, table, "run-2") == ["event1"]
    gone_of = chain.rows("odds_api_player_props", "stat", "run_id = 'run-2' AND event_id = 'event1'")
    assert {row["stat"] for row in gone_of} == STATS.keys()
    chain.clock.move(hours=1)
    third = chain.scrape("same_day", run_id="run-3")
    assert "gone" not in third.metadata["notes"]["odds"], "said once"


def test_where_every_event_is_gone_all_lines_are(chain: Chain) -> None:
    chain.load(chain.scrape("same_day", run_id="run-1"), run_id="run-1")
    chain.clock.move(hours=2)
    chain.sources.says["events"] = Reply.of([])
    second = chain.scrape("same_day", run_id="run-2")
    assert second.status == "partial"
    assert "lists no event of 2025-11-14 that is to come, the schedule has 2" in second.reason
    chain.load(second, run_id="run-2")
    assert bookless(chain, "odds_api_player_props", "run-2") == ["event0", "event1"]


def test_an_event_moved_to_another_day_is_gone_from_this_one_and_one_that_has_begun_is_not(chain: Chain) -> None:
    chain.scrape("same_day", run_id="run-1")
    chain.clock.move(hours=9)  # 20:30 in New York: the first has begun
    moved = events()[1] | {"commence_time": "2025-11-17T03:30:00Z"}
    chain.sources.says["events"] = Reply.of([moved])
    second = chain.scrape("same_day", run_id="run-2")
    assert second.metadata["notes"]["odds"]["gone"].startswith("1 events are listed no more")
    chain.load(second, run_id="run-2")
    assert bookless(chain, "odds_api_player_props", "run-2") == ["event1"]


# --- a market that is refused ---------------------------------------------------------------------

NAMED = (
    b'{"message": "Markets not supported by this endpoint: player_points_alternate", "error_code": "INVALID_MARKET"}'
)


def refusing(chain: Chain, *parts: str, body: bytes, status: int = 422) -> None:
    """Every request for odds that asks for one of the parts is refused."""
    original = chain.sources._reply

    def reply(path: str, params: dict[str, str]) -> Reply:
        answer = original(path, params)
        asked = [*params.get("markets", "").split(","), *params.get("regions", "").split(",")]
        refused = any(part in asked for part in parts)
        return Reply(status, body) if refused else answer

    chain.sources._reply = reply  # type: ignore[method-assign]


@pytest.mark.parametrize(
    ("part", "body", "requests"),
    [
        ("player_points_alternate", NAMED, 2),
        ("player_points_alternate", b"", 1 + len(STATS)),  # alternates are tried first
        ("player_points_alternate", b"\xff\xfe", 1 + len(STATS)),
        ("player_points", b'{"error_code": "INVALID_MARKET"}', 1 + len(MARKETS)),
        ("us_dfs", b'{"message": "Invalid regions parameter: us_dfs", "error_code": "INVALID_REGION"}', 2),
        ("us_dfs", b"{}", 1 + len(MARKETS) + 1),
    ],
)
def test_a_refused_market_or_region_is_left_out(chain: Chain, part: str, body: bytes, requests: int) -> None:
    refusing(chain, part, body=body)
    scraped = chain.scrape("same_day")
    assert (scraped.status, scraped.reason) == ("success", "")
    note = {"refused": f"refused by the source and left out: {part} for 2 of 2 events"}
    assert scraped.metadata["notes"]["odds"] == note
    assert chain.sources.asked.count("live_odds") == 2 * requests
    assert chain.load(scraped).status == "success"
    assert chain.rows("odds_api_player_props") == [{"found": PROPS}]
    assert chain.scrape("same_day").metadata["notes"]["odds"] == note


def test_an_answer_that_was_not_asked_for_a_statistic_says_nothing_of_it(chain: Chain) -> None:
    """Of a refused market nobody knows whether a book offers it."""
    both = b'{"message": "Markets not supported by this endpoint: player_threes, player_threes_alternate"}'
    refusing(chain, "player_threes", "player_threes_alternate", body=both)
    chain.load(chain.scrape("same_day"))
    about = {row["stat"] for row in chain.rows("odds_api_player_props", "stat")}
    assert about == STATS.keys() - {"threes"}


def test_where_two_are_refused_without_a_name_the_least_are_asked_for(chain: Chain) -> None:
    refusing(chain, "player_assists", "player_threes_alternate", body=b"")
    scraped = chain.scrape("same_day")
    assert (scraped.status, scraped.reason) == ("success", "")
    asked = [params["markets"] for _, params, _ in chain.sources.requests if "markets" in params]
    assert asked.count(",".join(LEAST_MARKETS)) == 2
    assert scraped.metadata["notes"]["odds"]["refused"].count(" for 2") == len(MARKETS) - len(LEAST_MARKETS)
    chain.load(scraped)
    assert chain.rows("odds_api_player_props", "stat") == [{"stat": "points"}] * 2


def test_a_market_refused_with_status_200_is_left_out(chain: Chain) -> None:
    refusing(chain, "player_points_alternate", body=NAMED, status=200)
    scraped = chain.scrape("same_day")
    assert (scraped.status, scraped.reason) == ("success", "")
    assert scraped.metadata["notes"]["odds"] == {
        "refused": "refused by the source and left out: player_points_alternate for 2 of 2 events"
    }
    assert chain.sources.asked.count("live_odds") == 4


def test_an_error_that_may_pass_is_asked_again_whatever_its_status(chain: Chain) -> None:
    busy = Reply.of({"message": "too fast", "error_code": "EXCEEDED_FREQ_LIMIT"})
    good = chain.sources._value("live_odds", "event0", {})
    chain.sources.says["live_odds event0"] = [busy, Reply.of(good)]
    assert chain.scrape("same_day").status == "success"


def test_a_refusal_about_something_else_is_one(chain: Chain) -> None:
    body = b'{"message": "Invalid oddsFormat", "error_code": "INVALID_ODDS_FORMAT"}'
    chain.sources.says["live_odds"] = Reply(422, body)
    scraped = chain.scrape("same_day")
    assert scraped.metadata["failed"].keys() == {"odds"}
    assert "answered 422" in scraped.reason
    assert chain.sources.asked.count("live_odds") == 2


def test_where_every_part_is_refused_the_event_fails(chain: Chain) -> None:
    chain.sources.says["live_odds event0"] = Reply(422, b"")
    scraped = chain.scrape("same_day")
    assert "1 of 2 events failed, the first so: The Odds API" in scraped.metadata["failed"]["odds"]


def test_of_two_games_one_is_bad_and_the_other_is_loaded(chain: Chain) -> None:
    """The issue's own examples together, through phase 2."""
    chain.sources.says["events"] = Reply.of(
        [events()[0] | {"id": "event7", "commence_time": "0001-01-01T00:00:00Z"}, *events()],
        **{"x-requests-remaining": "unlimited"},
    )
    assert len(GAMES) == 2
    scraped = chain.scrape("same_day")
    chain.load(scraped)
    assert chain.rows("odds_api_game_lines") == [{"found": 2}]
