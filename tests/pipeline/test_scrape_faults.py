"""Phases 1 and 2 against sources that misbehave: nothing is lost, nothing is fetched twice, and the
reason is told.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from functions.phase1_scrape.scrape import run as scrape
from functions.phase2_raw.load_raw import run as load_raw
from shared.chain.execution.context import Outcome
from shared.chain.messages.messages import Mode, PhaseMessage
from shared.core.errors import DataError, SourceUnavailable
from shared.nba.stats import STATS
from shared.stores.raw_files import CONTENT_TYPE, decode_raw
from shared.stores.runtime import Runtime
from tests.support.embedded import ManualClock
from tests.support.fake_sources import (
    CUT_OFF,
    DAY,
    GAMES,
    HTML,
    KEY,
    TRUNCATED,
    FakeSources,
    Reply,
    box_rows,
    box_scores,
    schedule,
    schedule_game,
    serving,
    settings_for,
)
from tests.support.stores import context_of, open_stores

MORNING = datetime(2025, 11, 14, 16, 30, tzinfo=UTC)  # 11:30 in New York
NEXT_MORNING = datetime(2025, 11, 15, 11, 30, tzinfo=UTC)
BAD = {
    "429": Reply(429),
    "500": Reply(500),
    "html": HTML,
    "truncated": TRUNCATED,
    "cut off": CUT_OFF,
    "list": Reply.of([]),
}


class Chain:
    """Phases 1 and 2 on real embedded stores, the sources at a real server."""

    def __init__(self, runtime: Runtime, sources: FakeSources, clock: ManualClock) -> None:
        self.runtime = runtime
        self.sources = sources
        self.clock = clock

    def scrape(self, mode: Mode, first: date = DAY, last: date | None = None, **options: Any) -> Outcome:
        return scrape(
            _message(first, last), context_of(self.runtime, "phase1_scrape", first, last, mode=mode, **options)
        )

    def results(self, **options: Any) -> Outcome:
        """The mode results on the morning after, all games final."""
        self.sources.final = True
        self.clock.move(hours=(NEXT_MORNING - self.clock.now()).total_seconds() / 3600)
        return self.scrape("results", **options)

    def load(self, scraped: Outcome | None, mode: Mode = "same_day", first: date = DAY, **options: Any) -> Outcome:
        description = (
            {}
            if scraped is None
            else {"metadata": scraped.metadata, "status": scraped.status, "reason": scraped.reason}
        )
        return load_raw(
            _message(first, None, **description), context_of(self.runtime, "phase2_raw", first, mode=mode, **options)
        )

    def rows(self, table: str, what: str = "COUNT(*) AS found", where: str = "") -> Any:
        condition = f" WHERE {where}" if where else ""
        return self.runtime.warehouse.query(f"SELECT {what} FROM nba_raw.{table}{condition}").to_pylist()

    def files(self) -> list[str]:
        return self.runtime.raw.list("raw/")


def _message(first: date, last: date | None, **fields: Any) -> PhaseMessage:
    days: dict[str, Any] = {"game_date": first} if last is None else {"from_date": first, "to_date": last}
    return PhaseMessage(**days, **fields)


@contextmanager
def open_chain(folder: Path, **settings: Any) -> Iterator[Chain]:
    with ExitStack() as stack:
        sources = stack.enter_context(serving(FakeSources()))
        clock = ManualClock(MORNING)
        runtime = stack.enter_context(open_stores(folder, clock, settings=settings_for(sources.base_url, **settings)))
        yield Chain(runtime, sources, clock)


@pytest.fixture
def chain(tmp_path: Path) -> Iterator[Chain]:
    with open_chain(tmp_path) as found:
        yield found


# Of each event a line of points, and of every other statistic the row that nobody offers it.
PROPS = 2 * len(STATS)

# --- a good day -----------------------------------------------------------------------------------


def test_a_good_day_reaches_the_tables(chain: Chain) -> None:
    scraped = chain.scrape("same_day")
    assert (scraped.status, scraped.reason, scraped.metadata["failed"]) == ("success", "", {})
    kinds = [(file["source"], file["kind"], file["rows"]) for file in scraped.metadata["files"]]
    assert kinds == [
        ("nba", "schedule", 2),
        ("official", "injury_report", 1),
        ("odds_api", "live_odds", 2),
        ("espn", "injuries", 1),
    ]
    assert scraped.metadata["quota"] == {"remaining": 490, "used": 10, "last": 2}
    loaded = chain.load(scraped)
    assert (loaded.status, loaded.records_failed) == ("success", 0)
    assert loaded.metadata["rows"] == {
        "nba_raw.injury_report": 4,
        "nba_raw.injury_report_teams": 34,
        "nba_raw.nbac_schedule": 2,
        "nba_raw.odds_api_game_lines": 2,
        "nba_raw.odds_api_player_props": PROPS,
    }
    offered = chain.rows("odds_api_player_props", "DISTINCT game_date, stat, player_lookup, line", "line IS NOT NULL")
    assert offered == [{"game_date": DAY, "stat": "points", "player_lookup": "lukadoncic", "line": Decimal("24.5")}]
    nobody_offers = chain.rows("odds_api_player_props", "DISTINCT stat", "bookmaker IS NULL")
    assert {row["stat"] for row in nobody_offers} == STATS.keys() - {"points"}
    assert sorted(tuple(row.values()) for row in chain.rows("injury_report", "source, status, team")) == [
        ("espn", "OUT", "PHI"),
        ("official", "AVAILABLE", "LAC"),
        ("official", "OUT", "PHI"),
        ("official", "QUESTIONABLE", "PHI"),
    ]


def test_results_bring_box_scores(chain: Chain) -> None:
    scraped = chain.results()
    assert (scraped.status, scraped.record_count) == ("success", 10)
    asked = [params for path, params, _ in chain.sources.requests if path.endswith("leaguegamelog")]
    assert {(each["SeasonType"], each["DateFrom"], each["DateTo"], each["Season"]) for each in asked} == {
        ("Regular Season", "2025-11-14", "2025-11-14", "2025-26")
    }
    assert chain.load(scraped, "results").status == "success"
    assert chain.rows("nbac_player_boxscores", "SUM(points) AS found") == [{"found": 84}]
    assert chain.rows("nbac_team_boxscores") == [{"found": 4}]
    assert {row["status"] for row in chain.rows("nbac_schedule", "status")} == {"final"}


def test_nba_gets_its_headers_and_nobody_else_the_key(chain: Chain, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, logger="functions")
    chain.sources.says["events"] = [Reply(500, KEY.encode()), Reply(401, KEY.encode())]
    scraped = chain.scrape("same_day")
    for path, params, headers in chain.sources.requests:
        assert ("apiKey" in params) == ("/v4/" in path)
        assert (headers.get("REFERER") == "https://www.nba.com/") == path.startswith("/stats")
    description = str(scraped) + caplog.text + "".join(chain.files())
    kept = "".join(str(chain.runtime.raw.read(path).data) for path in chain.files())
    assert KEY not in description + kept
    assert "***" in scraped.reason


# --- a source that fails --------------------------------------------------------------------------


@pytest.mark.parametrize("fault", [name for name in BAD if name != "list"])  # no events is a case of its own
@pytest.mark.parametrize(("name", "description"), [("events", "odds"), ("injuries", "injuries")])
def test_a_failing_source_does_not_stop_the_others(chain: Chain, name: str, description: str, fault: str) -> None:
    chain.sources.says[name] = BAD[fault]
    scraped = chain.scrape("same_day")
    assert scraped.status == "partial"
    assert description in scraped.metadata["failed"]
    assert description in scraped.reason
    assert chain.sources.asked.count(name) == 2  # attempts
    assert chain.load(scraped).status == "success"
    assert chain.rows("nbac_schedule") == [{"found": 2}]


@pytest.mark.parametrize("fault", BAD)
def test_without_the_schedule_the_delivery_is_retried(chain: Chain, fault: str) -> None:
    chain.sources.says["schedule"] = BAD[fault]
    for attempt in (1, 5):
        with pytest.raises(SourceUnavailable, match="schedule of 2025-26"):
            chain.scrape("same_day", attempt=attempt)
    assert chain.files() == []


@pytest.mark.parametrize("fault", BAD)
def test_missing_box_scores_are_retried_and_only_they_are_fetched_again(chain: Chain, fault: str) -> None:
    chain.sources.says["box P"] = BAD[fault]
    with pytest.raises(SourceUnavailable, match="player_boxscores"):
        chain.results()
    before = chain.files()
    assert len(before) == 2
    del chain.sources.says["box P"]
    chain.sources.asked.clear()
    chain.clock.move(minutes=5)
    scraped = chain.results(attempt=2)
    assert chain.sources.asked == ["box P"]
    assert (scraped.status, scraped.record_count) == ("success", 10)
    assert set(before) < set(chain.files())
    assert chain.load(scraped, "results").record_count == 10


def test_at_the_last_attempt_the_run_goes_on_without_box_scores_and_says_so(chain: Chain) -> None:
    chain.sources.says["box P"] = Reply(503)
    scraped = chain.results(attempt=5)
    assert scraped.status == "partial"
    assert "player_boxscores: NBA.com /leaguegamelog: answered 503" in scraped.reason


def test_a_dead_source_does_not_look_like_a_day_without_games(chain: Chain) -> None:
    chain.sources.says["box P"] = Reply.of(box_scores("P", []))
    with pytest.raises(SourceUnavailable, match="no row of the 2 games that the schedule calls final"):
        chain.results()


def test_a_final_game_without_a_box_score_makes_the_run_partial(chain: Chain) -> None:
    chain.sources.says["box P"] = Reply.of(box_scores("P", box_rows("P", GAMES[:1])))
    scraped = chain.results()
    assert scraped.status == "partial"
    assert scraped.metadata["failed"] == {"player_boxscores": "1 of 2 final games have no row (0022500202)"}
    assert chain.load(scraped, "results").status == "success"
    assert chain.rows("nbac_player_boxscores") == [{"found": 2}]


def test_no_events_although_the_schedule_has_games_is_a_failure(chain: Chain) -> None:
    chain.sources.says["events"] = Reply.of([])
    scraped = chain.scrape("same_day")
    assert scraped.status == "partial"
    assert "no event of 2025-11-14 that is to come, the schedule has 2" in scraped.metadata["failed"]["odds"]


def test_one_failing_event_costs_its_own_lines_alone(chain: Chain) -> None:
    chain.sources.says["live_odds event1"] = Reply(500)
    scraped = chain.scrape("same_day")
    assert scraped.status == "partial"
    assert "1 of 2 events failed" in scraped.metadata["failed"]["odds"]
    chain.load(scraped)
    for table in ("odds_api_player_props", "odds_api_game_lines"):
        assert chain.rows(table, "DISTINCT event_id") == [{"event_id": "event0"}]
    again = chain.scrape("same_day", attempt=2)
    assert again.metadata["failed"] == scraped.metadata["failed"]


def test_events_without_a_line_are_noted_and_no_failure(chain: Chain) -> None:
    bare = {
        "id": "event0",
        "commence_time": GAMES[0][5],
        "home_team": GAMES[0][3],
        "away_team": GAMES[0][4],
        "bookmakers": [],
    }
    chain.sources.says["live_odds"] = Reply.of(bare)
    scraped = chain.scrape("same_day")
    assert scraped.status == "success"
    assert scraped.metadata["notes"]["odds"] == {"lines": "2 of 2 events have no line yet"}


# --- days without games ---------------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["results", "same_day", "tomorrow"])
def test_a_day_without_games_fetches_the_schedule_alone(chain: Chain, mode: Mode) -> None:
    day = date(2026, 1, 1)
    scraped = chain.scrape(mode, day)
    assert (scraped.status, scraped.reason) == ("no_data", "no games on 2026-01-01 in the schedule")
    assert chain.sources.asked == ["schedule"]
    loaded = chain.load(scraped, mode, day)
    assert (loaded.status, loaded.reason) == ("no_data", "no games on 2026-01-01 in the schedule")


@pytest.mark.parametrize(
    ("game", "reason"),
    [
        (schedule_game("0012500201", *GAMES[0][1:]), "that count (1 pre-season)"),
        (schedule_game(*GAMES[0], postponedStatus="Y"), "that count (1 postponed)"),
    ],
)
def test_games_that_do_not_count_are_no_games_and_the_reason_says_which(
    chain: Chain, game: dict[str, Any], reason: str
) -> None:
    chain.sources.says["schedule"] = Reply.of({"leagueSchedule": {"gameDates": [{"games": [game]}]}})
    scraped = chain.scrape("same_day")
    assert scraped.status == "no_data"
    assert reason in scraped.reason


def test_no_result_yet_and_nothing_left_to_predict_are_no_data(chain: Chain) -> None:
    unfinished = chain.scrape("results")
    assert (unfinished.status, unfinished.reason) == ("no_data", "none of the 2 games on 2025-11-14 is final yet")
    chain.sources.final = True
    begun = chain.scrape("same_day", run_id="run-2")
    assert begun.reason == "all 2 games on 2025-11-14 have begun; nothing is left to predict"


# --- raw files ------------------------------------------------------------------------------------


def test_a_repeated_execution_fetches_nothing_and_another_run_everything(chain: Chain) -> None:
    first = chain.scrape("same_day")
    asked = Counter(chain.sources.asked)
    chain.clock.move(minutes=10)
    assert chain.scrape("same_day").metadata["files"] == first.metadata["files"]
    assert Counter(chain.sources.asked) == asked
    other = chain.scrape("same_day", run_id="run-2").metadata["files"]
    assert {file["path"] for file in other}.isdisjoint(file["path"] for file in first.metadata["files"])


def test_a_repeated_simulation_fetches_anew(chain: Chain) -> None:
    chain.scrape("same_day")
    files = len(chain.files())
    chain.runtime = replace(chain.runtime, epoch=2)
    chain.scrape("same_day")
    assert len(chain.files()) == 2 * files


def test_the_same_phase_by_hand_takes_the_latest_files_of_the_date(chain: Chain) -> None:
    chain.scrape("same_day")
    chain.clock.move(hours=6)
    second = chain.scrape("same_day", run_id="run-2")
    loaded = chain.load(None, run_id="by-hand")
    assert loaded.status == "success"
    used = {row["source_file"] for row in chain.rows("nbac_schedule", "source_file")}
    assert used == {second.metadata["files"][0]["path"]}
    assert chain.rows("nbac_schedule", "DISTINCT run_id") == [{"run_id": "run-2"}]


def test_by_hand_without_files_says_where_to_begin(chain: Chain) -> None:
    loaded = chain.load(None)
    assert loaded.status == "no_data"
    assert "no raw files of 2025-11-14; publish the date to nba-phase1-trigger" in loaded.reason


def test_the_same_load_twice_adds_nothing(chain: Chain) -> None:
    scraped = chain.scrape("same_day")
    chain.load(scraped)
    chain.load(scraped)
    assert chain.rows("odds_api_player_props") == [{"found": PROPS}]
    assert chain.rows("nbac_schedule") == [{"found": 2}]


def test_an_unreadable_optional_file_is_left_out_and_named(chain: Chain) -> None:
    scraped = chain.scrape("same_day")
    path = scraped.metadata["files"][3]["path"]
    chain.runtime.raw.write(path, b"broken", content_type=CONTENT_TYPE)
    loaded = chain.load(scraped)
    assert (loaded.status, loaded.records_failed) == ("partial", 1)
    assert path in loaded.reason
    assert chain.rows("odds_api_player_props") == [{"found": PROPS}]


def test_an_unreadable_schedule_is_named_with_what_to_do_and_a_missing_one_is_poison(chain: Chain) -> None:
    """The file is immutable: five retries would end in a dead letter and hold back what the other
    files say.
    """
    scraped = chain.scrape("same_day")
    path = scraped.metadata["files"][0]["path"]
    chain.runtime.raw.write(path, b"broken", content_type=CONTENT_TYPE)
    loaded = chain.load(scraped)
    assert (loaded.status, loaded.records_failed) == ("partial", 1)
    assert list(loaded.metadata["failed_files"]) == [path]
    assert "cannot be read as a raw file" in loaded.reason
    assert "run phase 1 for the date again" in loaded.reason
    assert chain.rows("odds_api_player_props") != [{"found": 0}]
    scraped.metadata["files"][0]["path"] = path.replace("2025-11-14", "2025-11-13")
    with pytest.raises(DataError, match="not in the bucket"):
        chain.load(scraped)
    assert chain.rows("nbac_schedule") == [{"found": 0}]


@pytest.mark.parametrize("files", ["x", [{}], [{"path": "raw/nba/x/2025-11-14/a.json.gz"}], [{"path": "etc/passwd"}]])
def test_wrong_file_names_are_poison(chain: Chain, files: Any) -> None:
    with pytest.raises(DataError):
        chain.load(Outcome("success", metadata={"files": files}))


# --- backfill -------------------------------------------------------------------------------------


def backfill(chain: Chain, **options: Any) -> Outcome:
    chain.sources.final = True
    chain.clock.move(hours=48)
    return chain.scrape("backfill", date(2025, 11, 10), date(2025, 11, 15), **options)


def test_a_backfill_takes_past_lines_as_of_half_past_five(chain: Chain) -> None:
    scraped = backfill(chain)
    assert (scraped.status, scraped.reason) == ("success", "")
    assert [file["kind"] for file in scraped.metadata["files"]] == [
        "schedule", "player_boxscores", "team_boxscores", "event_odds", "injury_report",
    ]  # fmt: skip
    dates = [params["date"] for _, params, _ in chain.sources.requests if "date" in params]
    assert dates == ["2025-11-14T22:30:00Z"] * 3
    loaded = load_raw(
        _message(date(2025, 11, 10), date(2025, 11, 15), metadata=scraped.metadata),
        context_of(chain.runtime, "phase2_raw", date(2025, 11, 10), date(2025, 11, 15), mode="backfill"),
    )
    reports = loaded.metadata["rows"]["nba_raw.injury_report"] + loaded.metadata["rows"]["nba_raw.injury_report_teams"]
    assert (loaded.status, loaded.record_count - reports) == ("success", 12 + PROPS)
    known = chain.rows(
        "odds_api_player_props",
        "DISTINCT snapshot_time, fetched_at > snapshot_time AS earlier",
        "bookmaker IS NOT NULL",
    )
    assert known == [{"snapshot_time": datetime(2025, 11, 14, 15, 0, tzinfo=UTC), "earlier": True}]


def test_a_matinees_lines_are_asked_for_before_it_begins(chain: Chain) -> None:
    game = schedule_game(*GAMES[0], final=True, gameDateTimeUTC="2025-11-14T18:00:00Z")
    chain.sources.says["schedule"] = Reply.of({"leagueSchedule": {"gameDates": [{"games": [game]}]}})
    backfill(chain)
    asked = [
        (path.rpartition("/")[2], params["date"]) for path, params, _ in chain.sources.requests if "date" in params
    ]
    assert asked == [
        ("events", "2025-11-14T17:59:59Z"),
        ("odds", "2025-11-14T17:59:59Z"),
        ("odds", "2025-11-14T22:30:00Z"),
    ]


def test_a_failing_event_costs_itself_alone_and_a_retry_fetches_what_is_missing(chain: Chain) -> None:
    games = {
        "2025-11-12": ("0022500101", *GAMES[0][1:5], "2025-11-13T00:30:00Z"),
        "2025-11-14": GAMES[0],
    }
    listed = [schedule_game(*game, final=True, day=date.fromisoformat(day)) for day, game in games.items()]
    chain.sources.says["schedule"] = Reply.of({"leagueSchedule": {"gameDates": [{"games": listed}]}})
    chain.sources.says["box P"] = chain.sources.says["box T"] = Reply.of(
        box_scores("P", box_rows("P", tuple(games.values())))
    )
    chain.sources.says["event_odds event0"] = [Reply(500), Reply(500), Reply(500)]
    scraped = backfill(chain)
    assert scraped.status == "partial"
    assert "1 of 2 days failed, 2025-11-14 so" in scraped.metadata["failed"]["odds_history"]
    del chain.sources.says["event_odds event0"]
    chain.sources.asked.clear()
    again = chain.scrape("backfill", date(2025, 11, 10), date(2025, 11, 15), attempt=2)
    assert again.status == "success"
    assert Counter(chain.sources.asked) == {"event_odds": 1}


def test_a_refused_key_is_not_tried_day_after_day(chain: Chain) -> None:
    listed = [
        schedule_game(
            f"00225001{day:02d}", *GAMES[0][1:5], f"2025-11-{day}T23:30:00Z", final=True, day=date(2025, 11, day)
        )
        for day in range(10, 16)
    ]
    chain.sources.says["schedule"] = Reply.of({"leagueSchedule": {"gameDates": [{"games": listed}]}})
    rows = box_rows("P", tuple((f"00225001{day:02d}", *GAMES[0][1:]) for day in range(10, 16)))
    chain.sources.says["box P"] = chain.sources.says["box T"] = Reply.of(box_scores("P", rows))
    chain.sources.says["events"] = Reply(401, b'{"message": "bad key"}')
    scraped = backfill(chain)
    assert "6 of 6 days failed" in scraped.metadata["failed"]["odds_history"]
    assert "bad key" in scraped.reason
    assert scraped.metadata["failed"].keys() == {"odds_history"}


def test_days_before_the_history_cost_no_request(chain: Chain) -> None:
    day = date(2023, 4, 1)
    game = schedule_game("0022201150", *GAMES[0][1:5], "2023-04-01T23:30:00Z", final=True, day=day)
    chain.sources.says["schedule"] = Reply.of({"leagueSchedule": {"gameDates": [{"games": [game]}]}})
    rows = Reply.of(box_scores("P", box_rows("P", (("0022201150", *GAMES[0][1:]),))))
    chain.sources.says["box P"] = chain.sources.says["box T"] = rows
    scraped = chain.scrape("backfill", day, day)
    assert scraped.status == "success"
    assert set(chain.sources.asked) == {"schedule", "box P", "box T", "official"}
    assert "1 days before 2023-05-04" in scraped.metadata["notes"]["odds_history"]["before_history"]


def test_what_is_kept_is_what_came(chain: Chain) -> None:
    scraped = chain.scrape("same_day")
    file = scraped.metadata["files"][0]
    content = decode_raw(file["path"], chain.runtime.raw.read(file["path"]).data)
    assert content.fetched_at == MORNING
    assert content.run_id == "run-1"
    assert content.answers[0].body == schedule(final=False)
    assert content.answers[0].request["params"] == {"LeagueID": "00", "Season": "2025-26"}
