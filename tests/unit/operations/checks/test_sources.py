"""Freshness of each source: current, older than the schedules ask, not there, and nothing due."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

import pytest

from shared.core.settings import Settings
from shared.operations.checks.causes import FOLLOWS_FROM
from shared.operations.levels import Finding, Level, Severity
from tests.pipeline.evening import row
from tests.unit.operations.checks.world import DAY, SAME_DAY, YESTERDAY, World, at

TABLES = {
    "player_boxscores": "nba_raw.nbac_player_boxscores",
    "team_boxscores": "nba_raw.nbac_team_boxscores",
    "official_report": "nba_raw.injury_report_teams",
    "injury_report": "nba_raw.injury_report",
    "player_lines": "nba_raw.odds_api_player_props",
    "game_lines": "nba_raw.odds_api_game_lines",
    "shot_zones": "nba_raw.shot_zones",
}
SOURCE_OF = {"official_report": "official", "injury_report": "espn"}
OF_THE_DAY = ("injury_report", "player_lines", "game_lines")


def answer(world: World, what: str, known: datetime, *, day: date = DAY, games: int = 2, **changes: Any) -> None:
    """Rows of an answer that was fetched at a moment."""
    table = TABLES[what]
    moments = {"snapshot_time": known, "fetched_at": known}
    names = row(table)
    rows = [
        {
            **names,
            "game_date": day,
            **{name: f"00225{day:%m%d}{number}" for name in ("game_id", "event_id") if name in names},
            **{name: moment for name, moment in moments.items() if name in names},
            **({"source": SOURCE_OF[what]} if what in SOURCE_OF else {}),
            **changes,
        }
        for number in range(games)
    ]
    world.add(table, rows)


def found(world: World, source: str) -> Finding:
    return world.finding("source-fresh", source)


def ask_for_zones(world: World) -> None:
    settings = Settings(raw_bucket="my-nba-raw", zones_base_url="https://zones.example.com")
    world.runtime = type(world.runtime)(**{**vars(world.runtime), "settings": settings})


def go_to(world: World, moment: str) -> None:
    """Move the clock to a time of New York's, back too."""
    world.clock.move(seconds=(at(moment) - world.clock.now()).total_seconds())


def lay_out(world: World) -> None:
    """Two days of games, and every answer as new as it should be at five past noon."""
    world.play()
    world.play(YESTERDAY, status="final")
    for source in OF_THE_DAY:
        answer(world, source, at("11:31"))
    answer(world, "official_report", at("11:15"))
    for source in ("player_boxscores", "team_boxscores", "shot_zones"):
        answer(world, source, at("06:31"), day=YESTERDAY)


def test_every_source_has_a_finding_and_is_green_where_it_is_current(world: World) -> None:
    lay_out(world)
    listed = world.result("source-fresh").findings
    assert {each.subject: each.says for each in listed} == {
        "nbac_schedule": "the newest is of 2025-11-14 11:31",
        "box_scores": "the newest is of 2025-11-14 06:31",
        "official_report": "the newest is of 2025-11-14 11:15",
        "injury_report": "the newest is of 2025-11-14 11:31",
        "player_lines": "the newest is of 2025-11-14 11:31",
        "game_lines": "the newest is of 2025-11-14 11:31",
        "shot_zones": "nothing due: the optional source is not configured (ZONES_BASE_URL); the newest is of"
        " 2025-11-14 06:31",
    }
    assert {each.level for each in listed} == {Level.GREEN}


@pytest.mark.parametrize("source", OF_THE_DAY)
def test_an_older_answer_is_yellow_while_it_serves_and_red_afterwards(world: World, source: str) -> None:
    world.play()
    answer(world, source, at("07:01"))
    older = found(world, source)
    assert (older.level, older.severity) == (Level.YELLOW, Severity.WARNING)
    assert older.says == (
        "the newest about 2025-11-14 is of 2025-11-14 07:01, 5.1 h old, and same-day-predictions was due at"
        " 2025-11-14 11:30"
    )
    assert older.next_step == './nba breakers; then ./nba rerun 2025-11-14 phase1 --why "..."'
    world.clock.move(hours=7)  # 19:05, an hour and a half after the last run
    assert found(world, source).level is Level.RED


