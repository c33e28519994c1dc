"""Lines of past days: each is paid for once, what will never come costs itself alone, teams are a
set.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from functions.phase1_scrape import fetch as fetching
from functions.phase1_scrape.fetch import open_fetch
from functions.phase1_scrape.http_client import CONNECTIONS
from functions.phase1_scrape.sources.odds_history import fetch_past_odds
from functions.phase1_scrape.sources.patience import GIVE_UP_AFTER
from shared.chain.execution.context import Outcome
from shared.nba.odds_markets import LEAST_MARKETS, MARKETS
from shared.stores.raw_files import CONTENT_TYPE, decode_raw
from tests.pipeline.test_scrape_faults import Chain, backfill, open_chain
from tests.support.fake_sources import DAY, GAMES, Reply, box_rows, box_scores, event_odds, events, schedule_game
from tests.support.stores import context_of

FIRST, LAST = date(2025, 11, 10), date(2025, 11, 15)
DOWN = Reply(500)


@pytest.fixture
def chain(tmp_path: Path) -> Iterator[Chain]:
    with open_chain(tmp_path) as found:
        yield found


def again(chain: Chain, run_id: str = "run-2") -> Outcome:
    """The same days published again: another run."""
    chain.sources.asked.clear()
    return chain.scrape("backfill", FIRST, LAST, run_id=run_id)


def odds_asked(chain: Chain) -> Counter[str]:
    return Counter(name for name in chain.sources.asked if name in ("events", "event_odds"))


def history(scraped: Outcome) -> tuple[str, str, dict[str, str]]:
    """(status, what failed, notes) of the past lines."""
    metadata = scraped.metadata
    return scraped.status, metadata["failed"].get("odds_history", ""), metadata["notes"].get("odds_history", {})


def season(chain: Chain, days: range) -> None:
    """A game a day; every day's list of events is the one of its own."""
    games = {day: (f"00225001{day:02d}", *GAMES[0][1:5], f"2025-11-{day:02d}T23:30:00Z") for day in days}
    entries = [schedule_game(*game, final=True, day=date(2025, 11, day)) for day, game in games.items()]
    chain.sources.says["schedule"] = Reply.of({"leagueSchedule": {"gameDates": [{"games": entries}]}})
    rows = box_rows("P", tuple(games.values()))
    chain.sources.says["box P"] = chain.sources.says["box T"] = Reply.of(box_scores("P", rows))
    all_of_them = [events()[0] | {"id": f"of-{day}", "commence_time": games[day][5]} for day in days]
    chain.sources.says["events"] = Reply.of({"timestamp": "2025-11-14T22:30:00Z", "data": all_of_them})
    for day in days:
        odds: dict[str, Any] = (event_odds("event0", props=True) or {}) | {"id": f"of-{day}"}
        answer = {"timestamp": "2025-11-14T22:30:00Z", "data": odds | {"commence_time": games[day][5]}}
        chain.sources.says[f"event_odds of-{day}"] = Reply.of(answer)


def load(chain: Chain, scraped: Outcome | None) -> Outcome:
    return chain.load(scraped, "backfill", DAY)


# --- what will never come -------------------------------------------------------------------------


@pytest.mark.parametrize("status", [400, 404, 410, 422])
def test_an_event_that_is_not_there_costs_itself_alone_and_is_noted(chain: Chain, status: int) -> None:
    chain.sources.says["event_odds event0"] = Reply(status, b'{"error_code": "EVENT_NOT_FOUND"}')
    found, failed, notes = history(backfill(chain))
    assert (found, failed) == ("success", "")
    assert notes["refused_events"].startswith("1 events are refused for good and left out, event0 so: The Odds API ")
    assert f"answered {status}" in notes["refused_events"]
    assert notes["events"] == "1 of 1 days have fewer events than games, 2025-11-14 the first"
    [path] = [path for path in chain.files() if "event_odds" in path]
    content = decode_raw(path, chain.runtime.raw.read(path).data)
    assert list(content.failed) == ["event0"]
    assert [answer.body["data"]["id"] for answer in content.answers_named("odds")] == ["event1"]


def test_publishing_again_pays_for_nothing_twice(chain: Chain) -> None:
    chain.sources.says["event_odds event0"] = Reply(404)
    first = backfill(chain)
    second = again(chain)
    assert odds_asked(chain) == {}
    assert second.status == "success"
    notes = history(second)[2]
    assert notes["kept"] == "1 events are there from an earlier run and were not paid for again"
    assert notes["refused_events"] == history(first)[2]["refused_events"]
    assert load(chain, second).status == "success"
    assert chain.rows("odds_api_player_props", "DISTINCT event_id") == [{"event_id": "event1"}]


