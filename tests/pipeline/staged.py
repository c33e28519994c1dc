"""Hand-made batches: staging tables as workers write them, and completions as they report them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

import pyarrow as pa

from shared.chain.batches import completion, opening
from shared.chain.batches.opening import BatchPlan
from shared.chain.batches.records import Batch, UnitResult, UnitStatus, path_of
from shared.chain.messages.messages import PhaseCompletion
from shared.chain.messages.outbox import OutboxMessage, send_pending
from shared.stores.warehouse.schemas import arrow_schema
from tests.pipeline.evening import BATCH, DAY, EARLY, PREDICTIONS, TIPOFFS, row
from tests.pipeline.support import NOW, PipelineHarness

R2 = "batch_2025-11-14_r2"


def prediction(
    player: int, line: str | None, *, game: str = EARLY, batch: str = BATCH, **changes: Any
) -> dict[str, Any]:
    values = {
        "prediction_id": f"{batch}-{player}-{line}",
        "batch_id": batch,
        "system_id": "moving_average",
        "player_id": player,
        "player_lookup": f"player{player}",
        "game_id": game,
        "game_date": DAY,
        "tipoff_at": TIPOFFS[game],
        "predicted": 20.0,
        "line_value": None if line is None else Decimal(line),
        "line_kind": "none" if line is None else "main",
        "recommendation": "NO_LINE" if line is None else "PASS",
        "reason": "test",
        "updated_at": NOW,
    }
    made = row(PREDICTIONS, **{**values, **changes})
    made.pop("created_at")
    return made


def stage(
    world: PipelineHarness, unit: str, rows: list[dict[str, Any]], *, batch: str = BATCH, without: Iterable[str] = ()
) -> str:
    """Write a unit's staging table as a worker does."""
    left_out = {"created_at", *without}
    schema = pa.schema([f.with_nullable(True) for f in arrow_schema(PREDICTIONS) if f.name not in left_out])
    name = f"nba_staging._staging_{batch}__{unit}"
    world.warehouse.load(name, pa.Table.from_pylist(rows, schema=schema), mode="replace", job_id=f"staging-{unit}")
    return name


def announcement(batch: Batch, sequence: int) -> OutboxMessage:
    completion = PhaseCompletion(
        game_date=DAY,
        run_id=batch.run_id,
        mode="same_day",
        as_of=NOW,
        batch_id=batch.batch_id,
        correlation_id="c",
        trigger_source="pubsub",
        processor_name="phase5_worker",
        phase="phase5_worker",
        execution_id="e",
        status="success",
        record_count=0,
        records_failed=0,
        duration_seconds=0.0,
        sequence=sequence,
    )
    return OutboxMessage("nba-phase5-batch-complete", completion.model_dump_json(exclude_none=True))


def open_batch(
    world: PipelineHarness, *units: str, run_id: str = "run1", games: Mapping[str, datetime] = TIPOFFS
) -> str:
    plan = BatchPlan(DAY, run_id, f"phase5_coordinator.{run_id}", "same_day", NOW, units, games, NOW)
    return opening.open_batch(world.state, plan, world.clock.now()).batch_id


def complete(world: PipelineHarness, unit: str, rows: int | None, batch: str = BATCH) -> None:
    """Report a unit: the rows it staged, None where it failed; and send what the batch
    announces.
    """
    status = UnitStatus.FAILED if rows is None else UnitStatus.DONE
    result = UnitResult(unit, status, rows or 0, None, 1, None if rows else "it failed", world.clock.now())
    completion.complete_unit(world.state, batch, result, announcement)
    send_pending(path_of(batch), world.state, world.bus, world.raw)
