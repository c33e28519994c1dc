"""What there is of a date: rows in two statements, the date's batch, and the export's file."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from functools import cached_property
from typing import Any

from shared import batches
from shared.batches import Batch
from shared.clock import GAME_LENGTH, as_of_after
from shared.errors import NotFound
from shared.ports import Blobs, Warehouse
from shared.runtime import Runtime
from shared.warehouse.sql import read_sql

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

    def is_over(self, now: datetime) -> bool:
        return self.status == FINAL or self.tipoff_at + SURELY_OVER <= now


@dataclass(frozen=True)
class Player:
    """Somebody who has features, was considered by the batch that counts for his game, or is predicted."""

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


@dataclass(frozen=True)
class ExportFile:
    """The date's predictions file, as far as it says what it was made of."""

    epoch: int
    batches: tuple[str, ...]
    content_at: datetime


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
    export: ExportFile | None = None
    epoch: int = 1

    @cached_property
    def held(self) -> list[Game]:
        """Games that take place."""
        return [game for game in self.games if game.status in TAKES_PLACE]

    @cached_property
    def coming(self) -> list[Game]:
        """Games that can still be predicted."""
        return [game for game in self.held if game.tipoff_at > self.now and game.status != FINAL]

    @cached_property
    def over(self) -> list[Game]:
        return [game for game in self.held if game.is_over(self.now)]

    @property
    def group(self) -> str:
        """Which of the contracts apply."""
        return "played" if self.held and len(self.over) == len(self.held) else "coming"


def read_snapshot(runtime: Runtime, day: date, now: datetime) -> Snapshot:
    """One statement for a date that is over or has no games, two for one that is still to come."""
    as_of = as_of_after(now)
    rows = _rows(runtime.warehouse, "games", {"game_date": day, "as_of": as_of, "now": now})
    games = [_game(row) for row in rows if row["game_id"] is not None]
    snapshot = Snapshot(day, now, int(rows[0]["schedule_rows"]), int(rows[0]["feed_rows"]), games)
    if not snapshot.held or snapshot.group == "played":
        return snapshot
    return replace(
        snapshot,
        players=[_player(row) for row in _rows(runtime.warehouse, "players", {"game_date": day, "as_of": as_of})],
        batch=batches.latest_batch(runtime.state, day),
        export=_export(runtime.exports, day),
        epoch=runtime.epoch,
    )


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
    )


def _export(exports: Blobs, day: date) -> ExportFile | None:
    """What the date's file says of itself; a file that is none of phase 6's making counts as none."""
    try:
        content = json.loads(exports.read(f"v1/predictions/{day}.json").data)
    except (NotFound, ValueError):
        return None
    match content:
        case {"order": [int(epoch), _, _, str(content_at)], "batches": list(found)}:
            return ExportFile(epoch, tuple(each["batch_id"] for each in found), datetime.fromisoformat(content_at))
    return None
