"""What there is of dates at a moment: rows in two statements for however many dates, their batches,
and the export's files.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from functools import cached_property
from typing import Any

from shared.chain.batches.reading import batches_on
from shared.chain.batches.records import Batch
from shared.core.clock import GAME_LENGTH, as_of_after
from shared.operations.contracts.exported import Files, read_files
from shared.stores.ports import Warehouse
from shared.stores.runtime import Runtime
from shared.stores.warehouse.sql import read_sql

PACKAGE = "shared.operations.contracts"
POSTPONED, FINAL = "postponed", "final"
# What else a schedule says of a game, it does not take place.
TAKES_PLACE = ("scheduled", "live", FINAL)
# A schedule that nobody refreshed must not keep a game going: by then it is over, whatever it says.
SURELY_OVER = 2 * GAME_LENGTH


@dataclass(frozen=True)
class Game:
    """A game of the date as the latest schedule has it, and how many rows there are of it."""

    game_id: str
    tipoff_at: datetime
    status: str
    roster_teams: int
    """Teams of the two that somebody has played for in the 30 days before."""
    context_teams: int
    context_players: int
    feature_players: int
    """Players of the newest context with a feature row of the same moment."""
    result_teams: int
    predictions: int
    """Current predictions that were written before tip-off and say something of their statistic."""
    grades: int
    """Grades that say what the box score says."""
    points_apart: bool = False
    """Players' points do not add up to their team's."""
    grades_alone: int = 0
    """Grades of predictions that are not there any more."""
    graded_at: datetime | None = None
    first_graded_at: datetime | None = None
    features_as_of: datetime | None = None
    """The moment of its newest context; None: it has none."""
    unlisted_teams: int = 0
    """Teams of the newest context without an injury list: who is out for them is not known."""

    def is_over(self, now: datetime) -> bool:
        return self.status == FINAL or self.tipoff_at + SURELY_OVER <= now


@dataclass(frozen=True)
class Player:
    """Somebody who has features, was considered by the batch that counts for his game, or is
    predicted.
    """

    game_id: str
    player_id: int
    features: Mapping[str, Any] | None
    """What the rule of eligibility reads; None without a feature row."""
    batch_id: str | None
    """The consolidated batch that counts for his game; None: none covered it."""
    consolidated_at: datetime | None
    considered_as: str | None
    """expected or left_out, as that batch recorded it; None: it did not consider him."""
    is_predicted: bool
    unit: str | None = None
    """The unit that predicts him."""


@dataclass(frozen=True)
class NewestBatch:
    """The newest consolidated batch: rows that were in place when it was, and those there are
    now.
    """

    batch_id: str
    rows_expected: int
    rows_there: int
    consolidated_at: datetime | None = None


@dataclass(frozen=True)
class Feeds:
    """Rows of what phase 1 fetches for a day to come besides the schedule; an answer that names
    nobody has one, too.
    """

    injuries: int = 0
    player_lines: int = 0
    game_lines: int = 0

    @property
    def rows(self) -> int:
        return self.injuries + self.player_lines + self.game_lines


@dataclass(frozen=True)
class Snapshot:
    """A date at a moment."""

    game_date: date
    now: datetime
    schedule_rows: int
    """Games of the schedule within 200 days of the date."""
    feeds: Feeds
    games: Sequence[Game]
    players: Sequence[Player] = ()
    batches: Sequence[Batch] = ()
    """All of the date, by revision."""
    newest: NewestBatch | None = None
    missing_units: Mapping[str, Collection[str]] = field(default_factory=dict)
    """By batch: units that were closed without a result, whose players nobody expects any more."""
    files: Files = field(default_factory=dict)
    """Of the export bucket, by path."""
    epoch: int = 1
    played_before: date | None = None
    """The last day before it on which a game counts and takes place; None: none in 200 days."""
    played_after: date | None = None

    @property
    def batch(self) -> Batch | None:
        """The date's latest, whatever its status."""
        return self.batches[-1] if self.batches else None

    @cached_property
    def scheduled_games(self) -> list[Game]:
        """Games that take place."""
        return [game for game in self.games if game.status in TAKES_PLACE]

    @cached_property
    def coming(self) -> list[Game]:
        """Games that can still be predicted."""
        return [game for game in self.scheduled_games if game.tipoff_at > self.now and game.status != FINAL]

    @cached_property
    def over(self) -> list[Game]:
        return [game for game in self.scheduled_games if game.is_over(self.now)]

    @property
    def group(self) -> str:
        """Which of the contracts apply."""
        return "played" if self.scheduled_games and len(self.over) == len(self.scheduled_games) else "coming"


