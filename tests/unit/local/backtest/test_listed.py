"""The injury lists of the other worlds: what each knows of a game, and that its features follow."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from local.backtest.listed import SOURCE, Lists, lists_of
from local.backtest.walk import NO_ROW, Forecast, spread
from local.backtest.worlds import DAY_BEFORE, DERIVED, EVENING, LAST_LIST, LINE_TIME, LISTS
from local.league import write_league
from local.replay import Archive
from shared.core.clock import at_new_york
from shared.stores.warehouse.rows import table_of
from tests.support.features_fixture import FeatureFixture, open_world

STAR, MATE, BENCH = (1, "Star Man"), (2, "Steady Mate"), (3, "Bench Man")
FIRST, SECOND, TONIGHT = date(2025, 11, 10), date(2025, 11, 12), date(2025, 11, 14)
AFTER = at_new_york(date(2025, 11, 16), time(4))


@pytest.fixture(scope="module")
def league(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("archive") / "league"
    write_league(folder, seed=3, seasons=2, teams=4, games_per_team=20, last_day_games=1)
    return folder


@pytest.fixture
def world(tmp_path: Path) -> Iterator[FeatureFixture]:
    """The mate misses the second game and is back tonight; the star plays both and misses
    tonight.
    """
    with open_world(tmp_path) as world:
        for day, players in ((FIRST, (STAR, MATE, BENCH)), (SECOND, (STAR, BENCH)), (TONIGHT, (MATE, BENCH))):
            world.game(day, "BOS", "LAL")
            for player in players:
                world.box(day, player, "BOS", "LAL", home=True, twos=5 * player[0])
            world.box(day, (9, "Usual Foe"), "LAL", "BOS", home=False, twos=6)
        world.backfill(FIRST, TONIGHT, AFTER)
        yield world


def load(world: FeatureFixture, lists: Lists) -> None:
    for table, rows in (("nba_raw.injury_report", lists.players), ("nba_raw.injury_report_teams", lists.teams)):
        world.warehouse.load(table, table_of(table, rows), mode="append", job_id=f"1-{table}")
    days = [row["game_date"] for row in lists.teams]
    world.backfill(min(days), max(days), AFTER)


def missing(world: FeatureFixture) -> tuple[int | None, float | None]:
    """How many team-mates the bench man misses tonight, and their usual points."""
    bench = world.features(TONIGHT)[BENCH[0]]
    return bench["teammates_out_count"], bench["teammates_out_points"]


def test_the_day_before_knows_who_missed_the_game_before(world: FeatureFixture, league: Path) -> None:
    assert missing(world) == (1, 10.0), "as derived after the game: the star"
    lists = lists_of(DAY_BEFORE, world.warehouse, Archive(league), TONIGHT, TONIGHT)
    [row] = lists.players
    assert (row["player_id"], row["status"], row["source"]) == (MATE[0], "OUT", SOURCE)
    assert {(team["team"], team["submitted"]) for team in lists.teams} == {("BOS", True), ("LAL", True)}
    load(world, lists)
    assert missing(world) == (1, 20.0), "as known the day before: the mate, though he plays"


def test_before_a_teams_first_game_nothing_is_known(world: FeatureFixture, league: Path) -> None:
    """On opening night that is no list, and not what the evening's box scores show."""
    lists = lists_of(DAY_BEFORE, world.warehouse, Archive(league), FIRST, FIRST)
    assert not lists.players
    assert {(team["team"], team["submitted"]) for team in lists.teams} == {("BOS", False), ("LAL", False)}
    second = lists_of(DAY_BEFORE, world.warehouse, Archive(league), SECOND, SECOND)
    assert not second.players, "all played the first"
    assert all(team["submitted"] for team in second.teams)


def test_box_scores_know_who_misses_tonight(world: FeatureFixture, league: Path) -> None:
    lists = lists_of(DERIVED, world.warehouse, Archive(league), TONIGHT, TONIGHT)
    assert [row["player_id"] for row in lists.players] == [STAR[0]]
    load(world, lists)
    assert missing(world) == (1, 10.0)