def test_permanent_answers_do_not_count_towards_giving_up(chain: Chain) -> None:
    season(chain, range(2, 14))
    for day in range(2, 13):
        chain.sources.says[f"event_odds of-{day}"] = Reply(404)
    chain.clock.move(hours=48)
    scraped = chain.scrape("backfill", date(2025, 11, 1), LAST)
    found, failed, notes = history(scraped)
    assert (found, failed) == ("success", "")
    assert notes["refused_events"].startswith("11 events are refused for good")
    assert odds_asked(chain) == {"events": 12, "event_odds": 12}


@pytest.mark.parametrize("code", ["EVENT_NOT_FOUND", "INVALID_HISTORICAL_TIMESTAMP"])
def test_an_error_told_with_status_200_is_the_answer_that_it_says(chain: Chain, code: str) -> None:
    season(chain, range(2, 14))
    for day in range(2, 13):
        chain.sources.says[f"event_odds of-{day}"] = Reply.of({"message": "nothing here", "error_code": code})
    chain.clock.move(hours=48)
    found, failed, notes = history(chain.scrape("backfill", date(2025, 11, 1), LAST))
    assert (found, failed) == ("success", "")
    assert notes["refused_events"].startswith("11 events are refused for good")
    assert "answered 200 with an error" in notes["refused_events"]
    assert "nothing here" in notes["refused_events"]
    chain.sources.asked.clear()
    assert chain.scrape("backfill", date(2025, 11, 1), LAST, run_id="run-2").status == "success"
    assert odds_asked(chain) == {}


@pytest.mark.parametrize(
    "answer", [Reply(204), Reply(302, headers={"Location": "http://elsewhere.example/"}), Reply(405), Reply(451)]
)
def test_an_event_refused_in_another_way_is_one_failure_and_not_the_sources_end(chain: Chain, answer: Reply) -> None:
    season(chain, range(2, 14))
    chain.sources.says["event_odds of-2"] = answer
    chain.clock.move(hours=48)
    _, failed, _ = history(chain.scrape("backfill", date(2025, 11, 1), LAST))
    assert failed.startswith("1 of 12 days failed, 2025-11-02 so: 1 of 1 events failed, of-2 so: The Odds API ")
    assert odds_asked(chain) == {"events": 12, "event_odds": 12}
    chain.sources.asked.clear()
    chain.scrape("backfill", date(2025, 11, 1), LAST, run_id="run-2")
    assert odds_asked(chain) == {"events": 1, "event_odds": 1}  # of that day nothing was kept


@pytest.mark.parametrize(
    "answer", [Reply(402), Reply(403), Reply.of({"message": "used up", "error_code": "OUT_OF_USAGE_CREDITS"})]
)
def test_a_refusal_of_the_key_is_one_of_every_day(chain: Chain, answer: Reply) -> None:
    season(chain, range(2, 14))
    chain.sources.says["event_odds"] = answer
    for day in range(2, 14):
        del chain.sources.says[f"event_odds of-{day}"]
    chain.clock.move(hours=48)
    _, failed, _ = history(chain.scrape("backfill", date(2025, 11, 1), LAST))
    assert failed.startswith("12 of 12 days failed")
    assert odds_asked(chain)["event_odds"] <= CONNECTIONS


def test_days_without_a_list_of_events_do_not_count_either(chain: Chain) -> None:
    season(chain, range(2, 14))
    listed = chain.sources.says["events"]
    assert isinstance(listed, Reply)
    chain.sources.says["events"] = [*[Reply(404)] * 8, listed]
    chain.clock.move(hours=48)
    found, failed, _ = history(chain.scrape("backfill", date(2025, 11, 1), LAST))
    assert found == "partial"
    assert failed.startswith("8 of 12 days failed")
    assert odds_asked(chain) == {"events": 12, "event_odds": 4}


def test_where_no_event_at_all_is_given_it_is_a_failure(chain: Chain) -> None:
    chain.sources.says["event_odds"] = Reply(404)
    found, failed, _ = history(backfill(chain))
    assert found == "partial"
    assert failed.startswith("not one of 2 events was given, the first so: The Odds API ")


# --- what failed this time ------------------------------------------------------------------------