@pytest.mark.parametrize("source", OF_THE_DAY)
def test_no_answer_about_the_day_is_red(world: World, source: str) -> None:
    world.play()
    answer(world, source, at("11:31"), day=YESTERDAY)
    if source == "game_lines":
        answer(world, "player_lines", at("11:31"))
    missing = found(world, source)
    assert (missing.level, missing.severity, missing.game_date) == (Level.RED, Severity.ERROR, DAY)
    assert missing.says == ("there is no answer about 2025-11-14, and same-day-predictions was due at 2025-11-14 11:30")


def test_lines_that_are_missing_are_one_cause_in_the_words_of_phase_1(world: World) -> None:
    world.play()
    failed = {"odds": "The Odds API answered 401. Next: look at its quota."}
    world.run_schedule(SAME_DAY, metadata={"failed": failed})
    players, games = found(world, "player_lines"), found(world, "game_lines")
    assert players.says.endswith("was due at 2025-11-14 11:30; phase 1 says: The Odds API answered 401.")
    assert players.next_step == 'look at its quota; then ./nba rerun 2025-11-14 phase1 --why "..."'
    assert (players.severity, games.severity) == (Severity.ERROR, Severity.INFO)
    assert games.figures[FOLLOWS_FROM] == "source-fresh:player_lines"


@pytest.mark.parametrize("source", [*OF_THE_DAY, "nbac_schedule", "box_scores"])
def test_what_fell_due_before_anything_ran_here_is_missed_of_no_source(world: World, source: str) -> None:
    for day, status in ((DAY, "scheduled"), (YESTERDAY, "final")):
        world.play(day, status=status, snapshot_time=at("05:00"))
    assert found(world, source).level is not Level.GREEN
    world.run("phase1_scrape", "2025-11-14-by-hand", at=at("11:45"))
    green = found(world, source)
    assert green.level is Level.GREEN
    assert green.says.startswith("nothing due: nothing ran here when the last run fell due")


def test_a_list_derived_from_box_scores_is_no_answer(world: World) -> None:
    world.play()
    answer(world, "injury_report", at("11:31"), source="derived")
    assert found(world, "injury_report").level is Level.RED


@pytest.mark.parametrize(
    ("known", "found_says"), [(None, "there is none"), ("09:29", "the newest is of 2025-11-14 09:29")]
)
def test_without_the_league_s_report_espn_s_list_serves(world: World, known: str | None, found_says: str) -> None:
    world.play()
    answer(world, "injury_report", at("11:31"))
    if known:
        answer(world, "official_report", at(known))
    failed = {"official_report": "no report in 8 requests. Next: set PROXY_URL."}
    world.run_schedule(SAME_DAY, metadata={"failed": failed})
    serves, injuries = found(world, "official_report"), found(world, "injury_report")
    assert (serves.level, serves.severity, serves.game_date) == (Level.YELLOW, Severity.WARNING, DAY)
    assert serves.says == (
        f"of the reports about 2025-11-14 {found_says}, and same-day-predictions was due at 2025-11-14 11:30; ESPN's"
        " list has to serve; phase 1 says: no report in 8 requests."
    )
    assert serves.next_step == 'set PROXY_URL; then ./nba rerun 2025-11-14 phase1 --why "..."'
    assert serves.figures["breaker"] == "source-official"
    assert injuries.level is Level.GREEN


def test_where_neither_list_came_it_is_one_cause(world: World) -> None:
    world.play()
    failed = {"official_report": "no report in 8 requests.", "injuries": "ESPN answered 500."}
    world.run_schedule(SAME_DAY, metadata={"failed": failed})
    official, injuries = found(world, "official_report"), found(world, "injury_report")
    assert (official.severity, official.figures[FOLLOWS_FROM]) == (Severity.INFO, "source-fresh:injury_report")
    assert (injuries.level, injuries.severity) == (Level.RED, Severity.ERROR)


