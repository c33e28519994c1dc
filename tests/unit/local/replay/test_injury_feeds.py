"""The league's reports and ESPN's list: what was published by now, and no word more."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from local.league import write_league
from local.replay import Archive, create_replay_app
from local.replay.games import Games
from local.replay.report_pdf import ReportedGame, draw_report
from shared.core.clock import NEW_YORK, at_new_york
from shared.nba.injury_report.names import parse_report_name
from shared.nba.injury_report.read import read_injury_report
from shared.nba.injury_report.records import InjuryReport
from shared.nba.teams import TEAMS, team_by_name
from tests.support.planted_lists import Report, write_lists

pytestmark = pytest.mark.heavy  # a replay for every list that is planted

ESPN = "/espn/apis/site/v2/sports/basketball/nba/injuries"
SECOND = timedelta(seconds=1)


@dataclass
class Feeds:
    """A client of an archive's replay, whose clock the test sets, and what was planted."""

    folder: Path
    reports: list[Report]
    now: datetime = datetime(2030, 1, 1, tzinfo=UTC)

    def __post_init__(self) -> None:
        self.archive = Archive(self.folder)
        self.client = create_replay_app(self.archive, lambda: self.now).test_client()

    @property
    def games(self) -> Games:
        return self.archive.games

    def report(self, name: str) -> InjuryReport | None:
        answer = self.client.get(f"/official/{name}")
        if answer.status_code == 404:
            return None
        assert (answer.status_code, answer.mimetype) == (200, "application/pdf")
        return read_injury_report(answer.data)

    def espn(self) -> dict[str, dict[str, tuple[str, str]]]:
        """Status and reason of each player, by team."""
        teams = self.client.get(ESPN).get_json()["injuries"]
        return {
            team["displayName"]: {
                each["athlete"]["displayName"]: (each["status"], each["details"]["type"]) for each in team["injuries"]
            }
            for team in teams
        }


def name_of(report_time: datetime) -> str:
    """The hourly file's name of a report."""
    named = report_time.astimezone(NEW_YORK) - timedelta(minutes=30)
    return f"Injury-Report_{named:%Y-%m-%d_%I%p}.pdf"


