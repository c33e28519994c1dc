"""Injury reports as the league publishes them, and what is refused."""

from __future__ import annotations

import logging
import random
from collections import Counter
from datetime import UTC, date, datetime
from pathlib import Path

import duckdb
import pytest

from shared.nba.feed_values import ElementRefused
from shared.nba.injury_report.page_parts import COLUMNS
from shared.nba.injury_report.read import read_injury_report
from shared.nba.injury_report.records import STATUSES, CoveredTeam, InjuryReport, ListedPlayer
from shared.nba.injury_report.words import MOST_BYTES
from tests.support.drawn_report import GAME, OUT, draw, draw_table

DAY = date(2024, 12, 5)
EXUM = ListedPlayer(DAY, "DAL", "Dante Exum", "OUT", "Injury/Illness - Right Wrist; Surgery")
# Rows of each status, in the order of STATUSES, as counted by hand in the archive.
SAMPLES = {
    "2022-12-01_05PM": (56, 4, 11, 12, 5),
    "2023-11-15_05PM": (67, 2, 9, 7, 8),
    "2024-12-05_01PM": (71, 0, 11, 1, 3),
    "2024-12-05_05PM": (88, 0, 22, 6, 5),
    "2025-01-31_05PM": (95, 2, 21, 8, 4),
}


@pytest.fixture(autouse=True)
def _quiet() -> None:
    logging.getLogger("pypdf").setLevel(logging.CRITICAL)


@pytest.fixture
def sample(nba_archive: Path, request: pytest.FixtureRequest) -> bytes:
    return (nba_archive.parent / "samples" / f"Injury-Report_{request.param}.pdf").read_bytes()


def refusal(data: bytes) -> str:
    with pytest.raises(ElementRefused) as refused:
        read_injury_report(data)
    return str(refused.value)


@pytest.mark.parametrize(("sample", "counts"), SAMPLES.items(), indirect=["sample"])
def test_a_real_report_is_read_row_for_row(sample: bytes, counts: tuple[int, ...], nba_archive: Path) -> None:
    report = read_injury_report(sample)
    found = Counter(player.status for player in report.players)
    assert tuple(found[status] for status in STATUSES) == counts
    assert not report.unread
    with duckdb.connect() as connection:
        rows = connection.execute(
            f"""SELECT game_date, team_abbr, player_name, status, reason FROM '{nba_archive}/injury_reports.parquet'
            WHERE report_time = ? AND source LIKE 'akng8%'""",
            [report.report_time],
        ).fetchall()
        teams = connection.execute(
            f"""SELECT game_date, team_abbr, submitted FROM '{nba_archive}/injury_report_teams.parquet'
            WHERE report_time = ? AND source LIKE 'akng8%'""",
            [report.report_time],
        ).fetchall()
    assert sorted((p.game_date, p.team, p.player_name, p.status, p.reason) for p in report.players) == sorted(rows)
    assert sorted((t.game_date, t.team, t.submitted) for t in report.teams) == sorted(teams)


@pytest.mark.parametrize("turned", [False, True])
def test_three_states_of_a_team(turned: bool) -> None:
    """Listed, not yet submitted, and nobody listed (in the matchup, without a row)."""
    rows = [OUT, ("", "", "", "Washington Wizards", "", "", "NOT YET SUBMITTED"),
            ("", "07:30 (ET)", "DEN@CLE", "Cleveland Cavaliers", "Porter Jr., Craig", "Questionable", "-")]  # fmt: skip
    report = read_injury_report(draw(rows, turned=turned))
    assert report == InjuryReport(
        datetime(2024, 12, 5, 22, 30, tzinfo=UTC),
        (EXUM, ListedPlayer(DAY, "CLE", "Craig Porter Jr.", "QUESTIONABLE", "-")),
        (CoveredTeam(DAY, "DAL", True), CoveredTeam(DAY, "WAS", False), CoveredTeam(DAY, "DEN", True),
         CoveredTeam(DAY, "CLE", True)),
        (),
    )  # fmt: skip


def test_a_reason_over_lines_and_over_a_page() -> None:
    first = (*OUT[:-1], "Injury/Illness - Right\nWrist; Two-\nWay")
    report = read_injury_report(
        draw(
            [first], [("", "", "", "", "", "", "Season\nSurgery"), ("", "", "", "", "Gafford, Daniel", "Available", "")]
        )
    )
    assert [player.reason for player in report.players] == ["Injury/Illness - Right Wrist; Two-Way Season Surgery", ""]


def test_two_dates_and_a_team_without_a_row_of_players() -> None:
    rows = [
        OUT,
        ("", "", "", "Washington Wizards", "", "", ""),
        ("12/06/2024", "07:00 (ET)", "UTA@LAC", "LA Clippers", "Batum, Nicolas", "Doubtful", "Rest"),
    ]
    report = read_injury_report(draw(rows))
    assert [(player.game_date.day, player.team) for player in report.players] == [(5, "DAL"), (6, "LAC")]
    assert [(team.team, team.submitted) for team in report.teams] == [
        ("DAL", True),
        ("WAS", True),
        ("UTA", True),
        ("LAC", True),
    ]