def test_a_report_that_says_of_no_team_of_the_day_is_none_about_it(world: World) -> None:
    world.play()
    answer(world, "official_report", at("11:15"), day=YESTERDAY)
    assert found(world, "official_report").level is Level.YELLOW
    answer(world, "official_report", at("09:30"))
    assert found(world, "official_report").level is Level.GREEN


def test_a_list_of_espn_is_no_report_of_the_league(world: World) -> None:
    world.play()
    answer(world, "official_report", at("11:31"), source="espn")
    assert found(world, "official_report").level is Level.YELLOW


def test_a_source_that_is_switched_off_is_not_due(world: World) -> None:
    world.play()
    settings = Settings(raw_bucket="my-nba-raw", official_reports_base_url="")
    world.runtime = type(world.runtime)(**{**vars(world.runtime), "settings": settings})
    off = found(world, "official_report")
    assert (off.level, off.says) == (
        Level.GREEN,
        "nothing due: the source is switched off (OFFICIAL_REPORTS_BASE_URL)",
    )


def test_what_is_fetched_after_now_is_not_known(world: World) -> None:
    world.play()
    answer(world, "player_lines", at("12:06"))
    assert found(world, "player_lines").level is Level.RED


@pytest.mark.parametrize("source", OF_THE_DAY)
@pytest.mark.parametrize(
    ("plan", "says"),
    [
        ({}, "nothing due: 2025-11-14 has no games that anybody knows of"),
        ({"status": "postponed"}, "nothing due: none of the 2 games of 2025-11-14 takes place"),
        (
            {"tipoff": at("11:40")},
            "nothing due: all games of 2025-11-14 had begun when same-day-predictions was due",
        ),
    ],
)
def test_where_nothing_is_played_or_to_come_nothing_is_due(
    world: World, source: str, plan: dict[str, Any], says: str
) -> None:
    if plan:
        world.play(**plan)
    green = found(world, source)
    assert (green.level, green.says) == (Level.GREEN, says)


def test_in_summer_nothing_is_due_of_any_source(world: World) -> None:
    summer = datetime(2026, 8, 1, 16, 5, tzinfo=at("12:00").tzinfo)
    world.play(date(2026, 6, 14), snapshot_time=at("2026-06-15 06:31"), status="final")
    world.clock.move(seconds=(summer - world.clock.now()).total_seconds())
    listed = world.result("source-fresh").findings
    assert {each.level for each in listed} == {Level.GREEN}
    assert found(world, "nbac_schedule").says == (
        "nothing due: off-season, no games are scheduled; the newest is of 2026-06-15 06:31"
    )


def test_an_older_schedule_is_yellow_and_none_is_red(world: World) -> None:
    missing = found(world, "nbac_schedule")
    assert (missing.level, missing.says) == (
        Level.RED,
        "no schedule is loaded, and same-day-predictions was due at 2025-11-14 11:30",
    )
    world.play(snapshot_time=at("07:01"))
    assert found(world, "nbac_schedule").level is Level.YELLOW


@pytest.mark.parametrize(("players", "teams", "have"), [(2, 1, 1), (1, 2, 1), (2, 0, 0)])
def test_box_scores_of_every_game_count_of_players_and_of_teams(
    world: World, players: int, teams: int, have: int
) -> None:
    world.play(YESTERDAY, status="final")
    answer(world, "player_boxscores", at("06:31"), day=YESTERDAY, games=players)
    if teams:
        answer(world, "team_boxscores", at("06:31"), day=YESTERDAY, games=teams)
    short = found(world, "box_scores")
    assert (short.level, short.game_date) == (Level.RED, YESTERDAY)
    assert short.says == (
        f"box scores of {have} of 2 games of 2025-11-13 are loaded, and daily-yesterday-analytics was due at"
        " 2025-11-14 06:30"
    )
    assert short.next_step == './nba breakers; then ./nba rerun 2025-11-13 phase1 --why "..."'


