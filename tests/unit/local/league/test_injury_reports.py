"""The simulated league's injury lists behave like real ones, and nothing else of a league
changes.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from itertools import pairwise
from pathlib import Path

import duckdb
import numpy as np
import pyarrow.parquet as pq
import pytest

from local.league import write_league
from local.league.calendar import Game
from local.league.injury_paths import LARGE_ROLE
from local.league.injury_reports import report_times
from local.replay import Archive
from shared.core.clock import NEW_YORK, at_new_york

pytestmark = pytest.mark.heavy  # several simulated seasons

HALF_AN_HOUR = timedelta(minutes=30)
# Of the tables of write_league(seed=7, seasons=2, teams=4, games_per_team=20) as they were written
# before there were lists: SHA-256 of repr(rows), the first 16 digits.
BEFORE_LISTS = {
    "absences": "3613bb4991149069",
    "game_lines": "f0c29811fd233cc7",
    "player_box": "1b1abde9d3794c93",
    "prop_lines": "471272a2719e876a",
    "schedule": "1f88c476f96f7b14",
    "shot_zones_player_game": "965cbf6b607f5df9",
    "shot_zones_team_game": "b4ee02caef950cd9",
}


@pytest.fixture(scope="module")
def league(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of thirty teams: three seasons, and the beginning of another."""
    folder = tmp_path_factory.mktemp("lists") / "league"
    write_league(folder, seed=11, seasons=4, teams=30, games_per_team=64)
    return folder


