"""The league's official injury reports, made from the archive's lists: the PDF of every name that
the league would have published by now.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from datetime import datetime, timedelta
from functools import lru_cache

from local.replay.archive import Archive
from local.replay.games import EPOCH, MICROSECOND, to_us
from local.replay.injury_lists import InjuryLists, TeamList
from local.replay.report_pdf import Entry, ReportedGame, draw_report
from shared.core.clock import new_york_date
from shared.nba.injury_report.names import parse_report_name

# A month of history asks for about a hundred reports, and a run for one of them again and again.
KEPT_REPORTS = 128


class OfficialReports:
    """The reports of an archive. What a report says is decided by its own time, so each is drawn
    once.
    """

    def __init__(self, archive: Archive, lists: InjuryLists) -> None:
        self._archive, self._lists = archive, lists
        self._draw = lru_cache(KEPT_REPORTS)(self._draw_anew)

    def find(self, name: str, now: datetime) -> bytes | None:
        """The PDF of a file's name; None where the league would not have it by now.

        One of games that no list covers names nobody and no team, as on a day without games.
        """
        report_time = parse_report_name(name)
        return None if report_time is None or report_time > now else self._draw(report_time)

    def _draw_anew(self, report_time: datetime) -> bytes:
        return draw_report(report_time, self._games_of(report_time))

    def _games_of(self, report_time: datetime) -> list[ReportedGame]:
        """The games to come of the report's day and the next, those with a list of either team."""
        games, at_us = self._archive.games, to_us(report_time)
        today = new_york_date(report_time)
        first = bisect_left(games.day, today)
        end = bisect_right(games.day, today + timedelta(days=1))
        found = []
        for number in range(first, end):
            lists = self._lists.of_game(number, at_us) if games.tipoff_us[number] > at_us else {}
            if lists:
                tipoff = EPOCH + int(games.tipoff_us[number]) * MICROSECOND
                entries = {team: _entries(each) for team, each in lists.items() if each.submitted}
                found.append(ReportedGame(games.day[number], tipoff, games.away[number], games.home[number], entries))
        return found


def _entries(listed: TeamList) -> list[Entry]:
    return [Entry(player.player_name, player.status, player.reason) for player in listed.players]
