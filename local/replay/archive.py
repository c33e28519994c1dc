"""An archive folder: which games and days it covers, and its tables as columns, each read at first
use.
"""

from __future__ import annotations

from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from local.replay.games import Games, read_games
from shared.core.errors import DataError
from shared.nba.stats import POINTS, STATS

# The columns that are replayed of each file, an optional one too.
COLUMNS = {
    "schedule": (
        "game_id", "game_date", "season", "season_type", "home_abbr", "away_abbr", "home_points", "away_points",
        "is_neutral", "tipoff_utc",
    ),
    "player_box": (
        "game_id", "player_id", "player_name", "is_home", "minutes", "points", "rebounds", "off_rebounds",
        "def_rebounds", "assists", "steals", "blocks", "turnovers", "fouls", "fgm", "fga", "fg3m", "fg3a", "ftm",
        "fta", "plus_minus",
    ),
    "prop_lines": (
        "game_id", "player_name", "bookmaker", "line", "over_price", "under_price", "snapshot_time", "snapshot_kind",
        "commence_time", "is_main", "market",
    ),
    "game_lines": ("game_id", "home_spread", "total", "home_ml", "away_ml"),
    "absences": ("game_id", "game_date", "player_id", "player_name", "team_abbr", "opponent_abbr"),
    "injury_reports": (
        "report_time", "report_time_kind", "game_date", "game_id", "team_abbr", "player_name", "status", "reason",
        "source",
    ),
    "injury_report_teams": ("report_time", "game_date", "game_id", "team_abbr", "submitted", "source"),
}  # fmt: skip
# A list's players say nothing of a team that has not submitted, and its teams nothing of players:
# one file without the other is no list.
INJURY_LISTS = ("injury_reports", "injury_report_teams")
OPTIONAL = ("shot_zones_player_game", "shot_zones_team_game", *INJURY_LISTS)
REQUIRED = tuple(name for name in COLUMNS if name not in OPTIONAL)
PRE_SEASON = "pre_season"


class ArchiveError(DataError, ValueError):
    """The folder is no archive, or one of its files cannot be read; the message names it."""


class Archive:
    """A folder in the archive format; nothing but the names is looked at before it is needed.

    Raises ArchiveError when the folder or a required file is missing, or half of the injury lists;
    an unreadable file raises at first use.
    """

    def __init__(self, folder: Path | str) -> None:
        self.folder = Path(folder)
        if not self.folder.is_dir():
            raise ArchiveError(
                f"There is no archive folder {self.folder}.",
                next_step="give the folder that holds schedule.parquet, or leave ARCHIVE out for a simulated league.",
            )
        missing = [f"{name}.parquet" for name in REQUIRED if not (self.folder / f"{name}.parquet").is_file()]
        if missing:
            raise ArchiveError(
                f"The archive {self.folder} lacks {', '.join(missing)}.",
                next_step="give a complete archive, or remove the folder to have a simulated league written again.",
            )
        lists = [name for name in INJURY_LISTS if (self.folder / f"{name}.parquet").is_file()]
        if len(lists) == 1:
            [lacking] = set(INJURY_LISTS) - set(lists)
            raise ArchiveError(
                f"The archive {self.folder} has {lists[0]}.parquet without {lacking}.parquet.",
                next_step="give both, or none to have absences derived from box scores.",
            )

    def check(self) -> None:
        """Read once all that is replayed.

        Raises ArchiveError naming the file that is broken or lacks a column.
        """
        for name in (*REQUIRED, *OPTIONAL):
            self.table(name, list(COLUMNS[name]) if name in COLUMNS else None)

    @cached_property
    def games(self) -> Games:
        """All games, in order of day and id, with resolved tip-offs (see read_games)."""
        return read_games(self.table("schedule"), self.points_lines)

    @cached_property
    def player_lines(self) -> pa.Table:
        """The lines of the statistics in shared/nba/stats.py, whose names the archive has as
        markets.

        Those that belong to no game can be shown by no feed. How far they may be trusted differs:
        threes mix two sources, so that one in five would be an arbitrage, and most of 2024-25 have
        no time (local/replay/lines.py says when they are shown); PRA of 2023-24 mixes sources as
        well. A return on such prices is false.
        """
        lines = self.table("prop_lines", list(COLUMNS["prop_lines"]))
        known = pc.is_in(lines["market"].cast(pa.string()), value_set=pa.array(list(STATS)))
        return lines.filter(pc.and_(known, pc.is_valid(lines["game_id"])))

    @cached_property
    def points_lines(self) -> pa.Table:
        """Those of points: they tell the tip-offs that the schedule lacks."""
        lines = self.player_lines
        return lines.filter(pc.equal(lines["market"], POINTS.name))

    @cached_property
    def span(self) -> tuple[date, date]:
        """The first and last day in the schedule, pre-season included; reads two columns' worth and
        nothing else.
        """
        days = pc.min_max(self.table("schedule", ["game_date"])["game_date"])
        return _day(days["min"]), _day(days["max"])

    @property
    def first_date(self) -> date:
        """The New York day of the first game, pre-season left out."""
        return self.game_days()[0]

    @property
    def last_date(self) -> date:
        """The New York day of the last game."""
        return self.game_days()[-1]

    @property
    def seasons(self) -> list[str]:
        """The seasons covered, oldest first: "2025-26"."""
        return sorted(set(self.games.season))

    def game_days(self, season: str | None = None) -> list[date]:
        """New York days with games, in order; pre-season left out.

        Empty for a season not covered.
        """
        games = self.games
        found = {
            day
            for day, of_season, kind in zip(games.day, games.season, games.season_type, strict=True)
            if kind != PRE_SEASON and season in (None, of_season)
        }
        return sorted(found)

    def season_of(self, day: date) -> str | None:
        """The season whose first to last game day (pre-season included) holds `day`; None between
        seasons.
        """
        for season in self.seasons:
            days = [d for d, of_season in zip(self.games.day, self.games.season, strict=True) if of_season == season]
            if min(days) <= day <= max(days):
                return season
        return None

    def table(self, name: str, columns: list[str] | None = None) -> pa.Table:
        """A file's table; an optional file that is absent is an empty table without columns."""
        path = self.folder / f"{name}.parquet"
        if name not in REQUIRED and not path.is_file():
            return pa.table({})
        try:
            return pq.read_table(path, columns=columns)
        except (OSError, pa.ArrowException) as error:
            what = str(error).partition("\n")[0].rstrip(".")
            raise ArchiveError(
                f"{path} cannot be read: {what}.", next_step="fetch or write the archive again."
            ) from error


def _day(value: pa.Scalar) -> date:
    found = value.as_py()
    return found if type(found) is date else date.fromisoformat(str(found)[:10])


def microseconds(column: Any) -> np.ndarray:
    """A timestamp column as microseconds since 1970 UTC, nulls as the smallest int64."""
    plain = pc.fill_null(pc.cast(column, pa.int64()), np.iinfo(np.int64).min)
    return np.asarray(plain.to_numpy(), dtype=np.int64)
