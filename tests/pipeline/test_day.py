"""`make run` as a person starts it: a whole day, again, doubled and shuffled, killed and resumed, and wrong input."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from local.cli.compare import main as compare
from local.embedded.contents import foreign
from local.league import write_league
from local.replay import Archive
from tests.conftest import ROOT

pytestmark = pytest.mark.heavy  # whole days, each in a process of its own; `make run` plays one

PREDICTIONS = "nba_predictions.player_prop_predictions"


@pytest.fixture(scope="module")
def league(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A league of eight teams whose last day has three games."""
    folder = tmp_path_factory.mktemp("archive") / "league"
    write_league(folder, seed=5, seasons=2, teams=8, games_per_team=24)
    return folder


@pytest.fixture(scope="module")
def base(league: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A state folder with history and models, the day still to be played."""
    folder = tmp_path_factory.mktemp("base") / "state"
    _child("tests.pipeline.play_day", "prepare", str(folder), str(league), check=True)
    return folder


@pytest.fixture(scope="module")
def played(base: Path, league: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The day played undisturbed."""
    folder = tmp_path_factory.mktemp("played") / "state"
    shutil.copytree(base, folder)
    _run(folder, league, check=True)
    return folder


def _environment(**settings: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name not in ("ARCHIVE", "DATE", "LOCAL_DIR")}
    return {**kept, "PYTHONPATH": str(ROOT), **settings}


def _child(module: str, *arguments: str, check: bool = False, **settings: str) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [sys.executable, "-m", module, *arguments],
        cwd=ROOT, env=_environment(**settings), capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    if check and done.returncode:
        pytest.fail(f"{module} {arguments} ended with {done.returncode}: {done.stdout[-500:]} {done.stderr[-2000:]}")
    return done


def _run(folder: Path, league: Path, *, check: bool = False, **settings: str) -> subprocess.CompletedProcess[str]:
    return _child(
        "local.cli.run", check=check, ARCHIVE=str(league), LOCAL_DIR=str(folder), HISTORY_SEASONS="1", **settings
    )


def _summary(folder: Path) -> dict[str, Any]:
    return dict(json.loads((folder / "summary.json").read_text(encoding="utf-8")))


def test_a_day_from_scraping_to_grading(played: Path) -> None:
    summary = _summary(played)
    assert summary["games"] == 3
    assert summary["players_predicted"] == summary["players_expected"] > 30
    lined = summary["lined"]
    assert lined["total"] == lined["predicted"] + sum(lined["left_out"].values())
    assert summary["messages"]["dead_lettered"] == 0
    assert set(summary["graded"]) == {
        "moving_average", "zone_matchup_v1", "similarity_balanced_v1", "xgboost_v1", "ensemble_v1",
    }  # fmt: skip
    assert len({row["n"] for row in summary["graded"].values()}) == 1, "all systems on the same rows"
    assert summary["runs"][0]["schedule"] == "daily-yesterday-analytics"
    assert len(summary["runs"]) == 9
    (heal,) = [run for run in summary["runs"] if run["schedule"] == "self-heal-predictions"]
    assert [(phase["name"], phase["status"]) for phase in heal["phases"]] == [("self_heal", "success")]
    assert all(run["warehouse_statements"] <= 40 for run in summary["runs"])
    assert summary["warehouse_statements"] <= 150


def test_a_played_folder_holds_nothing_that_clean_local_does_not_know(played: Path) -> None:
    assert foreign(played) == []


def test_the_usual_player_has_five_systems_by_five_lines(played: Path) -> None:
    with duckdb.connect(str(played / "warehouse.duckdb"), read_only=True) as warehouse:
        counts = warehouse.sql(
            "SELECT count(*) AS n, count(DISTINCT system_id), count(DISTINCT line_value), min(line_value) "
            "FROM nba_predictions.current_predictions WHERE line_kind <> 'none' GROUP BY game_id, player_id"
        ).fetchall()
        stars = warehouse.sql(
            "SELECT count(*) FROM nba_predictions.current_predictions "
            "WHERE line_snapshot_at >= features_as_of OR features_as_of > tipoff_at"
        ).fetchone()
    assert counts
    assert all(rows == systems * lines and systems == 5 for rows, systems, lines, _ in counts)
    assert any(lines == 5 for _, _, lines, _ in counts)
    assert stars == (0,)


def test_statements_do_not_grow_with_games(played: Path, league: Path) -> None:
    """The same number of warehouse calls for three games as for none predicted yet; see also make bench."""
    chains = [run for run in _summary(played)["runs"] if run["batch_id"]]
    assert len({run["warehouse_statements"] for run in chains[1:]}) == 1


def test_the_same_day_again_is_the_same(played: Path, league: Path, tmp_path: Path) -> None:
    again = tmp_path / "again"
    shutil.copytree(played, again)
    _run(again, league, check=True)
    assert _summary(again)["epoch"] == 2
    assert compare([str(played), str(again)]) == 0


def test_every_message_twice_and_in_random_order_is_the_same(
    base: Path, played: Path, league: Path, tmp_path: Path
) -> None:
    chaotic = tmp_path / "chaotic"
    shutil.copytree(base, chaotic)
    _run(chaotic, league, check=True, DELIVER_TWICE="1", SHUFFLE_SEED="11")
    messages = _summary(chaotic)["messages"]
    assert messages["delivered"] >= 2 * messages["published"] - 20
    assert compare([str(played), str(chaotic)]) == 0


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
    point: str, nth: int, base: Path, played: Path, league: Path, tmp_path: Path
) -> None:
    killed = tmp_path / "killed"
    shutil.copytree(base, killed)
    settings = {"ARCHIVE": str(league), "LOCAL_DIR": str(killed), "HISTORY_SEASONS": "1"}
    died = _child("tests.pipeline.play_day", "die", str(killed), str(league), point, str(nth), check=False, **settings)
    assert died.returncode == -signal.SIGKILL, died.stderr[-2000:]
    assert not (killed / "summary.json").exists()
    _run(killed, league, check=True)
    assert _summary(killed)["epoch"] == 1, "the same day goes on, it is not a re-run"
    assert compare([str(played), str(killed)]) == 0


