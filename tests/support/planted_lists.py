"""Injury lists written into a copy of an archive by hand, and what the archive's README says of
reading them, row by row.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from local.league.tables import SCHEMAS
from local.replay.injury_lists import Listing, TeamList


@dataclass(frozen=True)
class Report:
    """One team's part of a report: who is listed, by name, and his status."""

    at: datetime
    game_date: date
    game_id: str
    team: str
    listed: Mapping[str, str] = field(default_factory=dict)
    submitted: bool | None = True
    source: str = "league/reports/a.pdf"
    kind: str = "stated"
    reason: str | None = None


def write_lists(archive: Path, target: Path, reports: Sequence[Report]) -> Path:
    """A copy of an archive with these lists and no others."""
    if not target.exists():
        shutil.copytree(archive, target)
    of_game = [
        {
            "report_time": each.at, "report_time_kind": each.kind, "game_date": each.game_date, "game_id": each.game_id,
            "team_abbr": each.team, "submitted": each.submitted, "source": each.source, "reason": each.reason,
        }
        for each in reports
    ]  # fmt: skip
    players = [
        row | {"player_name": name, "player_id": None, "status": status}
        for row, each in zip(of_game, reports, strict=True)
        for name, status in each.listed.items()
    ]
    for name, rows in (("injury_reports", players), ("injury_report_teams", of_game)):
        schema = SCHEMAS[name]
        kept = [{column: row[column] for column in schema.names} for row in rows]
        pq.write_table(pa.Table.from_pylist(kept, schema=schema), target / f"{name}.parquet")
    return target


def in_force(reports: Iterable[Report], game_id: str, team: str, at: datetime, best: Sequence[str]) -> TeamList | None:
    """Read row by row: of the first of the `best` sources that has any by then, the last."""
    known = [each for each in reports if (each.game_id, each.team) == (game_id, team) and each.at <= at]
    for source in best:
        of_source = [each for each in known if each.source.startswith(source)]
        if of_source:
            last = max(of_source, key=lambda each: each.at)
            listed = last.listed.items() if last.submitted is not False else ()
            return TeamList(
                int(last.at.timestamp() * 1_000_000),
                last.submitted is not False,
                tuple(Listing(name, status, last.reason or "") for name, status in listed),
            )
    return None
