"""What a past date lacks that phases 1 to 4 make: told by rows, of one statement for all dates."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from shared.core.settings import Settings
from shared.nba.schedule import season_of
from shared.operations.contracts.rules import results, short_context, short_features
from shared.operations.contracts.snapshot import Snapshot, read_games
from shared.stores.runtime import Runtime


class Stand(StrEnum):
    """How a date stands."""

    WHOLE = "whole"
    SHORT = "short"
    NO_GAMES = "no games"
    NOT_OVER = "not over"


@dataclass(frozen=True)
class DateCheck:
    """A date, how it stands, and the sentence that says so."""

    game_date: date
    stand: Stand
    says: str
    games: int | None = None
    """That the schedule has; None where it is not loaded."""


def check_dates(runtime: Runtime, days: Collection[date], now: datetime) -> dict[date, DateCheck]:
    """Every date as its rows are now. Raises StoreUnavailable."""
    found = read_games(runtime, days, now)
    return {day: check_date(snapshot, runtime.settings) for day, snapshot in found.items()}


def check_date(snapshot: Snapshot, settings: Settings) -> DateCheck:
    """The date by the schedule, its box scores, and the features of its games; pure."""
    day, games = snapshot.game_date, snapshot.scheduled_games
    if not games:
        season = season_of(day)
        near = (snapshot.played_before, snapshot.played_after)
        if not any(each is not None and season_of(each) == season for each in near) and not snapshot.games:
            return DateCheck(day, Stand.SHORT, f"no schedule of the season {season} is loaded")
        return DateCheck(day, Stand.NO_GAMES, "no game takes place", 0)
    if len(snapshot.over) < len(games):
        left = len(games) - len(snapshot.over)
        return DateCheck(day, Stand.NOT_OVER, f"{left} of {len(games)} games are not over", len(games))
    short = results(snapshot, settings) or short_context(games) or short_features(games)
    if short is not None:
        return DateCheck(day, Stand.SHORT, short.reason, len(games))
    return DateCheck(day, Stand.WHOLE, f"{len(games)} games with box scores and features", len(games))
