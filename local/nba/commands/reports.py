"""A source's file read as the pipeline reads it, to see what it makes of it."""

from __future__ import annotations

from collections import Counter
from functools import partial
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from local.console.plain import plain
from local.nba.answer import Answer
from local.nba.command import command
from local.nba.exit_codes import ATTENTION, DONE
from local.nba.rendering import Column, Document, Kind, of, render
from shared.core.errors import DataError
from shared.nba.feed_values import ElementRefused
from shared.nba.injury_report.read import read_injury_report
from shared.nba.injury_report.records import STATUSES, InjuryReport

ROWS = Kind(
    rows=of("rows"),
    columns=(
        Column("date", "game_date"),
        Column("team", "team"),
        Column("player", "player_name"),
        Column("status", "status"),
        Column("reason", "reason"),
    ),
    empty="Nobody is listed.",
)


@command("injury-report", place=False)
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
def injury_report(file: Path) -> Answer:
    """Read an official injury report (PDF): who is listed, and whose list is not there yet."""
    try:
        report = read_injury_report(file.read_bytes())
    except FileNotFoundError:
        raise DataError(f"There is no file {file}.", next_step="name a report that was downloaded.") from None
    except ElementRefused as refused:
        raise DataError(
            f"{file} is no injury report that can be read: {refused}.",
            next_step="look at the file; such a report is refused whole, and ESPN's list serves.",
        ) from refused
    document = document_of(report)
    return Answer(document, ATTENTION if report.unread else DONE, show=partial(_show, document=document))


def document_of(report: InjuryReport) -> dict[str, Any]:
    """The report as JSON; texts of days and times are ISO 8601, the time in UTC."""
    return {
        "report_time": report.report_time.isoformat().replace("+00:00", "Z"),
        "rows": [
            {
                "game_date": player.game_date.isoformat(),
                "team": player.team,
                "player_name": player.player_name,
                "status": player.status,
                "reason": player.reason,
            }
            for player in report.players
        ],
        "teams": [
            {"game_date": each.game_date.isoformat(), "team": each.team, "submitted": each.submitted}
            for each in report.teams
        ],
        "unread": list(report.unread),
    }


def _show(console: Console, document: Document) -> None:
    rows, teams = document["rows"], document["teams"]
    listed = {(row["game_date"], row["team"]) for row in rows}
    missing = [f"{each['team']} ({each['game_date']})" for each in teams if not each["submitted"]]
    nobody = [
        f"{each['team']} ({each['game_date']})"
        for each in teams
        if each["submitted"] and (each["game_date"], each["team"]) not in listed
    ]
    counts = Counter(row["status"] for row in rows)
    by_status = ", ".join(f"{counts[status]} {status}" for status in STATUSES if counts[status])
    console.print(plain(f"Report of {document['report_time']}: {len(rows)} players of {len(teams)} teams; {by_status}"))
    render(console, document, [ROWS])
    if nobody:
        console.print(plain(f"Nobody is listed by {', '.join(nobody)}."))
    if missing:
        console.print(plain(f"Not yet submitted: {', '.join(missing)}."))
    for row in document["unread"]:
        console.print(plain(f"Not read: {row}"))