def test_an_event_that_fails_is_all_that_is_fetched_when_published_again(chain: Chain) -> None:
    chain.sources.says["event_odds event1"] = DOWN
    found, failed, _ = history(backfill(chain))
    assert found == "partial"
    assert failed.startswith("1 of 1 days failed, 2025-11-14 so: 1 of 2 events failed, event1 so: The Odds API ")
    del chain.sources.says["event_odds event1"]
    second = again(chain)
    assert odds_asked(chain) == {"event_odds": 1}
    assert history(second)[:2] == ("success", "")
    kept = [file for file in second.metadata["files"] if file["kind"] == "event_odds"]
    assert [file["rows"] for file in kept] == [1, 1]
    again(chain, "run-3")
    assert odds_asked(chain) == {}
    load(chain, second)
    assert chain.rows("odds_api_player_props", "COUNT(DISTINCT event_id) AS found") == [{"found": 2}]


def test_by_hand_phase_2_takes_all_files_of_a_past_day(chain: Chain) -> None:
    chain.sources.says["event_odds event1"] = DOWN
    backfill(chain)
    del chain.sources.says["event_odds event1"]
    chain.clock.move(hours=1)
    again(chain)
    load(chain, None)
    assert chain.rows("odds_api_player_props", "COUNT(DISTINCT event_id) AS found") == [{"found": 2}]


def test_a_source_that_is_down_is_given_up_after_five_failures_and_what_is_paid_stays(chain: Chain) -> None:
    good, down = range(2, 4), range(4, 29)
    season(chain, range(2, 29))
    for day in down:
        chain.sources.says[f"event_odds of-{day}"] = DOWN
    chain.clock.move(hours=24 * 20)
    last = date(2025, 11, 30)
    found, failed, _ = history(chain.scrape("backfill", date(2025, 11, 1), last))
    assert failed.startswith("25 of 27 days failed, 2025-11-04 so: ")
    asked = odds_asked(chain)["event_odds"] - len(good)
    # Two attempts each. Of those under way when the fifth failed, one a connection is finished.
    assert 2 * GIVE_UP_AFTER <= asked <= 2 * (GIVE_UP_AFTER + CONNECTIONS - 1) < 2 * len(down)
    for day in down:
        chain.sources.says[f"event_odds of-{day}"] = Reply.of(
            {"timestamp": "2025-11-14T22:30:00Z", "data": {**events()[0], "id": f"of-{day}", "bookmakers": []}}
        )
    chain.sources.asked.clear()
    found, failed, _ = history(chain.scrape("backfill", date(2025, 11, 1), last, run_id="run-2"))
    assert (found, failed) == ("success", "")
    assert odds_asked(chain)["event_odds"] == len(down)


def test_a_file_that_cannot_be_read_is_fetched_anew(chain: Chain) -> None:
    backfill(chain)
    [path] = [path for path in chain.files() if "event_odds" in path]
    chain.runtime.raw.write(path, b"broken", content_type=CONTENT_TYPE)
    second = again(chain)
    assert odds_asked(chain) == {"events": 1, "event_odds": 2}
    assert path not in {file["path"] for file in second.metadata["files"]}
    assert load(chain, second).status == "success"


def test_what_was_fetched_later_than_now_is_not_known(chain: Chain) -> None:
    """The days are played again: files of the first time are of the future."""
    backfill(chain)
    chain.clock.move(hours=-40)
    again(chain)
    assert odds_asked(chain) == {"events": 1, "event_odds": 2}


def test_lines_of_games_to_come_are_no_past(chain: Chain) -> None:
    """A backfill at 20:00: one game has begun, the other's lines of 17:30 are past as well; at
    16:00 neither's are.
    """
    chain.sources.says["schedule"] = Reply.of(
        {"leagueSchedule": {"gameDates": [{"games": [schedule_game(*GAMES[0], final=True), schedule_game(*GAMES[1])]}]}}
    )
    chain.clock.move(hours=4.5)  # 16:00 in New York
    chain.scrape("backfill", FIRST, LAST)
    assert odds_asked(chain) == {"events": 1}
    chain.clock.move(hours=4)
    again(chain)
    assert odds_asked(chain) == {"events": 1, "event_odds": 2}


# --- home and away --------------------------------------------------------------------------------


