"""The replay's injury reports: what is drawn is what is read."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from local.replay.report_pdf import Entry, ReportedGame, draw_report, family_name_first
from shared.nba.injury_report.read import read_injury_report
from shared.nba.player_names import natural_order

DAY, TIME = date(2024, 12, 5), datetime(2024, 12, 5, 22, 30, tzinfo=UTC)
LONG = "Injury/Illness - Left Knee; Acute-on-chronic Bone Bruise, Return to Competition Reconditioning " * 2


def game(away: str, home: str, **lists: list[Entry]) -> ReportedGame:
    return ReportedGame(DAY, datetime(2024, 12, 6, 0, 30, tzinfo=UTC), away, home, lists)


def test_what_is_drawn_is_read() -> None:
    games = [
        game("DAL", "WAS", DAL=[Entry("Luka Dončić", "OUT", LONG.strip()), Entry("Tim Hardaway Jr.", "PROBABLE", "")]),
        game("LAL", "LAC", LAL=[], LAC=[Entry("Nené", "AVAILABLE", "G League - Two-Way")]),
    ]
    report = read_injury_report(draw_report(TIME, games))
    assert report.report_time == TIME
    assert [(p.team, p.player_name, p.status, p.reason) for p in report.players] == [
        ("DAL", "Luka Doncic", "OUT", LONG.strip()),
        ("DAL", "Tim Hardaway Jr.", "PROBABLE", "-"),
        ("LAC", "Nene", "AVAILABLE", "G League - Two-Way"),
    ]
    submitted = {team.team: team.submitted for team in report.teams}
    assert submitted == {"DAL": True, "WAS": False, "LAL": True, "LAC": True}


@pytest.mark.parametrize("reason", ["Rest (second night)", "Rest (open", "closed)", "a \\ b", "back\\", "A (b (c) d"])
def test_signs_that_a_pdf_means_something_by_are_text(reason: str) -> None:
    report = read_injury_report(
        draw_report(TIME, [game("DAL", "WAS", DAL=[Entry("Daniel (DJ) Player", "OUT", reason)])])
    )
    assert [(p.player_name, p.reason) for p in report.players] == [("Daniel (DJ) Player", reason)]


def test_a_long_list_goes_over_pages_and_reasons_with_it() -> None:
    entries = [Entry(f"Player Number{n}", "QUESTIONABLE", LONG.strip() if n % 3 else "Rest") for n in range(80)]
    drawn = draw_report(TIME, [game("DAL", "WAS", DAL=entries, WAS=[])])
    players = read_injury_report(drawn).players
    assert [(p.player_name, p.reason) for p in players] == [(each.name, each.reason) for each in entries]
    assert drawn == draw_report(TIME, [game("DAL", "WAS", DAL=entries, WAS=[])])


def test_a_game_whose_teams_both_list_nobody_is_covered() -> None:
    """Before, between and after others: it has no player whose row would name it."""
    listed = [Entry("Player One", "OUT", "Rest")]
    games = [
        game("BOS", "NYK", BOS=[], NYK=[]),
        game("CHI", "MIA", CHI=listed, MIA=[]),
        game("DAL", "WAS", DAL=[], WAS=[]),
        game("LAL", "LAC", LAL=[]),
        game("UTA", "POR", UTA=[], POR=[]),
    ]
    report = read_injury_report(draw_report(TIME, games))
    assert [(p.team, p.player_name) for p in report.players] == [("CHI", "Player One")]
    assert {team.team: team.submitted for team in report.teams} == {
        team: team != "LAC" for each in games for team in (each.away, each.home)
    }


def test_a_report_of_no_game() -> None:
    report = read_injury_report(draw_report(TIME, []))
    assert (report.players, report.teams) == ((), ())


@pytest.mark.parametrize("name", ["Luc Mbah a Moute", "Tim Hardaway Jr.", "Nene", "Craig Porter Jr.", "PJ Washington"])
def test_a_printed_name_is_read_as_it_was(name: str) -> None:
    assert natural_order(family_name_first(name)) == name
