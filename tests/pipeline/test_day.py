"""`make run` as a person starts it: a whole day, again, doubled and shuffled, and wrong input."""

from __future__ import annotations

import json
import shutil
from datetime import timedelta
from pathlib import Path

import duckdb
import pytest

from local.cli.compare import main as compare
from local.embedded.contents import foreign
from local.replay import Archive
from shared.nba.stats import POINTS, PREDICTED
from shared.science.systems.error_codes import NOTHING_TO_SAY
from shared.science.systems.output import SYSTEMS
from tests.pipeline.whole_day import child, make_run, summary_of
from tests.support.nba import nba

pytestmark = pytest.mark.heavy  # whole days, each in a process of its own; `make run` plays one

PREDICTIONS = "nba_predictions.player_prop_predictions"


def test_a_day_from_scraping_to_grading(day_played: Path) -> None:
    summary = summary_of(day_played)
    assert summary["games"] == 3
    assert summary["players_predicted"] == summary["players_expected"] > 30
    lined = summary["lined"]
    assert lined["total"] == lined["predicted"] + sum(lined["left_out"].values())
    assert summary["messages"]["dead_lettered"] == 0
    assert list(summary["graded"]) == list(PREDICTED)
    for stat, graded in summary["graded"].items():
        # shot zones say something of points, and not of every statistic
        lacking = set(SYSTEMS) - set(graded)
        assert lacking <= (set() if stat == POINTS.name else {"zone_matchup_v1"}), stat
        assert len({row["n"] for row in graded.values()}) == 1, f"all systems on the same rows of {stat}"
    assert summary["runs"][0]["schedule"] == "daily-yesterday-analytics"
    assert len(summary["runs"]) == 9
    (heal,) = [run for run in summary["runs"] if run["schedule"] == "self-heal-predictions"]
    assert [(phase["name"], phase["status"]) for phase in heal["phases"]] == [("self_heal", "success")]
    assert all(run["warehouse_statements"] <= 40 for run in summary["runs"])
    assert summary["warehouse_statements"] <= 150


def test_a_played_folder_holds_nothing_that_clean_local_does_not_know(day_played: Path) -> None:
    assert foreign(day_played) == []


def test_the_usual_player_has_five_systems_by_five_lines(day_played: Path) -> None:
    with duckdb.connect(str(day_played / "warehouse.duckdb"), read_only=True) as warehouse:
        counts = warehouse.sql(
            "SELECT stat, count(*) AS n, count(DISTINCT system_id), count(DISTINCT line_value) "
            "FROM nba_predictions.current_predictions "
            "WHERE line_kind <> 'none' AND error_code IS DISTINCT FROM $nothing GROUP BY game_id, player_id, stat",
            params={"nothing": NOTHING_TO_SAY},
        ).fetchall()
        stars = warehouse.sql(
            "SELECT count(*) FROM nba_predictions.current_predictions "
            "WHERE line_snapshot_at >= features_as_of OR features_as_of > tipoff_at"
        ).fetchone()
    assert {stat for stat, *_ in counts} == set(PREDICTED)
    assert all(rows == systems * lines for _, rows, systems, lines in counts)
    assert {systems for stat, _, systems, _ in counts if stat == POINTS.name} == {len(SYSTEMS)}
    # shot zones say nothing of some
    assert {systems for _, _, systems, _ in counts} <= {len(SYSTEMS), len(SYSTEMS) - 1}
    assert {stat for stat, _, _, lines in counts if lines == 5} == set(PREDICTED)
    assert stars == (0,)


def test_statements_do_not_grow_with_games(day_played: Path, day_league: Path) -> None:
    """The same number of warehouse calls for three games as for none predicted yet; see also make
    bench.
    """
    chains = [run for run in summary_of(day_played)["runs"] if run["batch_id"]]
    assert len({run["warehouse_statements"] for run in chains[1:]}) == 1


def test_the_same_day_again_is_the_same(day_played: Path, day_league: Path, tmp_path: Path) -> None:
    again = tmp_path / "again"
    shutil.copytree(day_played, again)
    make_run(again, day_league, check=True)
    assert summary_of(again)["epoch"] == 2
    assert compare([str(day_played), str(again)]) == 0


def test_every_message_twice_and_in_random_order_is_the_same(
    day_base: Path, day_played: Path, day_league: Path, tmp_path: Path
) -> None:
    chaotic = tmp_path / "chaotic"
    shutil.copytree(day_base, chaotic)
    make_run(chaotic, day_league, check=True, DELIVER_TWICE="1", SHUFFLE_SEED="11")
    messages = summary_of(chaotic)["messages"]
    assert messages["delivered"] >= 2 * messages["published"] - 20
    assert compare([str(day_played), str(chaotic)]) == 0


def test_a_day_without_games_says_so(day_league: Path, tmp_path: Path) -> None:
    archive = Archive(day_league)
    days = archive.game_days(archive.seasons[-1])
    free = next(day for day in (days[0] + timedelta(days=n) for n in range(99)) if day not in days)
    folder = tmp_path / "free"
    done = make_run(folder, day_league, DATE=free.isoformat())
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
    settings: dict[str, str], words: str, day_league: Path, tmp_path: Path
) -> None:
    done = child(
        "local.cli.run", check=False, **{"ARCHIVE": str(day_league), "LOCAL_DIR": str(tmp_path / "state"), **settings}
    )
    assert done.returncode == 2
    assert words in done.stderr
    assert done.stderr.count("\n") == 1, "one sentence, no trace"
    assert not (tmp_path / "state" / "summary.json").exists()


def test_an_empty_folder_is_no_archive(tmp_path: Path) -> None:
    done = child("local.cli.run", ARCHIVE=str(tmp_path), LOCAL_DIR=str(tmp_path / "state"))
    assert done.returncode == 2
    assert "schedule.parquet" in done.stderr


def test_republishing_the_export_as_operators_do(day_played: Path, tmp_path: Path) -> None:
    folder = tmp_path / "operated"
    shutil.copytree(day_played, folder)
    game_date = summary_of(folder)["game_date"]
    message = json.dumps({"game_date": game_date, "batch_id": summary_of(folder)["batch_id"]})
    done = nba("publish", "nba-phase6-export-trigger", message, "--why", "a try", "--yes", "--dir", folder)
    assert done.code == 0, done
    assert "phase6_export" in done.out
