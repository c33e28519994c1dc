"""The league's official injury report -> nba_raw.injury_report and nba_raw.injury_report_teams: the
teams and players of the file's game date, as they stood at the report's own time.

A report that is not understood is refused whole: half a list would say that the others play.
"""

from __future__ import annotations

import base64
import binascii
from datetime import date
from typing import Any

import pyarrow as pa

from functions.phase2_raw.normalise.injury_tables import InjuryTables, listed_row, once_each
from functions.phase2_raw.normalise.rows import Problems, each_answer
from shared.core.clock import format_timestamp
from shared.nba import feed_values
from shared.nba.bounds import LONGEST_REASON
from shared.nba.feed_values import ElementRefused, show_value
from shared.nba.injury_report.read import read_injury_report
from shared.nba.injury_report.records import InjuryReport, ListedPlayer
from shared.stores.ports import DateRange
from shared.stores.raw_files import RawAnswer, RawContent

# How a report writes that there is no reason.
_NO_REASON = ("", "-")
_OTHER_DAYS = "of other days' games in an official injury report"


class OfficialReportRows:
    """Rows of the reports of a file, each as a snapshot of its own."""

    def __init__(self, dates: DateRange, problems: Problems) -> None:
        self._problems = problems
        self._tables = InjuryTables()

    def add(self, path: str, content: RawContent) -> None:
        def read(answer: RawAnswer) -> None:
            name = str(answer.request.get("path", "")).lstrip("/")
            try:
                self._read(path, content, answer.body)
            except ElementRefused as refused:
                raise ElementRefused(f"{name}: {refused}" if name else str(refused)) from refused

        each_answer(path, content.answers_named("injury_report"), self._problems, read, "injury_report")

    def tables(self) -> dict[str, pa.Table]:
        return self._tables.tables()

    def _read(self, path: str, content: RawContent, body: Any) -> None:
        """Raises ElementRefused for a report that is not understood, or later than its fetch."""
        report = read_injury_report(_bytes_of(body))
        if report.report_time > content.fetched_at:
            raise ElementRefused(
                f"its time {format_timestamp(report.report_time)} is after it was fetched,"
                f" {format_timestamp(content.fetched_at)}"
            )
        rows = once_each(_row(player) for player in report.players if player.game_date == content.game_date)
        submitted = {team.team: team.submitted for team in report.teams if team.game_date == content.game_date}
        for row in report.unread:
            self._problems.row(path, "injury_report", row)
        self._leave_out(report, content.game_date)
        self._tables.add(path, content, report.report_time, rows, submitted)

    def _leave_out(self, report: InjuryReport, day: date) -> None:
        for what, dates in (
            ("players", [player.game_date for player in report.players]),
            ("teams", [team.game_date for team in report.teams]),
        ):
            for each in dates:
                if each != day:
                    self._problems.leave_out(f"{what} {_OTHER_DAYS}")


def _bytes_of(body: Any) -> bytes:
    """The file of an answer that keeps it in base64. Raises ElementRefused."""
    try:
        return base64.b64decode(body, validate=True)
    except (TypeError, ValueError, binascii.Error):
        raise ElementRefused(f"the answer is {show_value(body)}, no file in base64") from None


def _row(player: ListedPlayer) -> dict[str, Any]:
    """Raises ElementRefused for a name that is no text."""
    name = feed_values.text(player.player_name, "Player Name")
    given = player.reason.strip()[:LONGEST_REASON]
    reason = None if given in _NO_REASON else feed_values.text(given, f"Reason of {name}", LONGEST_REASON)
    return listed_row(player.team, name, player.status, reason)
