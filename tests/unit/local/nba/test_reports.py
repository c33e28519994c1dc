"""./nba injury-report on files: its document, its sentences, how it ends."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from local.nba.program import main
from tests.support.drawn_report import GAME, OUT, draw

ROWS = [OUT, ("", "07:30 (ET)", "DEN@CLE", "Cleveland Cavaliers", "", "", "NOT YET SUBMITTED")]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "report.pdf"
    path.write_bytes(draw(ROWS))
    return path


def test_the_document(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["injury-report", str(file), "--json"]) == 0
    row = {"game_date": "2024-12-05", "team": "DAL", "player_name": "Dante Exum", "status": "OUT",
           "reason": "Injury/Illness - Right Wrist; Surgery"}  # fmt: skip
    teams = [("DAL", True), ("WAS", True), ("DEN", True), ("CLE", False)]
    assert json.loads(capsys.readouterr().out) == {
        "report_time": "2024-12-05T22:30:00Z",
        "rows": [row],
        "teams": [{"game_date": "2024-12-05", "team": team, "submitted": there} for team, there in teams],
        "unread": [],
    }


def test_what_a_person_reads(file: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "160")
    assert main(["injury-report", str(file)]) == 0
    printed = capsys.readouterr().out
    assert "Report of 2024-12-05T22:30:00Z: 1 players of 4 teams; 1 OUT" in printed
    assert "Dante Exum" in printed
    assert "Nobody is listed by WAS (2024-12-05), DEN (2024-12-05)." in printed
    assert "Not yet submitted: CLE (2024-12-05)." in printed


def test_a_row_that_is_named_and_not_read_needs_attention(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file.write_bytes(draw([(*GAME[:2], "RMD@DAL", "Real Madrid", "Garuba, Usman", "Out", "-")]))
    assert main(["injury-report", str(file)]) == 1
    assert "Not read: row 1, of 'Real Madrid'" in capsys.readouterr().out


@pytest.mark.parametrize("what", ["no file", "a folder", "no PDF", "a status"])
def test_what_cannot_be_read_is_named_with_the_file(what: str, file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    if what == "no file":
        file.unlink()
    elif what == "a folder":
        file.unlink()
        file.mkdir()
    else:
        file.write_bytes(b"<html>" if what == "no PDF" else draw([(*OUT[:5], "Perhaps", "-")]))
    assert main(["injury-report", str(file), "--json"]) == 2
    assert str(file) in json.loads(capsys.readouterr().out)["error"]
