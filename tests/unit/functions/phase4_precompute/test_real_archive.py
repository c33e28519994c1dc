"""Features of a real evening against plain Python over the archive's own rows."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterator
from datetime import UTC, date, datetime, time
from pathlib import Path
from time import perf_counter
from typing import Any

import duckdb
import pyarrow as pa
import pytest

from shared.core.clock import at_new_york
from shared.nba.player_names import player_lookup, player_lookup_base
from shared.stores.warehouse.schemas import load_schema
from tests.support.features_fixture import FeatureFixture, open_world

pytestmark = pytest.mark.heavy  # two seasons of real data

FIRST, DAY = date(2024, 10, 1), date(2025, 11, 14)
AS_OF = datetime(2025, 11, 20, tzinfo=UTC)
CUT_OFF = at_new_york(DAY, time(17, 30))
COUNTS = (
    *("rebounds", "assists", "steals", "blocks", "turnovers", "fouls"),
    *("fgm", "fga", "fg3m", "fg3a", "ftm", "fta", "plus_minus"),
)
Game = dict[str, Any]


def _raw_tables(archive: Path) -> Iterator[tuple[str, pa.Table]]:
    """The archive's rows in the raw tables' columns, as phases 1 and 2 would have brought them."""
    db = duckdb.connect()
    db.execute("SET TimeZone = 'UTC'")
    db.create_function("lookup", player_lookup, ["VARCHAR"], "VARCHAR")
    db.create_function("base", player_lookup_base, ["VARCHAR"], "VARCHAR")
    dates = f"game_date BETWEEN '{FIRST}' AND '{DAY}'"
    of = {name: f"'{archive / name}.parquet' WHERE {dates}" for name in ("schedule", "player_box", "prop_lines")}
    run = "'test' AS run_id, 'raw/test.json.gz' AS source_file"
    counts = ", ".join(f"{name}::BIGINT AS {name}" for name in COUNTS)
    day = "game_date::DATE AS game_date"
    box = f"""SELECT {day}, game_id, player_id, (game_date + INTERVAL 30 HOUR)::TIMESTAMPTZ AS snapshot_time, season,
      season_type, player_name, lookup(player_name) AS player_lookup, team_abbr AS team, opponent_abbr AS opponent,
      is_home, minutes::DOUBLE AS minutes, points::BIGINT AS points, off_rebounds::BIGINT AS offensive_rebounds,
      {counts}, {run} FROM {of["player_box"]}"""
    sums = ", ".join(f"SUM({name})::BIGINT AS {name}" for name in ("points", "offensive_rebounds", *COUNTS[:-1]))
    queries = {
        "nba_raw.nbac_schedule": f"""SELECT {day}, game_id, TIMESTAMPTZ '2024-09-01 00:00:00+00' AS snapshot_time,
          season, season_type, home_abbr AS home_team, away_abbr AS away_team, tipoff_utc AS tipoff_at,
          'final' AS status, {run} FROM {of["schedule"]}""",
        "nba_raw.nbac_player_boxscores": box,
        "nba_raw.nbac_team_boxscores": f"""SELECT game_date, game_id, team, opponent, is_home, season, season_type,
          MAX(snapshot_time) AS snapshot_time, SUM(minutes) AS minutes, {sums}, {run}
          FROM ({box}) GROUP BY ALL""",
        "nba_raw.odds_api_player_props": f"""SELECT {day}, game_id AS event_id, home_abbr AS home_team,
          away_abbr AS away_team, bookmaker, IF(is_main, 'player_points', 'player_points_alternate') AS market,
          'points' AS stat,
          player_name, lookup(player_name) AS player_lookup, base(player_name) AS player_lookup_base,
          line::DECIMAL(9, 1)::DECIMAL(38, 9) AS line, over_price::BIGINT AS over_price,
          under_price::BIGINT AS under_price, snapshot_time, snapshot_time AS fetched_at, {run}
          FROM {of["prop_lines"]} AND market = 'points' AND game_date = '{DAY}'""",
    }
    for table, query in queries.items():
        found = db.execute(query).to_arrow_table()
        columns = set(load_schema(table).columns)
        yield table, found.select([name for name in found.column_names if name in columns])


@pytest.fixture(scope="module")
def world(nba_archive: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[FeatureFixture]:
    with open_world(tmp_path_factory.mktemp("real")) as world:
        for table, rows in _raw_tables(nba_archive):
            world.warehouse.load(table, rows, mode="append", job_id=f"archive-{table}")
        started = perf_counter()
        world.backfill(FIRST, DAY, AS_OF)
        backfilled = perf_counter()
        world.serve(DAY, CUT_OFF)
        print(f"phases 3 and 4: {backfilled - started:.1f} s for {FIRST} to {DAY},", end=" ")
        print(f"{perf_counter() - backfilled:.1f} s for {DAY}")
        yield world


@pytest.fixture(scope="module")
def games_before(nba_archive: Path) -> dict[int, list[Game]]:
    """Each player's games before the day, newest first, straight from the archive."""
    found = duckdb.sql(
        f"""SELECT player_id, season, team_abbr AS team, game_id, minutes::DOUBLE AS minutes, points
        FROM '{nba_archive}/player_box.parquet' WHERE game_date >= '{FIRST}' AND game_date < '{DAY}'
        AND minutes > 0 AND season_type IN ('regular_season', 'playin', 'playoffs')
        ORDER BY game_date DESC, game_id DESC"""
    ).to_arrow_table()
    games: dict[int, list[Game]] = {}
    for row in found.to_pylist():
        games.setdefault(row["player_id"], []).append(row)
    return games