def test_box_scores_are_not_due_before_the_run_had_time(world: World) -> None:
    world.play(YESTERDAY, status="final", snapshot_time=at("03:31"))
    go_to(world, "03:55")
    assert found(world, "box_scores").level is Level.GREEN
    go_to(world, "04:00")
    short = found(world, "box_scores")
    assert (short.level, short.severity) == (Level.YELLOW, Severity.WARNING)
    assert short.says == (
        "box scores of 0 of 2 games of 2025-11-13 are loaded, and results-overnight was due at 2025-11-14 03:30;"
        " daily-yesterday-analytics asks again at 2025-11-14 06:30"
    )
    # the next run has begun, and has the time that every run has
    go_to(world, "06:55")
    assert found(world, "box_scores").level is Level.YELLOW
    go_to(world, "07:00")
    assert found(world, "box_scores").level is Level.RED


def plan_one_live_game(world: World, seen_at: datetime) -> None:
    """Of two games one is over, and its results are loaded; the other is still played."""
    world.play(YESTERDAY, games=1, snapshot_time=seen_at, status="final")
    world.play(YESTERDAY, games=1, snapshot_time=seen_at, status="live", game_id="live")
    for source in ("player_boxscores", "team_boxscores", "shot_zones"):
        answer(world, source, at("03:31"), day=YESTERDAY, games=1)


def test_a_game_that_is_not_final_is_due_with_the_next_run(world: World) -> None:
    ask_for_zones(world)
    plan_one_live_game(world, at("03:31"))
    says = {"box_scores": "box scores of 1 of 2 games", "shot_zones": "shot zones of 1 of 2 games"}
    for moment in ("04:00", "06:55"):
        go_to(world, moment)
        for source, begin in says.items():
            waits = found(world, source)
            assert (waits.level, waits.says) == (
                Level.GREEN,
                f"{begin} of 2025-11-13 are loaded, the rest was not final; daily-yesterday-analytics asks again at"
                " 2025-11-14 06:30",
            )
    go_to(world, "07:00")
    assert (found(world, "box_scores").level, found(world, "shot_zones").level) == (Level.RED, Level.YELLOW)


def test_an_older_schedule_does_not_say_that_a_game_goes_on(world: World) -> None:
    plan_one_live_game(world, at("2025-11-13 23:00"))
    go_to(world, "04:00")
    assert found(world, "box_scores").level is Level.YELLOW


def test_on_one_machine_the_next_run_is_one_that_somebody_fires(embedded: World) -> None:
    plan_one_live_game(embedded, at("03:31"))
    go_to(embedded, "04:00")
    embedded.run_schedule("results-overnight")
    assert found(embedded, "box_scores").level is Level.RED
    embedded.run_schedule("daily-yesterday-analytics")  # the day before
    assert found(embedded, "box_scores").level is Level.GREEN


@pytest.mark.parametrize(
    ("games", "level", "says"),
    [
        (2, Level.GREEN, "the newest is of 2025-11-14 06:31"),
        (1, Level.YELLOW, "shot zones of 1 of 2 games of 2025-11-13 are loaded; features go without the rest"),
        (0, Level.GREEN, "nothing due: it has nothing of the last 14 days: a season may be missing"),
    ],
)
def test_shot_zones_are_optional(world: World, games: int, level: Level, says: str) -> None:
    ask_for_zones(world)
    world.play(YESTERDAY, status="final")
    if games:
        answer(world, "shot_zones", at("06:31"), day=YESTERDAY, games=games)
    zones = found(world, "shot_zones")
    assert (zones.level, zones.says) == (level, says)


def test_on_one_machine_nothing_is_due_where_nobody_fires(embedded: World) -> None:
    embedded.play()
    assert {each.level for each in embedded.result("source-fresh").findings} == {Level.GREEN}
    embedded.run_schedule(SAME_DAY)
    assert found(embedded, "player_lines").level is Level.RED


def test_they_take_two_statements_whatever_the_days(world: World) -> None:
    from tests.support.stores import reset_counts

    lay_out(world)
    for days in range(2, 12):
        world.play(DAY - timedelta(days=days), status="final")
        answer(world, "player_boxscores", at("06:31"), day=DAY - timedelta(days=days))
    warehouse: Any = world.runtime.warehouse
    reset_counts(warehouse)
    world.result("source-fresh")
    assert warehouse.statement_counts == {"query": 2}
