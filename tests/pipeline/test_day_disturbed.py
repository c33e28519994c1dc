"""A day that is killed and started again, and one with data of the future planted, end as the
undisturbed one.
"""

from __future__ import annotations

import shutil
import signal
from datetime import date, timedelta
from pathlib import Path

import duckdb
import pytest

from local.cli.compare import main as compare
from tests.pipeline.whole_day import child, make_run, summary_of

pytestmark = pytest.mark.heavy  # whole days, each in a process of its own


@pytest.mark.parametrize(
    ("point", "nth"),
    [
        ("worker.staged", 7),
        ("batch.unit_recorded", 20),
        ("consolidation.merged", 1),
        ("consolidation.consolidated", 2),
    ],
)
def test_killed_and_started_again_is_the_same(
    point: str, nth: int, day_base: Path, day_played: Path, day_league: Path, tmp_path: Path
) -> None:
    killed = tmp_path / "killed"
    shutil.copytree(day_base, killed)
    settings = {"ARCHIVE": str(day_league), "LOCAL_DIR": str(killed), "HISTORY_SEASONS": "1"}
    died = child(
        "tests.pipeline.play_day", "die", str(killed), str(day_league), point, str(nth), check=False, **settings
    )
    assert died.returncode == -signal.SIGKILL, died.stderr[-2000:]
    assert not (killed / "summary.json").exists()
    make_run(killed, day_league, check=True)
    assert summary_of(killed)["epoch"] == 1, "the same day goes on, it is not a re-run"
    assert compare([str(day_played), str(killed)]) == 0


def test_planted_future_data_changes_nothing(
    day_base: Path, day_played: Path, day_league: Path, tmp_path: Path
) -> None:
    """A box score of the game itself, a line after tip-off and absences of tomorrow, all fetched
    suspiciously early.
    """
    planted = tmp_path / "planted"
    shutil.copytree(day_base, planted)
    day = date.fromisoformat(summary_of(day_played)["game_date"])
    with duckdb.connect(str(day_played / "warehouse.duckdb"), read_only=True) as warehouse:
        featured = warehouse.sql("SELECT * FROM nba_predictions.ml_feature_store ORDER BY ALL").to_arrow_table()
    with duckdb.connect(str(planted / "warehouse.duckdb")) as warehouse:
        _plant(warehouse, day_played, day)
    make_run(planted, day_league, check=True)
    assert compare([str(day_played), str(planted)]) == 0
    with duckdb.connect(str(planted / "warehouse.duckdb"), read_only=True) as warehouse:
        again = warehouse.sql("SELECT * FROM nba_predictions.ml_feature_store ORDER BY ALL").to_arrow_table()
    assert featured.equals(again)


def _plant(warehouse: duckdb.DuckDBPyConnection, day_played: Path, day: date) -> None:
    """Copy what the played day learned later into the base, with new contents and early
    snapshots.
    """
    warehouse.execute(f"ATTACH '{day_played}/warehouse.duckdb' AS known (READ_ONLY)")
    early = f"TIMESTAMPTZ '{day} 08:00:00+00'"
    planted = [
        f"""INSERT INTO nba_raw.nbac_player_boxscores
            SELECT * REPLACE (points + 40 AS points, 47.0 AS minutes, {early} AS snapshot_time)
            FROM known.nba_raw.nbac_player_boxscores WHERE game_date = DATE '{day}'""",
        f"""INSERT INTO nba_raw.odds_api_player_props
            SELECT * REPLACE (line + 20 AS line, TIMESTAMPTZ '{day + timedelta(days=1)} 04:30:00+00' AS snapshot_time)
            FROM known.nba_raw.odds_api_player_props WHERE game_date = DATE '{day}'""",
        f"""INSERT INTO nba_raw.injury_report
            SELECT DATE '{day + timedelta(days=1)}', 'espn', team, player_id, player_name, player_lookup,
              player_lookup_base, 'OUT', 'planted', {early}, 'planted', NULL
            FROM known.nba_reference.players""",
        f"""INSERT INTO nba_raw.injury_report_teams
            SELECT DISTINCT DATE '{day + timedelta(days=1)}', 'espn', team, TRUE, {early}, 'planted', NULL
            FROM known.nba_reference.players""",
    ]
    for statement in planted:
        (rows,) = warehouse.execute(statement).fetchone() or (0,)
        assert rows > 0, "a test that plants nothing proves nothing"
