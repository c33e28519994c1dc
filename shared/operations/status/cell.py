"""A cell in detail: its executions, rows by table, messages in and out, what self-heal did, and the
incidents about it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from functools import partial
from typing import Any

from shared.chain.execution.records import COLLECTION, Execution
from shared.chain.messages import outbox
from shared.core.concurrency import all_of, both
from shared.core.errors import NotFound, split_next_step
from shared.core.pipeline import FunctionSpec, Pipeline
from shared.nba.stats import place_of
from shared.operations.contracts import restarts
from shared.operations.contracts.restarts import Restart
from shared.operations.incidents.of_cell import Note, read_incidents_of
from shared.operations.incidents.records import Incident
from shared.operations.status.facts import DayFacts, Waiting
from shared.operations.status.grid import THREADS, make_grid_day, read_dates
from shared.operations.status.log_query import log_query
from shared.operations.status.model import Cell
from shared.operations.status.runs import PACKAGE, Run, phases_of
from shared.stores.ports import Document
from shared.stores.runtime import Runtime
from shared.stores.warehouse.sql import read_sql

# Phase 1 writes files; their rows are loaded by phase 2.
_ROWS_OF = {"phase1": "phase2"}


@dataclass(frozen=True)
class MessageIn:
    """What started an execution."""

    source: str
    """scheduler, pubsub (the phase before), manual, self_heal or redrive."""
    message_id: str


@dataclass(frozen=True)
class MessageOut:
    """What an execution sends."""

    id: str
    topic: str
    is_sent: bool


@dataclass(frozen=True)
class ExecutionDetail:
    """An execution of the cell's phase."""

    run: Run
    error: str
    """One sentence, where it failed."""
    next_step: str
    """What its error says to do."""
    event: str | None
    """The code of what happened (shared/core/events.py); None where no document is left."""
    message_in: MessageIn | None
    messages_out: tuple[MessageOut, ...]
    log_query: str


@dataclass(frozen=True)
class TableRows:
    """Rows of a date in a table, and their newest moment."""

    table: str
    rows: int
    newest: datetime | None


@dataclass(frozen=True)
class StatRows:
    """Rows of a date in a table that has statistics."""

    table: str
    rows: Mapping[str, int]
    """By statistic, as in shared/nba/stats.py."""


@dataclass(frozen=True)
class RestartDetail:
    """A restart of the phase by self-heal."""

    at: datetime
    n: int
    reason: str
    run_id: str
    topic: str


@dataclass(frozen=True)
class CellDetail:
    """A phase of a date."""

    cell: Cell
    sentence: str
    """On the whole date."""
    function: str
    contracts: tuple[str, ...]
    """What has to exist, in the words of pipeline.yaml; empty: no contract is about it."""
    executions: tuple[ExecutionDetail, ...]
    """Newest first, at most twenty."""
    rows: tuple[TableRows, ...]
    rows_by_stat: tuple[StatRows, ...]
    """Of those tables that have rows of a statistic."""
    deferred: tuple[Waiting, ...]
    restarts: tuple[RestartDetail, ...]
    batches: tuple[str, ...]
    """Of the date, newest first."""
    incidents: tuple[Incident, ...]
    """Open ones about it, the worst first."""
    notes: tuple[Note, ...]
    """What people wrote beside incidents about it, newest first."""
    log_query: str


