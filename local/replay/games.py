"""The games of an archive, and the rule for when each fact about a game became known."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from shared.core.clock import GAME_LENGTH, assumed_tipoff, at_new_york, format_timestamp, new_york_date

MICROSECOND = timedelta(microseconds=1)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
UNTIMED_LINES = time(6, 0)  # New York; lines and game lines whose time the archive does not know
INJURY_LIST = time(11, 0)  # New York; an absence counts as announced
# Who plays whom after the season is known only when the round before is over.
PAIRINGS_KNOWN = timedelta(days=2)
POST_SEASON = frozenset({"playin", "playoffs"})


@dataclass(frozen=True, slots=True)
class Games:
    """All games in order of day and id; lists and arrays over games.

    Times are microseconds since 1970 UTC.
    """

    game_id: list[str]
    day: list[date]
    season: list[str]
    season_type: list[str]  # pre_season, regular_season, playin, playoffs
    home: list[str]
    away: list[str]
    home_points: list[int | None]
    away_points: list[int | None]
    neutral: list[bool]
    tipoff_us: NDArray[np.int64]  # resolved: schedule, else odds feed, else 19:00 New York
    end_us: NDArray[np.int64]  # when box score and result become known: three hours later
    on_schedule: NDArray[np.bool_]  # whether the schedule itself knows the tip-off
    listed_us: NDArray[np.int64]  # when the pairing became known
    index: Mapping[str, int]  # by game_id


def read_games(schedule: pa.Table, points_lines: pa.Table) -> Games:
    """Games from the schedule table; a tip-off it lacks comes from the lines' commence_time of the
    same day.
    """
    rows = sorted(schedule.to_pylist(), key=lambda row: (row["game_date"], row["game_id"]))
    days = [row["game_date"].date() for row in rows]
    latest = points_lines.group_by("game_id").aggregate([("commence_time", "max")])
    commence = dict(zip(latest["game_id"].to_pylist(), latest["commence_time_max"].to_pylist(), strict=True))
    tipoffs = []
    for row, day in zip(rows, days, strict=True):
        fed = commence.get(row["game_id"])
        fed = fed if fed is not None and new_york_date(fed) == day else None
        tipoffs.append(row["tipoff_utc"] or fed or assumed_tipoff(day))
    tipoff_us = np.array([to_us(tipoff) for tipoff in tipoffs], dtype=np.int64)
    listed = [
        to_us(at_new_york(day, time(0)) - PAIRINGS_KNOWN) if row["season_type"] in POST_SEASON else 0
        for row, day in zip(rows, days, strict=True)
    ]
    return Games(
        game_id=[row["game_id"] for row in rows],
        day=days,
        season=[row["season"] for row in rows],
        season_type=[row["season_type"] for row in rows],
        home=[row["home_abbr"] for row in rows],
        away=[row["away_abbr"] for row in rows],
        home_points=[row["home_points"] for row in rows],
        away_points=[row["away_points"] for row in rows],
        neutral=[bool(row["is_neutral"]) for row in rows],
        tipoff_us=tipoff_us,
        end_us=tipoff_us + GAME_LENGTH // MICROSECOND,
        on_schedule=np.array([row["tipoff_utc"] is not None for row in rows], dtype=np.bool_),
        listed_us=np.array(listed, dtype=np.int64),
        index={row["game_id"]: number for number, row in enumerate(rows)},
    )


def to_us(moment: datetime) -> int:
    """A moment as microseconds since 1970 UTC, exactly."""
    return (moment - EPOCH) // MICROSECOND


def format_us(us: int) -> str:
    """Write microseconds since 1970 as the feeds write a moment: 2025-11-15T00:10:00Z."""
    return format_timestamp(EPOCH + us * MICROSECOND)
