"""An official injury report read: whole, or refused with what is not understood."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import date, datetime

from shared.nba.feed_values import ElementRefused, show_value
from shared.nba.injury_report.page_parts import COLUMNS, Page, take_apart
from shared.nba.injury_report.records import STATUSES, CoveredTeam, InjuryReport, ListedPlayer
from shared.nba.injury_report.rows import GAME_DATE, GAME_TIME, MATCHUP, PLAYER, REASON, STATUS, TEAM, Row, rows_of
from shared.nba.injury_report.words import read_words
from shared.nba.player_names import natural_order, player_lookup
from shared.nba.teams import team_by_abbr, team_by_name

NOT_SUBMITTED = "NOT YET SUBMITTED"
_MATCHUP = re.compile(r"([A-Z]{2,4})\s*@\s*([A-Z]{2,4})")


def read_injury_report(data: bytes) -> InjuryReport:
    """Read a report's PDF.

    Raises ElementRefused, saying which, where it is no PDF, cut short, or its title, columns, a
    date, a matchup or a status is not understood: half a list would say that the others play.
    """
    pages = [take_apart(words) for words in read_words(data)]
    report_time = _only("title with the report's time", [page.report_time for page in pages])
    columns = next((page.columns for page in pages if page.columns is not None), None)
    if columns is None or pages[0].columns is None:
        raise ElementRefused(f"the first page has no columns {', '.join(COLUMNS)}")
    _check_pages(pages)
    return _Reader(report_time).read(rows_of([page.rows for page in pages], columns))


def _only(what: str, found: Iterable[datetime | None]) -> datetime:
    stated = {each for each in found if each is not None}
    if len(stated) != 1:
        raise ElementRefused(f"the report has no {what}" if not stated else f"the report has more than one {what}")
    return stated.pop()


def _check_pages(pages: Sequence[Page]) -> None:
    """A page that is lost, or whose words are, is a part of the list. Raises ElementRefused."""
    if not any(page.number for page in pages):
        return
    for number, page in enumerate(pages, start=1):
        if page.number != (number, len(pages)):
            stated = (
                "without a number" if page.number is None else "Page {} of {} by its own count".format(*page.number)
            )
            raise ElementRefused(f"page {number} of {len(pages)} is {stated}")


class _Reader:
    """Goes through the rows: date, matchup and team stand only where they change."""

    def __init__(self, report_time: datetime) -> None:
        self._report_time = report_time
        self._day: date | None = None
        self._matchup: tuple[str, str] | None = None
        self._team = ""
        self._players: list[ListedPlayer] = []
        self._submitted: dict[tuple[date, str], bool] = {}
        self._unread: list[str] = []

    def read(self, rows: Iterable[Row]) -> InjuryReport:
        for row in rows:
            self._go_to(row)
            self._read_row(row)
        teams = tuple(CoveredTeam(day, team, submitted) for (day, team), submitted in self._submitted.items())
        return InjuryReport(self._report_time, tuple(self._players), teams, tuple(self._unread))

    def _go_to(self, row: Row) -> None:
        """Date, matchup and team of the row, where it names them."""
        if row[GAME_DATE]:
            self._day, self._matchup, self._team = _day(row), None, ""
        if row[GAME_TIME] and not row[MATCHUP]:
            raise ElementRefused(f"row {row.number} has a time without a matchup: {row}")
        if row[MATCHUP]:
            self._matchup, self._team = _matchup(row), ""
            if self._day is None:
                raise ElementRefused(f"row {row.number} has a matchup before any date: {row}")
            for abbr in self._matchup:
                if team_by_abbr(abbr) is not None:
                    # a team without a row has nobody on its list
                    self._submitted.setdefault((self._day, abbr), True)
        if row[TEAM]:
            self._team = row[TEAM]

    def _read_row(self, row: Row) -> None:
        day, matchup = self._day, self._matchup
        if day is None or matchup is None or not self._team:
            raise ElementRefused(f"row {row.number} is of no game and team: {row}")
        team = team_by_name(self._team)
        if team is None and all(map(team_by_abbr, matchup)):
            raise ElementRefused(f"row {row.number} is of {show_value(self._team)}, no team of the league: {row}")
        if team is not None and team.abbr not in matchup:
            raise ElementRefused(
                f"row {row.number} is of {team.abbr}, which does not play in {'@'.join(matchup)}: {row}"
            )
        if team is None:
            self._unread.append(f"row {row.number}, of {show_value(self._team)}, no team of the league: {row}")
        elif " ".join(filter(None, (row[PLAYER], row[STATUS], row[REASON]))).upper() == NOT_SUBMITTED:
            self._submitted[day, team.abbr] = False
        elif row[PLAYER] or row[STATUS] or row[REASON]:
            self._players.append(_player(row, day, team.abbr))


def _day(row: Row) -> date:
    try:
        month, day, year = map(int, row[GAME_DATE].split("/"))
        return date(year, month, day)
    except ValueError:
        raise ElementRefused(f"row {row.number} has the date {show_value(row[GAME_DATE])}") from None


def _matchup(row: Row) -> tuple[str, str]:
    found = _MATCHUP.fullmatch(row[MATCHUP])
    if found is None:
        raise ElementRefused(f"row {row.number} has the matchup {show_value(row[MATCHUP])}, no AWAY@HOME")
    return found[1], found[2]


def _player(row: Row, day: date, team: str) -> ListedPlayer:
    status = row[STATUS].upper()
    if status not in STATUSES:
        raise ElementRefused(
            f"row {row.number} has the status {show_value(row[STATUS])}, none of {', '.join(STATUSES)}: {row}"
        )
    name = natural_order(row[PLAYER])
    if not player_lookup(name) or "," in name:
        raise ElementRefused(f"row {row.number} has the name {show_value(row[PLAYER])}: {row}")
    return ListedPlayer(day, team, name, status, row[REASON])