def read_cell(runtime: Runtime, pipeline: Pipeline, day: date, phase: str) -> CellDetail:
    """A phase of a date; of five statements at most.

    Raises NotFound for a phase that the grid has not, and StoreUnavailable.
    """
    if phase not in phases_of(pipeline):
        raise NotFound(f"There is no phase {phase!r}; these are: {', '.join(phases_of(pipeline))}.")
    (function,) = (each for each in pipeline.functions.values() if each.phase == phase)
    read, rows = both(partial(read_dates, runtime, pipeline, [day]), partial(_rows, runtime, day, phase), name="cell")
    facts = read.facts[day]
    found = make_grid_day(facts, read.paused, read.incidents)
    runs = list(reversed(facts.runs.get(phase, ())))
    about = read_incidents_of(runtime, pipeline, day, phase)
    return CellDetail(
        cell=found.cell(phase),
        sentence=found.sentence,
        function=function.name,
        contracts=_contracts(facts, phase),
        executions=_executions(runtime, function, day, runs),
        rows=tuple(_table(row) for row in rows if row["stat"] is None),
        rows_by_stat=_by_stat(rows),
        deferred=tuple(facts.waiting.get(phase, ())),
        restarts=tuple(_restart(each) for each in restarts.of_date(runtime, day) if each.phase == phase),
        batches=tuple(batch.batch_id for batch in reversed(facts.snapshot.batches)),
        incidents=about.open,
        notes=about.notes,
        log_query=log_query(function.name, day, name_prefix=runtime.settings.name_prefix),
    )


def _contracts(facts: DayFacts, phase: str) -> tuple[str, ...]:
    listed = facts.pipeline.contracts[facts.snapshot.group]
    return tuple(contract.exists for contract in listed if contract.phase == phase)


def _executions(
    runtime: Runtime, function: FunctionSpec, day: date, runs: Sequence[Run]
) -> tuple[ExecutionDetail, ...]:
    """Each run with its document, where that is still there."""
    tasks = {run.execution_id: partial(runtime.state.get, f"{COLLECTION}/{run.execution_id}") for run in runs}
    documents = all_of(tasks, THREADS, name="executions")
    prefix = runtime.settings.name_prefix
    return tuple(
        _execution(run, documents[run.execution_id], log_query(function.name, day, run.run_id, prefix)) for run in runs
    )


def _execution(run: Run, document: Document | None, query: str) -> ExecutionDetail:
    error, step = split_next_step(run.reason) if run.has_failed or run.is_at_work else ("", "")
    source, message_id = run.trigger_source, run.trigger_message_id
    event: str | None = None
    sent: tuple[MessageOut, ...] = ()
    if document is not None:
        execution = Execution.from_document(document)
        event = execution.event or execution.result.get("event")
        sent = tuple(MessageOut(each.id, each.topic, each.is_sent) for each in outbox.list_messages(document))
        if execution.attempts == run.attempts:
            # by the clock that decided what it did, where the history has the machine's
            run = replace(run, started_at=execution.started_at, finished_at=execution.finished_at)
    return ExecutionDetail(
        run=run,
        error=error,
        next_step=step,
        event=event,
        message_in=MessageIn(source, message_id) if source and message_id else None,
        messages_out=sent,
        log_query=query,
    )


def _rows(runtime: Runtime, day: date, phase: str) -> list[Mapping[str, Any]]:
    """Of the phase's tables, whole and by statistic."""
    found = runtime.warehouse.query(read_sql(PACKAGE, "rows"), {"game_date": day}).to_pylist()
    wanted = _ROWS_OF.get(phase, phase)
    return [row for row in found if row["phase"] == wanted]


def _by_stat(rows: Sequence[Mapping[str, Any]]) -> tuple[StatRows, ...]:
    found: dict[str, dict[str, int]] = {}
    for row in sorted((row for row in rows if row["stat"] is not None), key=lambda row: place_of(row["stat"])):
        found.setdefault(row["table_name"], {})[row["stat"]] = int(row["row_count"])
    return tuple(StatRows(table, found[table]) for table in sorted(found))


def _table(row: Mapping[str, object]) -> TableRows:
    newest = row["newest"]
    return TableRows(
        table=str(row["table_name"]),
        rows=int(str(row["row_count"])),
        newest=newest if isinstance(newest, datetime) else None,
    )


def _restart(restart: Restart) -> RestartDetail:
    return RestartDetail(restart.at, restart.n, restart.reason, restart.run_id, restart.topic)