def test_a_day_without_games_says_so(league: Path, tmp_path: Path) -> None:
    archive = Archive(league)
    days = archive.game_days(archive.seasons[-1])
    free = next(day for day in (days[0] + timedelta(days=n) for n in range(99)) if day not in days)
    folder = tmp_path / "free"
    done = _run(folder, league, DATE=free.isoformat())
    assert done.returncode == 0, done.stderr[-2000:]
    assert f"no games on {free}" in " ".join(done.stdout.split()).lower()
    assert not (folder / "warehouse.duckdb").exists(), "answered before history is loaded"


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"ARCHIVE": "/no/such/folder"}, "there is no such folder"),
        ({"DATE": "2031-01-01"}, "lies outside the archive"),
        ({"DATE": "14 November"}, "is not a date"),
        ({"DATE": "2025-02-30"}, "is not a date"),
        ({"HISTORY_SEASONS": "many"}, "is not a number"),
        ({"RUNTIME": "cloud"}, "cannot be played"),
    ],
)
def test_wrong_input_ends_with_2_and_a_reason(
    settings: dict[str, str], words: str, league: Path, tmp_path: Path
) -> None:
    done = _child(
        "local.cli.run", check=False, **{"ARCHIVE": str(league), "LOCAL_DIR": str(tmp_path / "state"), **settings}
    )
    assert done.returncode == 2
    assert words in done.stderr
    assert done.stderr.count("\n") == 1, "one sentence, no trace"
    assert not (tmp_path / "state" / "summary.json").exists()


def test_an_empty_folder_is_no_archive(tmp_path: Path) -> None:
    done = _child("local.cli.run", ARCHIVE=str(tmp_path), LOCAL_DIR=str(tmp_path / "state"))
    assert done.returncode == 2
    assert "schedule.parquet" in done.stderr


def test_republishing_the_export_as_operators_do(played: Path, tmp_path: Path) -> None:
    folder = tmp_path / "operated"
    shutil.copytree(played, folder)
    game_date = _summary(folder)["game_date"]
    message = json.dumps({"game_date": game_date, "batch_id": _summary(folder)["batch_id"]})
    done = _child("local.cli.publish", LOCAL_DIR=str(folder), TOPIC="nba-phase6-export-trigger", MESSAGE=message)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "phase6_export" in done.stdout


def test_planted_future_data_changes_nothing(base: Path, played: Path, league: Path, tmp_path: Path) -> None:
    """A box score of the game itself, a line after tip-off and absences of tomorrow, all fetched suspiciously early."""
    planted = tmp_path / "planted"
    shutil.copytree(base, planted)
    day = date.fromisoformat(_summary(played)["game_date"])
    with duckdb.connect(str(played / "warehouse.duckdb"), read_only=True) as warehouse:
        featured = warehouse.sql("SELECT * FROM nba_predictions.ml_feature_store ORDER BY ALL").to_arrow_table()
    with duckdb.connect(str(planted / "warehouse.duckdb")) as warehouse:
        _plant(warehouse, played, day)
    _run(planted, league, check=True)
    assert compare([str(played), str(planted)]) == 0
    with duckdb.connect(str(planted / "warehouse.duckdb"), read_only=True) as warehouse:
        again = warehouse.sql("SELECT * FROM nba_predictions.ml_feature_store ORDER BY ALL").to_arrow_table()
    assert featured.equals(again)


def _plant(warehouse: duckdb.DuckDBPyConnection, played: Path, day: date) -> None:
    """Copy what the played day learned later into the base, with new contents and early snapshots."""
    warehouse.execute(f"ATTACH '{played}/warehouse.duckdb' AS known (READ_ONLY)")
    early = f"TIMESTAMPTZ '{day} 08:00:00+00'"
    planted = [
        f"""INSERT INTO nba_raw.nbac_player_boxscores
            SELECT * REPLACE (points + 40 AS points, 47.0 AS minutes, {early} AS snapshot_time)
            FROM known.nba_raw.nbac_player_boxscores WHERE game_date = DATE '{day}'""",
        f"""INSERT INTO nba_raw.odds_api_player_points_props
            SELECT * REPLACE (line + 20 AS line, TIMESTAMPTZ '{day + timedelta(days=1)} 04:30:00+00' AS snapshot_time)
            FROM known.nba_raw.odds_api_player_points_props WHERE game_date = DATE '{day}'""",
        f"""INSERT INTO nba_raw.injury_report
            SELECT DATE '{day + timedelta(days=1)}', 'espn', team, player_id, player_name, player_lookup,
              player_lookup_base, 'OUT', 'planted', {early}, 'planted', NULL
            FROM known.nba_reference.players""",
    ]
    for statement in planted:
        (rows,) = warehouse.execute(statement).fetchone() or (0,)
        assert rows > 0, "a test that plants nothing proves nothing"
