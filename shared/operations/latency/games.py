"""When it was known what became of a game, and of all games of a date.

tip-off ... the game's end ... final seen ... box scores fetched ... loaded ... graded
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from shared.core.clock import GAME_LENGTH

Loaded = Callable[[date, datetime], datetime]
"""Of a date and the moment when box scores were fetched: when they were in the tables."""


@dataclass(frozen=True)
class GameLatency:
    """One game that takes place. What has not happened yet, or nobody saw, is None."""

    game_date: date
    game_id: str
    ended_at: datetime
    """Three hours after tip-off, where the schedule did not say live later or final earlier."""
    is_followed: bool
    """Whether the schedule had it before it ended; else it was loaded afterwards, by a backfill,
    and nothing is measured.
    """
    is_due: bool
    """Whether it has predictions from before tip-off, so that it is to be graded."""
    final_seen_at: datetime | None
    """When the first schedule was fetched that says final."""
    loaded_at: datetime | None
    """When its box score was in player_game_summary."""
    graded_at: datetime | None
    """When it was graded for the first time, as far as that is recorded."""


@dataclass(frozen=True)
class DateLatency:
    """All games of a date. Seconds count from the end of the last game that is to be graded."""

    game_date: date
    games: int
    due: int
    """Games that are to be graded."""
    graded: int
    """Those of them that are."""
    last_end: datetime | None
    """None where no game is to be graded."""
    due_by: datetime | None
    """The end of the last game and the target."""
    final_seen_at: datetime | None
    """When the last of those games was; None while one is not."""
    loaded_at: datetime | None
    graded_at: datetime | None
    seconds: float | None
    """From the last game's end to the last grade; None while one is missing."""
    waiting_seconds: float | None
    """Since the last game's end, where a grade is missing and all games are over."""
    is_over_target: bool


def game_of(row: Mapping[str, Any], loaded: Loaded, recorded: Mapping[tuple[date, str], datetime]) -> GameLatency:
    """A row of games.sql; `recorded`: when games were graded as an earlier measurement found it,
    which a later grading does not change.
    """
    day, game_id = row["game_date"], row["game_id"]
    ended_at = _end_of(row)
    fetched_at, graded_at = row["fetched_at"], row["graded_at"]
    first_graded = recorded.get((day, game_id))
    if first_graded is not None:
        graded_at = first_graded if graded_at is None else min(graded_at, first_graded)
    return GameLatency(
        game_date=day,
        game_id=game_id,
        ended_at=ended_at,
        is_followed=row["first_seen_at"] <= ended_at,
        is_due=row["predictions"] > 0,
        final_seen_at=row["final_seen_at"],
        loaded_at=None if fetched_at is None else loaded(day, fetched_at),
        graded_at=graded_at,
    )


def _end_of(row: Mapping[str, Any]) -> datetime:
    """Its assumed end, moved to where the schedule's answers leave room: not before it was last
    live, not after it was first final.
    """
    assumed: datetime = row["tipoff_at"] + GAME_LENGTH
    live, final = row["live_seen_at"], row["final_seen_at"]
    if live is not None:
        assumed = max(assumed, live)
    return assumed if final is None else min(assumed, final)


def dates_of(games: Sequence[GameLatency], target: timedelta, now: datetime) -> list[DateLatency]:
    """The dates that have games, in order."""
    days = sorted({game.game_date for game in games})
    return [_date_of(day, [game for game in games if game.game_date == day], target, now) for day in days]


def _date_of(day: date, games: Sequence[GameLatency], target: timedelta, now: datetime) -> DateLatency:
    due = [game for game in games if game.is_due]
    last_end = max((game.ended_at for game in due), default=None)
    graded_at = _last(game.graded_at for game in due)
    seconds = waiting = None
    if last_end is not None and graded_at is not None:
        seconds = max(0.0, (graded_at - last_end).total_seconds())
    elif last_end is not None and last_end <= now:
        waiting = (now - last_end).total_seconds()
    return DateLatency(
        game_date=day,
        games=len(games),
        due=len(due),
        graded=sum(game.graded_at is not None for game in due),
        last_end=last_end,
        due_by=None if last_end is None else last_end + target,
        final_seen_at=_last(game.final_seen_at for game in due),
        loaded_at=_last(game.loaded_at for game in due),
        graded_at=graded_at,
        seconds=seconds,
        waiting_seconds=waiting,
        is_over_target=max(seconds or 0.0, waiting or 0.0) > target.total_seconds(),
    )


def _last(moments: Iterable[datetime | None]) -> datetime | None:
    """The latest moment; None where one is missing, or there is none."""
    found = list(moments)
    known = [moment for moment in found if moment is not None]
    return max(known) if known and len(known) == len(found) else None