def read_snapshots(runtime: Runtime, days: Collection[date], now: datetime) -> dict[date, Snapshot]:
    """Every day at a moment, by day; of one statement where no game takes place, else of two.

    Days far apart cost the partitions between them.
    """
    if not days:
        return {}
    span = {"first": min(days), "last": max(days), "as_of": as_of_after(now)}
    rows = _games_by_day(runtime, span, now)
    files = read_files(runtime.exports, days, now)
    found = {day: _snapshot(day, now, rows[day], files[day], runtime.epoch) for day in sorted(days)}
    if not any(snapshot.scheduled_games for snapshot in found.values()):
        return found
    players = _by_day(_rows(runtime.warehouse, "players", span))
    batches = batches_on(runtime.state, sorted(days))
    return {
        day: _complete(snapshot, [_player(row) for row in players[day]], batches[day])
        if snapshot.scheduled_games
        else snapshot
        for day, snapshot in found.items()
    }


def read_games(runtime: Runtime, days: Collection[date], now: datetime) -> dict[date, Snapshot]:
    """Every day with its games alone, of one statement: no players, no batches, no files."""
    if not days:
        return {}
    span = {"first": min(days), "last": max(days), "as_of": as_of_after(now)}
    rows = _games_by_day(runtime, span, now)
    return {day: _snapshot(day, now, rows[day], {}, runtime.epoch) for day in sorted(days)}


def read_snapshot(runtime: Runtime, day: date, now: datetime) -> Snapshot:
    """One day at a moment, as read_snapshots has it."""
    return read_snapshots(runtime, [day], now)[day]


def _snapshot(day: date, now: datetime, rows: Sequence[Mapping[str, Any]], files: Files, epoch: int) -> Snapshot:
    """What the first statement says of a day, and its files."""
    first = rows[0]
    return Snapshot(
        game_date=day,
        now=now,
        schedule_rows=int(first["schedule_rows"]),
        feeds=Feeds(int(first["injury_rows"]), int(first["player_line_rows"]), int(first["game_line_rows"])),
        games=[_game(row) for row in rows if row["game_id"] is not None],
        newest=_newest(first),
        files=files,
        epoch=epoch,
        played_before=first["played_before"],
        played_after=first["played_after"],
    )


def _complete(snapshot: Snapshot, players: Sequence[Player], batches: Sequence[Batch]) -> Snapshot:
    """The snapshot with its players and batches; units without a result are of those that count."""
    counting = {each.batch_id for each in players if each.batch_id is not None}
    missing = {each.batch_id: each.missing for each in batches if each.batch_id in counting}
    return replace(snapshot, players=players, batches=batches, missing_units=missing)


def _games_by_day(runtime: Runtime, span: Mapping[str, Any], now: datetime) -> defaultdict[date, list[dict[str, Any]]]:
    return _by_day(_rows(runtime.warehouse, "games", {**span, "now": now}))


def _by_day(rows: Sequence[dict[str, Any]]) -> defaultdict[date, list[dict[str, Any]]]:
    found: defaultdict[date, list[dict[str, Any]]] = defaultdict(list)
    for row in rows:
        found[row["game_date"]].append(row)
    return found


def _newest(row: Mapping[str, Any]) -> NewestBatch | None:
    if row["newest_batch_id"] is None:
        return None
    return NewestBatch(
        batch_id=row["newest_batch_id"],
        rows_expected=int(row["rows_expected"]),
        rows_there=int(row["rows_there"]),
        consolidated_at=row["newest_consolidated_at"],
    )


def _rows(warehouse: Warehouse, name: str, params: Mapping[str, Any]) -> list[dict[str, Any]]:
    from shared.stores.warehouse.rows import list_rows  # pyarrow takes a part of a cold start

    return list_rows(warehouse.query(read_sql(PACKAGE, name), params))


def _game(row: Mapping[str, Any]) -> Game:
    return Game(**{name: row[name] for name in Game.__dataclass_fields__})


def _player(row: Mapping[str, Any]) -> Player:
    return Player(
        game_id=row["game_id"],
        player_id=int(row["player_id"]),
        features=row if row["tipoff_at"] is not None else None,
        batch_id=row["batch_id"],
        consolidated_at=row["consolidated_at"],
        considered_as=row["considered_as"],
        is_predicted=row["is_predicted"],
        unit=row["unit"],
    )
