"""A batch in detail: its units, its rows then and now, and what is left of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from shared.chain.batches.reading import get_batch, units_of
from shared.chain.batches.records import Batch, BatchStatus, UnitResult, UnitStatus, parse_batch_id
from shared.core.errors import NotFound
from shared.operations.status.runs import PACKAGE
from shared.stores.runtime import Runtime
from shared.stores.warehouse import staging
from shared.stores.warehouse.sql import read_sql

DONE, FAILED, MISSING, OUT = "done", "failed", "missing", "out"


@dataclass(frozen=True)
class UnitDetail:
    """A unit of a batch."""

    unit: str
    status: str
    """done; failed; missing: the batch closed without it; out: it has not reported yet."""
    rows: int = 0
    players: int = 0
    error: str = ""
    completed_at: datetime | None = None
    is_merged: bool = False


@dataclass(frozen=True)
class GameRows:
    """A game that a batch covers, and its keys in the predictions table under the batch."""

    game_id: str
    tipoff_at: datetime
    rows: int


@dataclass(frozen=True)
class GuardFigures:
    """What the guards of consolidation compare."""

    reported: int
    """Rows that the units which are done say they staged."""
    in_place: int
    """Keys that were in the predictions table when it was last consolidated."""
    there: int
    """Keys that are there now."""
    doubled: int
    """Rows above one a key; any is an error."""
    frozen: int
    """Rows that came too late, since their games had tipped off."""


@dataclass(frozen=True)
class BatchDetail:
    """A batch as its documents and tables have it."""

    batch_id: str
    game_date: date
    revision: int
    status: str
    closed_as: str | None
    says: str
    """One sentence on how far it is."""
    run_id: str
    mode: str
    as_of: datetime
    opened_at: datetime
    closed_at: datetime | None
    consolidated_at: datetime | None
    failed_at: datetime | None
    failure: str | None
    superseded_by: str | None
    announced: int
    """How often it was announced to consolidation."""
    units: tuple[UnitDetail, ...]
    """Those that count, in the batch's order."""
    counts: Mapping[str, int]
    """Units by status."""
    split: tuple[str, ...]
    """Units whose players became units of their own."""
    late: tuple[str, ...]
    """Units that were done after it had closed."""
    games: tuple[GameRows, ...]
    guards: GuardFigures
    expected: int
    """Players."""
    left_out: Mapping[str, int]
    """Players by the reason."""
    staging_tables: tuple[str, ...]
    """Those that are left; of a consolidated batch there should be none."""
    damaged_systems: tuple[str, ...]

    @property
    def is_running(self) -> bool:
        """Whether units or its consolidation are still to come."""
        return self.status in (BatchStatus.OPEN.value, BatchStatus.CLOSED.value)


def read_batch(runtime: Runtime, batch_id: str) -> BatchDetail:
    """A batch, of two statements and a list of tables.

    Raises DataError for what is no batch's id, NotFound where it is not on record, and
    StoreUnavailable.
    """
    game_date, _ = parse_batch_id(batch_id)
    batch = get_batch(runtime.state, batch_id)
    if batch is None:
        raise NotFound(f"There is no batch {batch_id}.", next_step=f"look at the batches of {game_date}.")
    results = units_of(runtime.state, batch_id)
    params = {"game_date": game_date, "batch_id": batch_id}
    in_place = runtime.warehouse.query(staging.in_place_sql(), params).to_pylist()
    considered = runtime.warehouse.query(read_sql(PACKAGE, "considered"), params).to_pylist()
    tables = runtime.warehouse.tables(staging.DATASET, staging.staging_prefix(batch_id))
    return _detail(batch, results, in_place, considered, sorted(tables))


def _detail(
    batch: Batch,
    results: Sequence[UnitResult],
    in_place: Sequence[Mapping[str, Any]],
    considered: Sequence[Mapping[str, Any]],
    tables: Sequence[str],
) -> BatchDetail:
    units = _units(batch, {result.unit: result for result in results})
    counts = {status: sum(unit.status == status for unit in units) for status in (DONE, FAILED, MISSING, OUT)}
    return BatchDetail(
        batch_id=batch.batch_id,
        game_date=batch.game_date,
        revision=batch.revision,
        status=batch.status.value,
        closed_as=batch.closed_as.value if batch.closed_as is not None else None,
        says=_describe(batch, counts),
        run_id=batch.run_id,
        mode=batch.mode,
        as_of=batch.as_of,
        opened_at=batch.opened_at,
        closed_at=batch.closed_at,
        consolidated_at=batch.consolidated_at,
        failed_at=batch.failed_at,
        failure=batch.failure,
        superseded_by=batch.superseded_by,
        announced=batch.sequence,
        units=units,
        counts=counts,
        split=tuple(batch.split),
        late=tuple(batch.late_units),
        games=_games(batch, in_place),
        guards=_guards(batch, units, in_place),
        expected=sum(int(row["players"]) for row in considered if row["status"] == "expected"),
        left_out={str(row["reason"]): int(row["players"]) for row in considered if row["status"] == "left_out"},
        staging_tables=tuple(tables),
        damaged_systems=tuple(batch.damaged_systems),
    )


def _units(batch: Batch, results: Mapping[str, UnitResult]) -> tuple[UnitDetail, ...]:
    merged, missing = set(batch.merged), set(batch.missing)
    found = []
    for unit in batch.units:
        result = results.get(unit)
        if result is None:
            found.append(UnitDetail(unit, MISSING if unit in missing else OUT))
            continue
        found.append(
            UnitDetail(
                unit=unit,
                status=DONE if result.status == UnitStatus.DONE else FAILED,
                rows=result.rows,
                players=result.players,
                error=result.error or "",
                completed_at=result.completed_at,
                is_merged=unit in merged,
            )
        )
    return tuple(found)


def _games(batch: Batch, in_place: Sequence[Mapping[str, Any]]) -> tuple[GameRows, ...]:
    rows = {row["game_id"]: int(row["keys_in_place"]) for row in in_place}
    return tuple(GameRows(game, tipoff, rows.get(game, 0)) for game, tipoff in sorted(batch.games.items()))


def _guards(batch: Batch, units: Sequence[UnitDetail], in_place: Sequence[Mapping[str, Any]]) -> GuardFigures:
    return GuardFigures(
        reported=sum(unit.rows for unit in units if unit.status == DONE),
        in_place=batch.rows_in_place,
        there=sum(int(row["keys_in_place"]) for row in in_place),
        doubled=sum(int(row["doubled"]) for row in in_place),
        frozen=batch.frozen_rows,
    )


def _describe(batch: Batch, counts: Mapping[str, int]) -> str:
    done = f"{counts[DONE]} of {batch.unit_count} units are done"
    match batch.status:
        case BatchStatus.OPEN:
            return f"{batch.batch_id} is open; {done}"
        case BatchStatus.CLOSED:
            return f"{batch.batch_id} is closed ({batch.closed_as}) and not consolidated; {done}"
        case BatchStatus.FAILED:
            return f"{batch.batch_id} failed: {batch.failure}"
        case BatchStatus.SUPERSEDED:
            return f"{batch.batch_id} is superseded by {batch.superseded_by}; {done}"
    return f"{batch.batch_id} is consolidated, {batch.rows_in_place} rows in place; {done}"
