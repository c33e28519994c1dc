"""The official report as rows: of the file's date alone, whole or refused, as it stood at its own
time.
"""

from __future__ import annotations

import base64
import os
import subprocess
import sys
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from functions.phase2_raw.normalise.official_reports import OfficialReportRows
from functions.phase2_raw.normalise.rows import Problems
from local.replay.report_pdf import Entry
from shared.core.errors import DataError
from shared.nba.injury_report.read import read_injury_report
from shared.stores.ports import DateRange
from shared.stores.raw_files import RawAnswer, RawContent
from shared.stores.warehouse.rows import conform
from shared.stores.warehouse.schemas import load_schema
from tests.conftest import ROOT
from tests.support.drawn_report import draw
from tests.support.fake_sources import DAY, draw_lists
from tests.support.normalised import FETCHED, sample

TIME = datetime(2025, 11, 14, 16, 30, tzinfo=UTC)
PLAYERS, TEAMS = "nba_raw.injury_report", "nba_raw.injury_report_teams"


def rows_of(*reports: Any, day: date = DAY, fetched: datetime = FETCHED) -> tuple[dict[str, Any], Problems]:
    """Rows by table of one file, as they would be loaded."""
    problems = Problems()
    normaliser = OfficialReportRows(DateRange(day, day), problems)
    bodies = [base64.b64encode(each).decode() if isinstance(each, bytes) else each for each in reports]
    answers = [RawAnswer("injury_report", {"path": f"/report-{n}.pdf"}, body) for n, body in enumerate(bodies)]
    normaliser.add("the/path", RawContent("official", "injury_report", day, "run-1", fetched, {}, answers))
    found = {name: conform(table, load_schema(name)).to_pylist() for name, table in normaliser.tables().items()}
    return found, problems


def test_a_report_is_players_and_teams_at_its_own_time() -> None:
    found, problems = rows_of(draw_lists(TIME), fetched=TIME + timedelta(minutes=7))
    about = {
        "game_date": DAY, "source": "official", "snapshot_time": TIME, "run_id": "run-1", "source_file": "the/path",
    }  # fmt: skip
    assert found[PLAYERS] == [
        about | {
            "team": "LAC", "player_id": None, "player_name": "Kawhi Leonard", "player_lookup": "kawhileonard",
            "player_lookup_base": "kawhileonard", "status": "AVAILABLE", "reason": None,
        },
        about | {
            "team": "PHI", "player_id": None, "player_name": "Joel Embiid", "player_lookup": "joelembiid",
            "player_lookup_base": "joelembiid", "status": "OUT", "reason": "Injury/Illness - Left Knee; Surgery",
        },
        about | {
            "team": "PHI", "player_id": None, "player_name": "Paul George", "player_lookup": "paulgeorge",
            "player_lookup_base": "paulgeorge", "status": "QUESTIONABLE",
            "reason": "Injury/Illness - Right Ankle; Sprain",
        },
    ]  # fmt: skip
    expected = {"DET": True, "LAC": True, "LAL": False, "PHI": True}
    assert found[TEAMS] == [about | {"team": team, "submitted": submitted} for team, submitted in expected.items()]
    assert (problems.sentences, problems.notes) == ([], {})


def test_rows_of_another_day_are_left_out_and_counted() -> None:
    found, problems = rows_of(draw_lists(TIME, day=DAY + timedelta(days=1)))
    assert (found, problems.sentences) == ({}, [])
    assert problems.notes == {
        "players of other days' games in an official injury report": 3,
        "teams of other days' games in an official injury report": 4,
    }


def test_a_player_twice_has_the_graver_status_and_both_reasons() -> None:
    lists = {"PHI": [Entry("Joel Embiid", "PROBABLE", "Rest"), Entry("Joel Embiid", "DOUBTFUL", "Illness")]}
    [row] = rows_of(draw_lists(TIME, lists))[0][PLAYERS]
    assert (row["status"], row["reason"]) == ("DOUBTFUL", "Rest; Illness")


