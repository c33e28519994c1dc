"""From a run's trigger to its export, by phase."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import groupby
from typing import Any

from shared.core.pipeline import Pipeline
from shared.operations.slowdown.executions import DID_WORK


@dataclass(frozen=True)
class PhaseLatency:
    """A phase of a run, as it ended for the first time."""

    phase: str
    status: str
    started_at: datetime
    """When it was first taken."""
    finished_at: datetime
    seconds: float
    """From start to finish; attempts that failed and the waits after them are in it."""
    waited_seconds: float
    """Since the phase before it finished; 0 of the first."""

    @property
    def did_work(self) -> bool:
        return self.status in DID_WORK


@dataclass(frozen=True)
class RunLatency:
    """One run that has a phase of the chain; times are those of the run history's clock."""

    game_date: date
    run_id: str
    triggered_at: datetime
    """The start of its first phase: the trigger was published moments before."""
    exported_at: datetime | None
    """The first export that was written; None where the run has none."""
    is_whole: bool
    """Whether it began with phase 1 and was exported: only such runs are compared."""
    seconds: float | None
    """From trigger to export."""
    phases: tuple[PhaseLatency, ...]
    """In the order in which they began."""


def runs_of(rows: Sequence[Mapping[str, Any]], pipeline: Pipeline) -> list[RunLatency]:
    """The runs of rows of phases.sql, which come by date, run and start; a run of which no phase is
    of the chain is left out.
    """
    grouped = groupby(rows, key=lambda row: (row["game_date"], row["run_id"]))
    runs = [_run_of(day, run_id, list(phases), pipeline) for (day, run_id), phases in grouped]
    return [run for run in runs if any(each.phase in pipeline.phase_order for each in run.phases)]


def _run_of(day: date, run_id: str, rows: Sequence[Mapping[str, Any]], pipeline: Pipeline) -> RunLatency:
    by_phase: dict[str, Mapping[str, Any]] = {}
    for row in rows:
        before = by_phase.get(row["phase"])
        # a redriven phase has a row for each end; a late completion has its phases once more
        if before is None or (before["status"] not in DID_WORK and row["status"] in DID_WORK):
            by_phase[row["phase"]] = row
    phases: list[PhaseLatency] = []
    for row in sorted(by_phase.values(), key=lambda row: (row["started_at"], row["finished_at"])):
        phases.append(_phase_of(row, phases[-1] if phases else None))
    first, last = pipeline.phase_order[0], pipeline.phase_order[-1]
    exported_at = next((each.finished_at for each in phases if each.phase == last and each.did_work), None)
    triggered_at = phases[0].started_at
    return RunLatency(
        game_date=day,
        run_id=run_id,
        triggered_at=triggered_at,
        exported_at=exported_at,
        is_whole=phases[0].phase == first and exported_at is not None,
        seconds=None if exported_at is None else (exported_at - triggered_at).total_seconds(),
        phases=tuple(phases),
    )


def _phase_of(row: Mapping[str, Any], before: PhaseLatency | None) -> PhaseLatency:
    started, finished = row["started_at"], row["finished_at"]
    return PhaseLatency(
        phase=row["phase"],
        status=row["status"],
        started_at=started,
        finished_at=finished,
        seconds=(finished - started).total_seconds(),
        waited_seconds=0.0 if before is None else max(0.0, (started - before.finished_at).total_seconds()),
    )