def archive_with(folder: Path, league: Path, day: date, *reports: tuple[str, str, str]) -> Archive:
    """The league with BOS and LAL on one day, and reports of BOS: time (UTC), player, status."""
    folder.mkdir()
    for file in league.glob("*.parquet"):
        (folder / file.name).write_bytes(file.read_bytes())
    schedule = pq.read_table(league / "schedule.parquet").to_pylist()
    game_id = "0022500999"
    template = {**schedule[-1], "game_id": game_id, "home_abbr": "BOS", "away_abbr": "LAL"}
    template |= {"game_date": datetime.combine(day, time()), "tipoff_utc": datetime(2025, 11, 15, 0, 0, tzinfo=UTC)}
    table = pq.read_table(league / "schedule.parquet")
    pq.write_table(pa.Table.from_pylist([*schedule, template], schema=table.schema), folder / "schedule.parquet")
    of = {
        "game_date": datetime.combine(day, time()),
        "game_id": game_id,
        "team_abbr": "BOS",
        "source": "league/lists/1",
    }
    times = sorted({report[0] for report in reports})
    teams = [{**of, "report_time": datetime.fromisoformat(at), "submitted": True} for at in times]
    players = [
        {**of, "report_time": datetime.fromisoformat(at), "report_time_kind": "stated", "player_name": name,
         "player_id": None, "status": status, "reason": "-"}
        for at, name, status in reports
    ]  # fmt: skip
    pq.write_table(pa.Table.from_pylist(teams), folder / "injury_report_teams.parquet")
    pq.write_table(pa.Table.from_pylist(players), folder / "injury_reports.parquet")
    return Archive(folder)


def test_the_last_list_is_that_of_tip_off_and_none_later(world: FeatureFixture, league: Path, tmp_path: Path) -> None:
    game = world.warehouse.query(
        "SELECT game_id FROM nba_analytics.upcoming_team_game_context WHERE game_date = @day LIMIT 1", {"day": TONIGHT}
    ).to_pylist()[0]["game_id"]
    archive = archive_with(
        tmp_path / "listed", league, TONIGHT,
        ("2025-11-14T16:00:00+00:00", "Star Man", "QUESTIONABLE"),
        ("2025-11-14T23:30:00+00:00", "Star Man", "OUT"),
        ("2025-11-15T03:30:00+00:00", "Steady Mate", "OUT"),
    )  # fmt: skip
    archive.games.index[game] = archive.games.index["0022500999"]  # type: ignore[index]
    lists = lists_of(LAST_LIST, world.warehouse, archive, TONIGHT, TONIGHT)
    assert [(row["player_name"], row["status"]) for row in lists.players] == [("Star Man", "OUT")]
    assert [(team["team"], team["submitted"]) for team in lists.teams] == [("BOS", True)], "LAL has none"
    assert not lists_of(LINE_TIME, world.warehouse, archive, TONIGHT, TONIGHT).teams, "no line was known"


def test_a_row_that_is_in_one_world_alone_has_no_forecast_in_the_other() -> None:
    there = np.array([True, False, True])
    forecast = Forecast(
        np.array([1.0, 3.0]), np.array([1.0, 3.0]), np.array([2.0, 2.0]), np.ones(2), (None, "few_games")
    )
    found = spread(forecast, there)
    np.testing.assert_array_equal(found.point, [1.0, np.nan, 3.0])
    assert found.error == (None, NO_ROW, "few_games")


def test_the_names_of_the_lists() -> None:
    assert LISTS == (
        "lined", "all", "lined_line_time", "lined_last_list", "all_last_list", "lined_day_before", "all_day_before",
        "lined_derived", "all_derived",
    )  # fmt: skip
    assert EVENING.list_of("all") == "all"
