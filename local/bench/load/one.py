"""One batch of so many units of one player each, from the coordinator's trigger to the run history.

python -m local.bench.load.one FOLDER UNITS (a process of its own for every size: its memory is that
size's)
"""

from __future__ import annotations

import json
import resource
import sys
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from time import perf_counter
from typing import Any

from local.bench.load.players import ROWS_PER_PLAYER, keep_models, lay_out
from local.bench.load.stopwatch import Stopwatch
from local.bench.measure import Progress
from local.console.exit_codes import DONE, FAILED
from local.console.lines import complain, say
from local.host.dispatcher import Completed
from local.host.runtime import EmbeddedRuntime, open_runtime
from shared.chain.batches.reading import get_batch
from shared.chain.batches.records import Batch, BatchStatus, batch_id_of
from shared.chain.execution.run_history import HISTORY, write_run_history
from shared.core.errors import PipelineError
from shared.core.pipeline import CONSOLIDATION, COORDINATOR, WORKER, Pipeline, load_pipeline, trigger_of
from shared.stores.warehouse import staging

DAY = date(2025, 11, 14)
NOW = datetime(2025, 11, 14, 17, 0, tzinfo=UTC)
# SQL is translated and models are loaded by a small batch of the day before: no size pays for that.
WARM_UP = 20
FUNCTIONS = (COORDINATOR, WORKER, CONSOLIDATION)
RESULT = "load.json"
# Linux tells KiB, macOS bytes.
MAXRSS_OF_A_MIB = 1024**2 if sys.platform == "darwin" else 1024


class LoadFailed(PipelineError):
    """A batch did not end as it should; times never raise this."""


def measure(folder: Path, units: int, progress: Progress) -> dict[str, Any]:
    """Play one batch on a state folder of its own; seconds, statements, messages, memory.

    Raises LoadFailed.
    """
    # needs MAX_UNITS in the environment: open_runtime reads the settings there
    with open_runtime(folder, pipeline=phase5(load_pipeline()), deliver_twice=False) as embedded:
        embedded.clock.set(NOW)
        keep_models(embedded.stores.models)
        for day, players in ((DAY - timedelta(days=1), WARM_UP), (DAY, units)):
            lay_out(embedded.warehouse, day, players, NOW - timedelta(minutes=1), NOW + timedelta(hours=7))
        play(embedded, DAY - timedelta(days=1), WARM_UP, lambda done, total: None)
        return play(embedded, DAY, units, progress)


def phase5(pipeline: Pipeline) -> Pipeline:
    """The pipeline with the functions of phase 5 alone: what consolidation announces, nobody
    reads.
    """
    return replace(pipeline, functions={name: pipeline.functions[name] for name in FUNCTIONS})


def play(embedded: EmbeddedRuntime, day: date, units: int, progress: Progress) -> dict[str, Any]:
    """Trigger the coordinator for the day and deliver until nothing is left. Raises LoadFailed."""
    watch, bus, warehouse = Stopwatch(), embedded.bus, embedded.warehouse
    run_id = f"{day}-load"
    before, statements = bus.counters(), dict(warehouse.statement_counts)

    def on_completed(one: Completed) -> None:
        watch.on_completed(one)
        if one.function == WORKER:
            progress(watch.pushes[one.function], units)

    message = {"game_date": day.isoformat(), "run_id": run_id, "mode": "same_day"}
    started = perf_counter()
    with watch.running():
        bus.publish(trigger_of(COORDINATOR), json.dumps(message).encode())
        embedded.run_until_idle(on_completed)
    consolidated = perf_counter()
    messages = {name: number - before[name] for name, number in bus.counters().items()}
    counted = {kind: number - statements.get(kind, 0) for kind, number in warehouse.statement_counts.items()}
    flushed = write_run_history(embedded.runtime, run_id)
    history = perf_counter() - consolidated
    batch = expect_whole(embedded, day, units, watch)
    return {
        "units": units,
        "rows": batch.rows_in_place,
        "fan_out": watch.push_seconds[COORDINATOR],
        "to_closed": watch.closed - watch.first_request,
        "to_consolidated": watch.ended[CONSOLIDATION] - watch.first_request,
        "from_trigger": consolidated - started,
        "predict": watch.seconds["predict and stage"],
        "complete": watch.seconds["complete"],
        "complete_cpu": watch.cpu_seconds["complete"],
        "consolidation": watch.push_seconds[CONSOLIDATION],
        "history": history,
        "history_rows": flushed,
        "peak_mib": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / MAXRSS_OF_A_MIB),
        "messages": messages,
        "statements": counted,
        "batch_bytes": len(json.dumps(batch.to_document(), default=str)),
    }


def expect_whole(embedded: EmbeddedRuntime, day: date, units: int, watch: Stopwatch) -> Batch:
    """Raises LoadFailed where a unit is missing, counted twice or refused, or anything is left
    over.
    """
    batch = get_batch(embedded.runtime.state, batch_id_of(day, 1))
    if batch is None:
        raise LoadFailed(f"No batch was opened for {day}.", next_step=f"see {embedded.folder}/logs/functions.jsonl.")
    left = embedded.warehouse.tables(staging.DATASET, "_staging_")
    sql = f"SELECT COUNT(*) AS n FROM {HISTORY} WHERE game_date = @day AND phase = 'phase5_worker'"
    found = {
        "status": batch.status,
        "units merged": len(batch.merged),
        "rows in place": batch.rows_in_place,
        "completions": watch.times["complete"],
        "refused pushes": sum(watch.refused.values()),
        "dead letters": len(embedded.bus.dead_letters_since(0)),
        "staging tables left": len(left),
        "rows of workers in the history": embedded.warehouse.query(sql, {"day": day}).to_pylist()[0]["n"],
    }
    wanted: Mapping[str, object] = {
        "status": BatchStatus.CONSOLIDATED,
        "units merged": units,
        "rows in place": units * ROWS_PER_PLAYER,
        "completions": units,
        "refused pushes": 0,
        "dead letters": 0,
        "staging tables left": 0,
        "rows of workers in the history": 1,
    }
    wrong = {name: (number, wanted[name]) for name, number in found.items() if number != wanted[name]}
    if wrong:
        message = "; ".join(f"{name}: {have}, not {want}" for name, (have, want) in wrong.items())
        raise LoadFailed(f"{batch.batch_id}: {message}.", next_step=f"see {embedded.folder}/logs/functions.jsonl.")
    return batch


def main(folder: Path, units: int) -> int:
    """Measure one size and write what was found to FOLDER/load.json."""

    def progress(done: int, total: int) -> None:
        if done % max(total // 10, 1) == 0:
            say(f"  {total} units: {done} done")

    try:
        found = measure(folder, units, progress)
    except PipelineError as error:
        complain(f"Failed: {error}")
        return FAILED
    (folder / RESULT).write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
    return DONE


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), int(sys.argv[2])))