@pytest.fixture(scope="module")
def league(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("feeds") / "league"
    write_league(folder, seed=4, seasons=1, teams=8, games_per_team=10)
    return folder


@pytest.fixture(scope="module")
def day(league) -> date:
    """A day of three games or more, with some on the day after."""
    games = Archive(league).games
    of_day = Counter(games.day)
    return next(day for day in sorted(of_day) if of_day[day] >= 3 and of_day[day + timedelta(days=1)])


@pytest.fixture(scope="module")
def planted(league, day, tmp_path_factory) -> tuple[Path, list[Report]]:
    """Of the day: a team with a list that changes at 13:30, one with nobody on it, one that has not
    submitted; the second game has a list of its home team alone, the third none. Of the next day's
    first game a list since the evening before.
    """
    games = Archive(league).games
    numbers = [number for number, each in enumerate(games.day) if each == day]
    tomorrow = games.day.index(day + timedelta(days=1))

    def plant(number: int, team: str, hour: int, listed: dict[str, str], **more: Any) -> Report:
        at = at_new_york(day, time(hour, 30))
        return Report(at, games.day[number], games.game_id[number], team, listed, **more)

    first, second = numbers[0], numbers[1]
    reports = [
        plant(first, games.home[first], 8, {"Luka Dončić": "OUT", "Al Roe": "AVAILABLE"}, reason="Rest"),
        plant(first, games.home[first], 13, {"Luka Dončić": "QUESTIONABLE", "Bo Poe": "DOUBTFUL", "Cy": "PROBABLE"}),
        plant(first, games.away[first], 8, {}, submitted=False),
        plant(second, games.home[second], 8, {}),
        plant(tomorrow, games.away[tomorrow], 16, {"Dee Fox Jr.": "OUT"}),
    ]
    return write_lists(league, tmp_path_factory.mktemp("planted") / "feeds", reports), reports


@pytest.fixture
def feeds(planted: tuple[Path, list[Report]]) -> Feeds:
    return Feeds(*planted)


# --- the league's reports -------------------------------------------------------------------------


def test_the_report_of_a_name_is_that_of_its_own_time(feeds: Feeds, day: date) -> None:
    morning = feeds.report(name_of(at_new_york(day, time(10, 30))))
    evening = feeds.report(name_of(at_new_york(day, time(16, 30))))
    assert morning is not None
    assert evening is not None
    home = feeds.reports[0].team
    assert [(p.player_name, p.status, p.reason) for p in morning.players] == [
        ("Luka Doncic", "OUT", "Rest"),
        ("Al Roe", "AVAILABLE", "Rest"),
    ]
    assert [(p.team, p.player_name, p.status) for p in evening.players] == [
        (home, "Luka Doncic", "QUESTIONABLE"),
        (home, "Bo Poe", "DOUBTFUL"),
        (home, "Cy", "PROBABLE"),
        (feeds.reports[-1].team, "Dee Fox Jr.", "OUT"),
    ]
    assert evening.report_time == at_new_york(day, time(16, 30))


def test_only_teams_of_a_game_with_a_list_are_covered(feeds: Feeds, day: date) -> None:
    report = feeds.report(name_of(at_new_york(day, time(10, 30))))
    assert report is not None
    games, second = feeds.games, feeds.games.index[feeds.reports[3].game_id]
    assert {(each.team, each.submitted) for each in report.teams} == {
        (feeds.reports[0].team, True),
        (feeds.reports[2].team, False),
        (games.home[second], True),
        (games.away[second], False),
    }
    assert all(each.game_date == day for each in report.teams)


def test_a_game_that_has_begun_is_in_no_report(feeds: Feeds, day: date) -> None:
    late = feeds.report(name_of(at_new_york(day, time(23, 30))))
    assert late is not None
    assert {each.game_date for each in late.teams} == {day + timedelta(days=1)}


def test_there_is_none_before_its_time_and_one_of_nobody_without_a_list(feeds: Feeds, day: date) -> None:
    at = at_new_york(day, time(8, 30))
    feeds.now = at - SECOND
    assert feeds.report(name_of(at)) is None
    feeds.now = at
    assert feeds.report(name_of(at)) is not None
    earlier = feeds.report(name_of(at - timedelta(hours=1)))
    assert earlier is not None
    assert (earlier.players, earlier.teams) == ((), ()), "no list covers any team by then"


NAMES = [
    ("Injury-Report_2025-12-22_05PM.pdf", datetime(2025, 12, 22, 22, 30, tzinfo=UTC)),
    ("Injury-Report_2025-12-23_05_15PM.pdf", datetime(2025, 12, 23, 22, 15, tzinfo=UTC)),
    ("Injury-Report_2025-12-23_12_00AM.pdf", datetime(2025, 12, 23, 5, 0, tzinfo=UTC)),
    ("Injury-Report_2025-03-14_12AM.pdf", datetime(2025, 3, 14, 4, 30, tzinfo=UTC)),
    ("Injury-Report_2025-12-23_05PM.pdf", None),
    ("Injury-Report_2025-12-22_05_15PM.pdf", None),
    ("Injury-Report_2025-12-23_05_20PM.pdf", None),
    ("Injury-Report_2025-03-14_00AM.pdf", None),
    ("Injury-Report_2025-03-14_13PM.pdf", None),
    ("Injury-Report_2025-02-30_05PM.pdf", None),
    ("Injury-Report_2025-03-14_5PM.pdf", None),
    ("injuries.pdf", None),
]


@pytest.mark.parametrize(("name", "at"), NAMES)
def test_names_have_the_step_of_their_day(feeds: Feeds, name: str, at: datetime | None) -> None:
    assert parse_report_name(name) == at
    if at is None:
        assert feeds.report(name) is None


def test_a_report_is_drawn_once_however_often_it_is_asked_for(feeds: Feeds, day: date, monkeypatch) -> None:
    drawn: list[datetime] = []

    def draw_counted(report_time: datetime, games: Sequence[ReportedGame]) -> bytes:
        drawn.append(report_time)
        return draw_report(report_time, games)

    monkeypatch.setattr("local.replay.official_reports.draw_report", draw_counted)
    at = at_new_york(day, time(14, 30))
    answers = {feeds.client.get(f"/official/{name_of(at)}").data for _ in range(3)}
    assert len(answers) == 1
    assert drawn == [at]


SAMPLES = ("2022-12-01_05PM", "2023-11-15_05PM", "2024-12-05_01PM", "2024-12-05_05PM", "2025-01-31_05PM")


@pytest.fixture(scope="module")
def real(nba_archive) -> Feeds:
    if not (nba_archive / "injury_reports.parquet").is_file():
        pytest.skip("this archive has no injury lists")
    return Feeds(nba_archive, [])


@pytest.mark.parametrize("sample", SAMPLES)
def test_a_real_report_is_served_as_it_was_published(real: Feeds, sample: str) -> None:
    name = f"Injury-Report_{sample}.pdf"
    published = read_injury_report((real.folder.parent / "samples" / name).read_bytes())
    served = real.report(name)
    assert served is not None
    assert served.report_time == published.report_time

    def rows(report: InjuryReport) -> set[tuple[date, str, str, str]]:
        return {(each.game_date, each.team, each.player_name, each.status) for each in report.players}

    assert rows(served) == rows(published)
    assert set(served.teams) == set(published.teams)


# --- ESPN -----------------------------------------------------------------------------------------


def test_espn_lists_whom_todays_lists_name(feeds: Feeds, day: date) -> None:
    home = next(team.nba_name for team in TEAMS if team.abbr == feeds.reports[0].team)
    feeds.now = at_new_york(day, time(8, 30))
    assert feeds.espn() == {home: {"Luka Dončić": ("Out", "Rest")}}, "the day after is not listed, nor who plays"
    feeds.now = at_new_york(day, time(13, 30)) - SECOND
    assert feeds.espn()[home] == {"Luka Dončić": ("Out", "Rest")}
    feeds.now = at_new_york(day, time(13, 30))
    assert feeds.espn()[home] == {
        "Luka Dončić": ("Questionable", "Undisclosed"),
        "Bo Poe": ("Doubtful", "Undisclosed"),
        "Cy": ("Probable", "Undisclosed"),
    }
    dates = [each["date"] for team in feeds.client.get(ESPN).get_json()["injuries"] for each in team["injuries"]]
    assert max(dates) <= f"{feeds.now:%Y-%m-%dT%H:%M:%SZ}"


@pytest.fixture
def absent(feeds: Feeds, day: date) -> Iterator[dict[str, list[str]]]:
    """One absent player of every team of the day, written into the archive; the names by team."""
    games, file = feeds.games, feeds.folder / "absences.parquet"
    kept = file.read_bytes()
    table = pq.read_table(file)
    [like] = table.slice(0, 1).to_pylist()
    rows = [
        like | {
            "game_id": games.game_id[number], "game_date": datetime.combine(day, time()), "team_abbr": team,
            "player_id": 7_000_000 + place, "player_name": f"Absent of {team}",
        }
        for place, (number, team) in enumerate(
            (number, team)
            for number, each in enumerate(games.day) if each == day
            for team in (games.home[number], games.away[number])
        )
    ]  # fmt: skip
    pq.write_table(pa.Table.from_pylist(rows, schema=table.schema), file)
    yield {row["team_abbr"]: [row["player_name"]] for row in rows}
    file.write_bytes(kept)


def test_box_scores_stand_in_only_where_no_list_ever_covers_a_team(
    feeds: Feeds, day: date, absent: dict[str, list[str]], caplog: pytest.LogCaptureFixture
) -> None:
    """A team that has not submitted is covered, so is one whose list comes later."""
    covered = {report.team for report in feeds.reports if report.game_date == day}
    with caplog.at_level(logging.WARNING):
        feeds.now = at_new_york(day, time(11, 0)) - SECOND
        assert not any("Absent" in name for team in feeds.espn().values() for name in team)
        assert caplog.messages == []
        for hour in (11, 12, 18):
            feeds.now = at_new_york(day, time(hour, 0))
            shown = {
                found.abbr
                for team, players in feeds.espn().items()
                if any("Absent" in name for name in players) and (found := team_by_name(team))
            }
            assert shown == absent.keys() - covered
    assert len(caplog.messages) == 1
    assert all(team in caplog.messages[0] for team in absent.keys() - covered)


@given(minutes=st.integers(0, 36 * 60))
@settings(max_examples=25)
def test_no_feed_knows_a_later_list(planted, day: date, tmp_path_factory, minutes: int) -> None:
    """Whatever later lists say, the answers of now are the same to the byte."""
    folder, reports = planted
    now = at_new_york(day, time(0, 0)) + minutes * timedelta(minutes=1)
    altered = [
        each if each.at <= now else replace(each, submitted=True, listed={"Later Known": "OUT"}) for each in reports
    ]
    other = write_lists(folder, tmp_path_factory.mktemp("altered") / "feeds", altered)
    hour = now.replace(minute=30) - timedelta(hours=1)
    paths = [ESPN, *(f"/official/{name_of(hour + n * timedelta(hours=1))}" for n in range(-2, 6))]
    present, later = (Feeds(each, [], now) for each in (folder, other))
    assert [present.client.get(path).data for path in paths] == [later.client.get(path).data for path in paths]