def test_a_player_of_two_teams_is_a_row_of_each() -> None:
    lists = {"PHI": [Entry("Joel Embiid", "OUT", "-")], "LAL": [Entry("Joel Embiid", "OUT", "-")]}
    assert [row["team"] for row in rows_of(draw_lists(TIME, lists))[0][PLAYERS]] == ["LAL", "PHI"]


def test_g_league_and_two_way_are_reasons() -> None:
    lists = {"PHI": [Entry("Alex Reese", "OUT", "G League - Two-Way"), Entry("Hunter Sallis", "OUT", "x" * 600)]}
    rows = rows_of(draw_lists(TIME, lists))[0][PLAYERS]
    assert rows[0]["reason"] == "G League - Two-Way"
    assert rows[1]["reason"] == "x" * 500


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (draw_lists(TIME)[:-400], "the PDF is damaged"),
        (b"<html>Access denied</html>", "the file is no PDF"),
        (draw(title="Injuries"), "no title"),
        ("%PDF-1.4", "no file in base64"),
        ({"a": 1}, "no file in base64"),
        (None, "no file in base64"),
        (["x"], "no file in base64"),
        (7, "no file in base64"),
        ("\ud800", "no file in base64"),
    ],
)
def test_a_report_that_is_not_understood_is_refused_by_name(body: Any, message: str) -> None:
    with pytest.raises(DataError, match=message) as raised:
        rows_of(body)
    assert "the/path: injury_report: report-0.pdf: " in str(raised.value)


def test_one_that_is_refused_costs_no_other_of_its_file() -> None:
    found, problems = rows_of(draw_lists(TIME), b"no report", draw_lists(TIME - timedelta(hours=1)))
    assert {row["snapshot_time"] for row in found[TEAMS]} == {TIME, TIME - timedelta(hours=1)}
    [sentence] = problems.sentences
    assert sentence.startswith("the/path: answer 1: report-1.pdf: the file is no PDF")


def test_a_report_from_the_future_is_refused() -> None:
    with pytest.raises(DataError, match="its time 2025-11-14T16:30:00Z is after it was fetched, 2025-11-14T16:29:59Z"):
        rows_of(draw_lists(TIME), fetched=TIME - timedelta(seconds=1))


def test_a_guest_of_the_league_is_named() -> None:
    guests = ("12/05/2024", "07:00 (ET)", "MEL@WAS", "Melbourne United", "Dellavedova, Matthew", "Out", "Rest")
    found, problems = rows_of(draw([guests]), day=date(2024, 12, 5))
    assert [row["team"] for row in found[TEAMS]] == ["WAS"]
    [sentence] = problems.sentences
    assert "'Melbourne United', no team of the league" in sentence


def test_a_real_report_becomes_rows_of_its_day() -> None:
    data = sample("Injury-Report_2024-12-05_05PM.pdf").read_bytes()
    day = date(2024, 12, 5)
    found, problems = rows_of(data, day=day)
    report = read_injury_report(data)
    assert len(found[PLAYERS]) == sum(player.game_date == day for player in report.players) > 30
    assert len(found[TEAMS]) == sum(team.game_date == day for team in report.teams) > 10
    assert problems.sentences == []
    others = sum(player.game_date != day for player in report.players)
    assert problems.notes["players of other days' games in an official injury report"] == others > 0
    assert {row["snapshot_time"] for row in found[TEAMS]} == {datetime(2024, 12, 5, 22, 30, tzinfo=UTC)}


# What a cold start may not load: only a run that has a report reads one.
LOADED = """
import sys
import functions.phase1_scrape.main, functions.phase2_raw.main
from shared.nba.injury_report.read import read_injury_report
print("pypdf" in sys.modules)
read_injury_report(open(sys.argv[1], "rb").read())
print("pypdf" in sys.modules)
"""


def test_the_reader_of_pdfs_is_loaded_when_a_report_is_read(tmp_path: Path) -> None:
    report = tmp_path / "report.pdf"
    report.write_bytes(draw_lists(TIME))
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, "-c", LOADED, str(report)]
    done = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "True"]