@pytest.fixture
def tables(league: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """The files by name."""
    with duckdb.connect() as connection:
        connection.execute("SET timezone = 'America/New_York'")
        for name in ("schedule", "absences", "player_box", "injury_reports", "injury_report_teams"):
            connection.execute(f"CREATE VIEW {name} AS FROM '{league}/{name}.parquet'")
        yield connection


def test_nothing_else_of_a_league_is_another(tmp_path: Path) -> None:
    write_league(tmp_path / "league", seed=7, seasons=2, teams=4, games_per_team=20)
    found = {}
    for name in BEFORE_LISTS:
        rows = pq.read_table(tmp_path / f"league/{name}.parquet").to_pylist()
        # lines were of points alone then
        of_then = [row for row in rows if row.get("market", "points") == "points"]
        found[name] = hashlib.sha256(repr(of_then).encode()).hexdigest()[:16]
    assert found == BEFORE_LISTS


# --- how often the lists are right ----------------------------------------------------------------


def read_as_of(tables: duckdb.DuckDBPyConnection, minutes: int) -> None:
    """Tables `teams` and `listed`: each team's list in force so many minutes after midnight, of a
    game that has begun by then just before its tip-off.
    """
    tables.execute(
        """
        CREATE OR REPLACE TEMP TABLE teams AS
        SELECT t.* FROM injury_report_teams AS t JOIN schedule AS s USING (game_id)
        WHERE report_time < tipoff_utc AND report_time <= (s.game_date + to_minutes($minutes::BIGINT))::TIMESTAMPTZ
        QUALIFY report_time = max(report_time) OVER (PARTITION BY game_id, team_abbr)
        """,
        {"minutes": minutes},
    )
    tables.execute(
        """
        CREATE OR REPLACE TEMP TABLE listed AS
        SELECT r.*, b.game_id IS NOT NULL AS played
        FROM injury_reports AS r SEMI JOIN teams USING (report_time, game_id, team_abbr)
        LEFT JOIN player_box AS b USING (game_id, player_id)
        """
    )


def check_share(what: str, share: float, expected: float, n: float) -> None:
    """Within three standard deviations of a binomial share of n draws; printed."""
    bound = 3 * (expected * (1 - expected) / n) ** 0.5
    print(f"{what}: {share:.3f}, expected {expected:.3f} +- {bound:.3f} ({n:.0f} draws)")
    assert abs(share - expected) <= bound, what


def count_spells(tables: duckdb.DuckDBPyConnection, condition: str) -> float:
    """Of how many equal spells the absences' variance would be: a spell is listed or not as one."""
    [(n,)] = tables.execute(
        f"""
        WITH numbered AS (
          SELECT player_id,
            sum((team_games_since_played = 1)::INT) OVER (PARTITION BY player_id ORDER BY game_date) AS spell
          FROM absences WHERE {condition}
        ),
        spells AS (SELECT player_id, spell, count(*) AS games FROM numbered GROUP BY player_id, spell)
        SELECT sum(games) ** 2 / sum(games ** 2) FROM spells
        """
    ).fetchall()
    return float(n)


MOMENTS = [("11:00", 660, 0.33), ("17:30", 1050, 0.46), ("tip-off", 1440, 0.53)]


@pytest.mark.parametrize(("clock", "minutes", "expected"), MOMENTS)
def test_so_many_absences_are_listed_by_then(tables, clock: str, minutes: int, expected: float) -> None:
    read_as_of(tables, minutes)
    [(share,)] = tables.execute(
        """
        SELECT avg((l.game_id IS NOT NULL)::INT) FROM absences AS a
        LEFT JOIN (FROM listed WHERE status IN ('OUT', 'DOUBTFUL')) AS l USING (game_id, player_id)
        """
    ).fetchall()
    check_share(f"absences listed OUT or DOUBTFUL at {clock}", share, expected, count_spells(tables, "true"))


@pytest.mark.parametrize(("role", "expected"), [("true", 0.44), (f"minutes_l10 >= {LARGE_ROLE}", 0.16)])
def test_so_many_are_on_no_list_most_of_them_of_small_roles(tables, role: str, expected: float) -> None:
    [(share,)] = tables.execute(
        f"""
        SELECT avg((r.game_id IS NULL)::INT) FROM absences AS a
        LEFT JOIN (SELECT DISTINCT game_id, player_id FROM injury_reports) AS r USING (game_id, player_id)
        WHERE {role}
        """
    ).fetchall()
    check_share(f"absences on no list ({role})", share, expected, count_spells(tables, role))


@pytest.mark.parametrize(
    ("minutes", "status", "expected"),
    [
        (660, "OUT", 0.009), (660, "QUESTIONABLE", 0.5),
        (1050, "OUT", 0.002), (1050, "DOUBTFUL", 0.02), (1050, "QUESTIONABLE", 0.5), (1050, "PROBABLE", 0.91),
        (1440, "OUT", 0.0), (1440, "QUESTIONABLE", 0.52),
    ],
)  # fmt: skip
def test_so_many_of_the_listed_play(tables, minutes: int, status: str, expected: float) -> None:
    read_as_of(tables, minutes)
    [(n, share)] = tables.execute(
        "SELECT count(*), avg(played::INT) FROM listed WHERE status = $status", {"status": status}
    ).fetchall()
    assert n > 30
    check_share(f"{status} of {n} who played, {minutes // 60}:{minutes % 60:02d}", share, expected, n)


# --- when, and of whom ----------------------------------------------------------------------------


def test_who_played_the_night_before_submits_late(tables) -> None:
    late = {}
    for minutes in (660, 1050, 1440):
        read_as_of(tables, minutes)
        rows = tables.execute(
            """
            WITH sides AS (SELECT game_date, unnest([home_abbr, away_abbr]) AS team_abbr FROM schedule)
            SELECT b.team_abbr IS NOT NULL, avg((NOT submitted)::INT), count(*) FROM teams AS t
            LEFT JOIN sides AS b ON b.team_abbr = t.team_abbr AND b.game_date::DATE = t.game_date - 1
            GROUP BY ALL
            """
        ).fetchall()
        late[minutes] = {second_night: share for second_night, share, _ in rows}
        [(games,)] = tables.execute("SELECT count(*) FROM schedule").fetchall()
        assert sum(n for *_, n in rows) == 2 * games, "every team of every game is covered"
    assert late[660][False] == late[1050][False] == 0
    assert late[660][True] > 0.95
    assert 0 < late[1050][True] < 0.03
    assert late[1440] == {True: 0, False: 0}


def test_reports_come_at_the_thirtieth_minute_and_half_an_hour_before_tip_off(league: Path) -> None:
    tipoffs = {row["game_id"]: row["tipoff_utc"] for row in pq.read_table(league / "schedule.parquet").to_pylist()}
    last: dict[str, datetime] = {}
    times = defaultdict(set)
    for row in pq.read_table(league / "injury_report_teams.parquet").to_pylist():
        at = row["report_time"].astimezone(NEW_YORK)
        assert at.minute == 30
        assert row["report_time"] <= tipoffs[row["game_id"]] - HALF_AN_HOUR
        times[at.date() - row["game_date"]].add(at.strftime("%H:%M"))
        last[row["game_id"]] = max(row["report_time"], last.get(row["game_id"], row["report_time"]))
    assert times[timedelta(days=-1)] == {"17:30"}
    assert times[timedelta(0)] >= {"10:30", "13:30", "17:30", "18:30", "21:30"}
    assert times.keys() == {timedelta(days=-1), timedelta(0)}
    assert len(last) == len(tipoffs)


def test_no_report_but_the_last_is_of_the_lasts_time() -> None:
    """Also of a matinee, before which there is no 17:30."""
    day = date(2025, 1, 4)
    games = [Game("1", day, "2024-25", 0, 1, at_new_york(day, clock)) for clock in (time(13), time(18), time(22, 30))]
    at_us, is_due = report_times(games)
    hours = [
        [np.datetime64(int(us), "us").item().replace(tzinfo=None).strftime("%H:%M") for us in row[due]]
        for row, due in zip(at_us[::2], is_due[::2], strict=True)
    ]
    assert hours == [  # UTC, five hours ahead
        ["22:30", "15:30", "17:30"],
        ["22:30", "15:30", "18:30", "22:30"],
        ["22:30", "15:30", "18:30", "22:30", "02:30"],
    ]


def test_a_list_names_players_of_the_team_once_and_changes(league: Path) -> None:
    players = pq.read_table(league / "injury_reports.parquet").to_pylist()
    lists: dict[tuple, list[tuple]] = defaultdict(list)
    for row in players:
        lists[row["game_id"], row["team_abbr"], row["report_time"]].append((row["player_id"], row["status"]))
    of_team: dict[tuple, list] = defaultdict(list)
    for row in pq.read_table(league / "injury_report_teams.parquet").to_pylist():
        key = (row["game_id"], row["team_abbr"], row["report_time"])
        of_team[key[:2]].append((row["report_time"], row["submitted"], sorted(lists.pop(key, []))))
    assert lists == {}, "a list has its team's row"
    for reports in of_team.values():
        ordered = sorted(reports, key=lambda each: each[0])
        assert all(before[1:] != after[1:] for before, after in pairwise(ordered))
        assert all(submitted or not names for _, submitted, names in ordered)
        assert all(len(dict(names)) == len(names) for *_, names in ordered)
    teams = defaultdict(set)
    for row in pq.read_table(league / "player_box.parquet", columns=["player_id", "team_abbr"]).to_pylist():
        teams[row["player_id"]].add(row["team_abbr"])
    strangers = [
        row for row in players if row["player_id"] in teams and row["team_abbr"] not in teams[row["player_id"]]
    ]
    assert len(strangers) < len(players) / 100, "traded, and hurt before he played for them"


def test_the_archive_passes_its_check(league: Path) -> None:
    Archive(league).check()
