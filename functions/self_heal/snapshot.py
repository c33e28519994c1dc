"""What there is of a date: rows in two statements, the date's batches, and the export's files."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from functools import cached_property
from typing import Any

from functions.self_heal.exported import Files, read_files
from shared.chain.batches.reading import get_batch, latest_batch
from shared.chain.batches.records import Batch
from shared.core.clock import GAME_LENGTH, as_of_after
from shared.stores.ports import Warehouse
from shared.stores.runtime import Runtime
from shared.stores.warehouse.sql import read_sql

PACKAGE = "functions.self_heal"
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
    """Current predictions that were written before tip-off."""
    grades: int
    """Grades that say what the box score says."""
    points_apart: bool = False
    """Players' points do not add up to their team's."""
    grades_alone: int = 0
    """Grades of predictions that are not there any more."""
    graded_at: datetime | None = None

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


@dataclass(frozen=True)
class Snapshot:
    """A date at a moment."""

    game_date: date
    now: datetime
    schedule_rows: int
    """Games of the schedule within 200 days of the date."""
    feed_rows: int
    """Rows of the injury lists and of the odds feed for the date."""
    games: Sequence[Game]
    players: Sequence[Player] = ()
    batch: Batch | None = None
    """The date's latest, whatever its status."""
    newest: NewestBatch | None = None
    missing_units: Mapping[str, Collection[str]] = field(default_factory=dict)
    """By batch: units that were closed without a result, whose players nobody expects any more."""
    files: Files = field(default_factory=dict)
    """Of the export bucket, by path."""
    epoch: int = 1

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


def read_snapshot(runtime: Runtime, day: date, now: datetime) -> Snapshot:
    """One statement for a date without games, two for one with some."""
    as_of = as_of_after(now)
    rows = _rows(runtime.warehouse, "games", {"game_date": day, "as_of": as_of, "now": now})
    games = [_game(row) for row in rows if row["game_id"] is not None]
    snapshot = Snapshot(day, now, int(rows[0]["schedule_rows"]), int(rows[0]["feed_rows"]), games)
    if not snapshot.scheduled_games:
        return replace(snapshot, files=read_files(runtime.exports, day, now), epoch=runtime.epoch)
    players = [_player(row) for row in _rows(runtime.warehouse, "players", {"game_date": day, "as_of": as_of})]
    return replace(
        snapshot,
        players=players,
        batch=latest_batch(runtime.state, day),
        newest=_newest(rows[0]),
        missing_units=_missing_units(runtime, {each.batch_id for each in players if each.batch_id is not None}),
        files=read_files(runtime.exports, day, now),
        epoch=runtime.epoch,
    )


def _newest(row: Mapping[str, Any]) -> NewestBatch | None:
    if row["newest_batch_id"] is None:
        return None
    return NewestBatch(row["newest_batch_id"], int(row["rows_expected"]), int(row["rows_there"]))


def _missing_units(runtime: Runtime, batch_ids: Collection[str]) -> dict[str, Collection[str]]:
    found = {batch_id: get_batch(runtime.state, batch_id) for batch_id in sorted(batch_ids)}
    return {name: batch.missing for name, batch in found.items() if batch is not None}


def _rows(warehouse: Warehouse, name: str, params: Mapping[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = warehouse.query(read_sql(PACKAGE, name), params).to_pylist()
    return found


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