def _mean(values: list[float]) -> float | None:
    return statistics.fmean(values) if values else None


EXPECTED = {
    "points_l5": lambda g: _mean([x["points"] for x in g[:5]]),
    "points_l10": lambda g: _mean([x["points"] for x in g[:10]]),
    "points_season": lambda g: _mean([x["points"] for x in g if x["season"] == "2025-26"]),
    "points_prev_season": lambda g: _mean([x["points"] for x in g if x["season"] == "2024-25"]),
    "minutes_l10": lambda g: _mean([x["minutes"] for x in g[:10]]),
    "points_ewma_08": lambda g: (
        sum(0.92**k * x["points"] for k, x in enumerate(g[:60])) / sum(0.92**k for k in range(len(g[:60])))
    ),
    "points_sd_l10": lambda g: statistics.stdev(x["points"] for x in g[:10]) if len(g) > 1 else None,
    "games_known": lambda g: min(len(g), 60),
    "career_games": len,
}


@pytest.mark.parametrize("column", list(EXPECTED))
def test_a_rolling_figure_is_what_the_archive_says(
    world: FeatureFixture, games_before: dict[int, list[Game]], column: str
) -> None:
    rows = world.features(DAY, CUT_OFF)
    assert len(rows) > 250
    for player, row in rows.items():
        expected = EXPECTED[column](games_before[player])
        assert row[column] == (expected if expected is None else pytest.approx(expected, abs=2e-6)), player


def test_the_roster_is_the_archive_s(world: FeatureFixture, games_before: dict[int, list[Game]]) -> None:
    """Nobody is there who last played for another team."""
    rows = world.features(DAY, CUT_OFF)
    assert {player: row["team"] for player, row in rows.items()} == {
        player: games_before[player][0]["team"] for player in rows
    }
    assert len({row["game_id"] for row in rows.values()}) == 9


def test_all_lined_players_of_the_evening_are_found(world: FeatureFixture) -> None:
    """132 players have lines; every one is resolved and on a roster."""
    roster = world.features(DAY, CUT_OFF)
    lines = world.rows("nba_analytics.upcoming_player_lines", f"is_main AND features_as_of = '{CUT_OFF}'")
    assert len({row["player_lookup"] for row in lines}) == 132
    unresolved = {row["player_name"] for row in lines if row["player_id"] is None}
    strangers = {row["player_name"] for row in lines if row["player_id"] not in roster}
    assert (unresolved, strangers) == (set(), set())


def test_serving_gives_the_rows_of_the_backfill(world: FeatureFixture) -> None:
    """Served last; described again afterwards, with the evening's box scores known, not a byte
    differs.
    """
    served = world.features(DAY, CUT_OFF)
    world.backfill(DAY, DAY, AS_OF)
    assert world.features(DAY, CUT_OFF) == served


def test_no_figure_is_out_of_its_range(world: FeatureFixture) -> None:
    """Shares and percentages lie between 0 and 1, means are not negative, nothing is infinite."""
    rows = world.rows("nba_predictions.ml_feature_store", f"game_date = '{DAY}'")
    for row in rows:
        numbers = {name: value for name, value in row.items() if isinstance(value, float)}
        assert all(math.isfinite(value) for value in numbers.values())
        for name, value in numbers.items():
            if name.endswith("_pct_l20") or "_share_" in name or name.startswith("usage_"):
                assert 0 <= value <= 1, (name, row["player_id"], value)