@pytest.mark.parametrize(
    ("printed", "name"),
    [
        ("Hardaway Jr., Tim", "Tim Hardaway Jr."),
        ("Gilgeous-Alexander, Shai", "Shai Gilgeous-Alexander"),
        ("Mbah a Moute, Luc", "Luc Mbah a Moute"),
        ("Wright IV, McKinley", "McKinley Wright IV"),
        ("Schröder, Dennis", "Dennis Schröder"),
        ("O'Neale, Royce", "Royce O'Neale"),
        ("Nene", "Nene"),
    ],
)  # fmt: skip
def test_names(printed: str, name: str) -> None:
    [player] = read_injury_report(draw([(*OUT[:4], printed, *OUT[5:])])).players
    assert player.player_name == name


def test_a_layout_that_another_program_finds() -> None:
    reason = "Injury/Illness - Left Knee; a reason that is longer than its column is wide and goes on"
    rows = [OUT, *(("", "", "", "", f"Smith, J{n}", "Probable", reason) for n in range(60))]
    report = read_injury_report(draw_table([*rows, ("", "", "", "Washington Wizards", "", "", "NOT YET SUBMITTED")]))
    assert [player.reason for player in report.players[1:]] == [reason] * 60
    assert report.teams == (CoveredTeam(DAY, "DAL", True), CoveredTeam(DAY, "WAS", False))


def test_a_guest_of_the_pre_season_is_named_and_not_read() -> None:
    rows = [
        (*GAME[:2], "RMD@DAL", "Real Madrid", "Garuba, Usman", "Out", "-"),
        ("", "", "", "Dallas Mavericks", *OUT[4:]),
    ]
    report = read_injury_report(draw(rows))
    assert report.players == (EXUM,)
    assert report.teams == (CoveredTeam(DAY, "DAL", True),)
    assert "row 1" in report.unread[0]
    assert "Garuba" in report.unread[0]


@pytest.mark.parametrize(
    ("row", "why"),
    [
        ((*OUT[:5], "Perhaps", "-"), "row 1 has the status 'Perhaps'"),
        ((*OUT[:5], "", "-"), "row 1 has the status ''"),
        (("13/45/2024", *OUT[1:]), "row 1 has the date '13/45/2024'"),
        (("", *OUT[1:]), "row 1 has a matchup before any date"),
        ((*OUT[:2], "DAL at WAS", *OUT[3:]), "row 1 has the matchup 'DAL at WAS'"),
        ((*OUT[:3], "Dallas Maverick", *OUT[4:]), "'Dallas Maverick', no team of the league"),
        ((*OUT[:3], "Utah Jazz", *OUT[4:]), "row 1 is of UTA, which does not play in DAL@WAS"),
        ((*OUT[:3], "", *OUT[4:]), "row 1 is of no game and team"),
        ((*OUT[:4], "", *OUT[5:]), "row 1 has the name ''"),
        (("", "", "", "", "", "", "lost"), "row 1 is of no game and team"),
    ],
)  # fmt: skip
def test_a_report_with_a_row_that_is_not_understood_is_refused_whole(row: tuple[str, ...], why: str) -> None:
    assert why in refusal(draw([row, ("", "", "", "Washington Wizards", "", "", "NOT YET SUBMITTED")]))


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "no PDF"),
        (b"<html>404</html>", "no PDF"),
        (b"%PDF-1.7 and nothing else", "the PDF is damaged"),
        (b"%PDF-" + bytes(MOST_BYTES), "no injury report, at most"),
        (draw([OUT], title="Standings"), "no title with the report's time"),
        (draw([OUT], title="Injury Report: 13/45/24 05:30 PM"), "the report's time is"),
        (draw([OUT], heads=["Date", *COLUMNS[1:]]), "the first page has no columns"),
        (draw([OUT], heads=[" ".join(COLUMNS)]), "do not stand beside each other"),
        (draw([OUT], number="Page {} of 3"), "page 1 of 1 is Page 1 of 3 by its own count"),
        (draw(*([[OUT]] * 61)), "a report of 61 pages"),
    ],
)  # fmt: skip
def test_what_is_no_whole_report_is_refused(data: bytes, why: str) -> None:
    assert why in refusal(data)


def test_a_report_without_anybody() -> None:
    report = read_injury_report(draw([]))
    assert (report.players, report.teams) == ((), ())


@pytest.mark.parametrize("sample", ["2024-12-05_01PM"], indirect=True)
def test_a_damaged_report_never_loses_a_row_in_silence(sample: bytes) -> None:
    """Cut, or bytes gone out of it: the same list, or none."""
    whole, dice = read_injury_report(sample), random.Random(11)
    ends: Counter[str] = Counter()
    for number in range(40):
        damaged = bytearray(sample)
        if number % 2:
            del damaged[dice.randrange(len(sample)) :]
        else:
            first = dice.randrange(len(sample))
            del damaged[first : first + dice.randrange(1, 400)]
        try:
            assert len(read_injury_report(bytes(damaged)).players) == len(whole.players)
            ends["whole"] += 1
        except ElementRefused:
            ends["refused"] += 1
    assert ends["refused"] >= 20