def test_home_and_away_swapped_finds_the_tip_off(chain: Chain) -> None:
    matinee = schedule_game(*GAMES[0], final=True, gameDateTimeUTC="2025-11-14T18:00:00Z")
    chain.sources.says["schedule"] = Reply.of({"leagueSchedule": {"gameDates": [{"games": [matinee]}]}})
    home, away = events()[0]["home_team"], events()[0]["away_team"]
    swapped = events()[0] | {"home_team": away, "away_team": home}
    chain.sources.says["events"] = Reply.of({"timestamp": "2025-11-14T17:55:00Z", "data": [swapped]})
    _, _, notes = history(backfill(chain))
    # before it begins, though the feed's own time for it is the evening
    asked = [(path, params["date"]) for path, params, _ in chain.sources.requests if "date" in params]
    assert asked[-1] == ("/v4/historical/sports/basketball_nba/events/event0/odds", "2025-11-14T17:59:59Z")
    assert notes["swapped"] == "1 events have home and away the other way round than the schedule"


def test_a_team_that_is_unknown_matches_no_game(chain: Chain) -> None:
    odd = [events()[0] | {"home_team": "Seattle SuperSonics"}, events()[0] | {"id": "e9", "away_team": "East"}]
    chain.sources.says["events"] = Reply.of({"timestamp": "2025-11-14T17:55:00Z", "data": odd})
    assert "swapped" not in history(backfill(chain))[2]


# --- odd elements ---------------------------------------------------------------------------------


def test_odd_events_of_a_past_day_are_named(chain: Chain) -> None:
    odd = [None, events()[0] | {"id": "e9", "commence_time": "0001-01-01T00:00:00Z"}]
    chain.sources.says["events"] = Reply.of({"timestamp": "2025-11-14T17:55:00Z", "data": [*odd, *events()]})
    found, failed, notes = history(backfill(chain))
    assert (found, failed) == ("success", "")
    assert notes["unreadable"].startswith("2 entries of the list of events left out, the first so: event 0: it is None")
    assert odds_asked(chain) == {"events": 1, "event_odds": 2}


def test_a_refused_market_of_a_past_event_is_left_out(chain: Chain) -> None:
    body = b'{"message": "Markets not supported by this endpoint: player_points_alternate, totals"}'
    good = Reply.of({"timestamp": "2025-11-14T22:30:00Z", "data": event_odds("event0", props=True)})
    chain.sources.says["event_odds event0"] = [Reply(422, body), good]
    chain.sources.says["event_odds event1"] = Reply(404)
    found, failed, notes = history(backfill(chain))
    assert (found, failed) == ("success", "")
    assert notes["refused"] == (
        "refused by the source and left out: player_points_alternate for 1, totals for 1 of 1 events"
    )
    markets = [params["markets"] for path, params, _ in chain.sources.requests if "event0" in path]
    given = [market for market in MARKETS if market not in ("player_points_alternate", "totals")]
    assert markets == [",".join(MARKETS), ",".join(given)]
    again(chain)
    assert odds_asked(chain) == {}, "what was refused is not asked for again"


def test_an_answer_of_before_a_market_was_known_is_asked_for_that_alone(
    chain: Chain, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As of a release that knew points and game lines; what is paid for stays."""
    with monkeypatch.context() as before:
        before.setattr(fetching, "choose_markets", lambda _: LEAST_MARKETS)
        backfill(chain)
    second = again(chain)
    assert odds_asked(chain) == {"event_odds": 2}
    asked = [params["markets"] for _, params, _ in chain.sources.requests if "markets" in params]
    rest = ",".join(market for market in MARKETS if market not in LEAST_MARKETS)
    assert asked == [",".join(LEAST_MARKETS)] * 2 + [rest] * 2
    assert "refused" not in history(second)[2]
    assert [file["kind"] for file in second.metadata["files"]].count("event_odds") == 2
    again(chain, "run-3")
    assert odds_asked(chain) == {}


def test_days_are_the_same_in_any_order(chain: Chain) -> None:
    """What a season's files are does not depend on which day is answered first."""
    season(chain, range(2, 14))
    chain.clock.move(hours=48)
    context = context_of(chain.runtime, "phase1_scrape", date(2025, 11, 1), LAST, mode="backfill")
    scraped = chain.scrape("backfill", date(2025, 11, 1), LAST)
    days = [file["game_date"] for file in scraped.metadata["files"] if file["kind"] == "event_odds"]
    assert days == [f"2025-11-{day:02d}" for day in range(2, 14)]
    with open_fetch(context) as fetch:
        assert fetch_past_odds(fetch, []).files == ()
    assert chain.clock.now() > datetime(2025, 11, 16, tzinfo=UTC)
