"""What checks read of the warehouse: one statement a function, whatever the number of dates and
players.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from shared.stores.ports import DateRange, Warehouse
from shared.stores.warehouse.sql import read_sql

PACKAGE = "shared.operations.checks"


@dataclass(frozen=True)
class Games:
    """The games of a day as the schedule has them; None of the tip-offs where none is known."""

    games: int = 0
    """That take place."""
    final_games: int = 0
    called_off_games: int = 0
    first_tipoff: datetime | None = None
    last_tipoff: datetime | None = None


@dataclass(frozen=True)
class BatchRows:
    """Rows of a batch in the predictions table."""

    row_count: int
    players: int
    first_updated_at: datetime
    last_updated_at: datetime


@dataclass(frozen=True)
class HistoryRow:
    """What the run history has of a function and date: what failed for good, the last of it, and
    when the newest run began that did not.
    """

    processor_name: str
    game_date: date
    failures: int
    failed_at: datetime | None
    execution_id: str | None
    reason: str | None
    done_at: datetime | None

    def is_repaired(self, failed_at: datetime) -> bool:
        """Whether a run of it began after a failure and did not fail."""
        return self.done_at is not None and self.done_at >= failed_at


@dataclass(frozen=True)
class SourceRow:
    """The newest answer of a source about a date; `games`: games, events or rows of it."""

    newest_at: datetime
    games: int


def read_games(warehouse: Warehouse, days: DateRange, now: datetime) -> dict[date, Games]:
    """Games by day; of a day without any there is none."""
    rows = _rows(warehouse, "games", {"first": days.first, "last": days.last, "now": now})
    return {row.pop("game_date"): Games(**row) for row in rows}


def read_batch_rows(warehouse: Warehouse, days: DateRange) -> dict[str, BatchRows]:
    """Rows in the predictions table by batch."""
    rows = _rows(warehouse, "predictions", {"first": days.first, "last": days.last})
    return {
        row["batch_id"]: BatchRows(
            int(row["row_count"]), int(row["players"]), row["first_updated_at"], row["last_updated_at"]
        )
        for row in rows
    }


def read_history(warehouse: Warehouse, days: DateRange, since: datetime, now: datetime) -> list[HistoryRow]:
    """What ended since a moment, by function and date."""
    params = {"first": days.first, "last": days.last, "since": since, "now": now}
    return [HistoryRow(**row) for row in _rows(warehouse, "history", params)]


def read_sources(warehouse: Warehouse, days: DateRange, now: datetime) -> dict[tuple[str, date | None], SourceRow]:
    """The newest answers by source and date; the schedule's is of no date."""
    rows = _rows(warehouse, "sources", {"first": days.first, "last": days.last, "now": now})
    return {
        (row["source"], row["game_date"]): SourceRow(row["newest_at"], int(row["games"]))
        for row in rows
        if row["newest_at"] is not None
    }


def _rows(warehouse: Warehouse, name: str, params: Mapping[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = warehouse.query(read_sql(PACKAGE, name), params).to_pylist()
    return found
