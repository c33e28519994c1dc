"""Names for the places between two side effects, so that a test can crash exactly there."""

from __future__ import annotations

from collections.abc import Callable

POINTS = (
    "handler.taken",  # the execution is ours, nothing done yet
    "handler.ran",  # the work is done, its result not recorded
    "handler.recorded",  # result and outbox recorded, nothing published
    "outbox.published",  # published, not marked as sent
    "deferred.stored",  # a deferred message's bytes kept, its document not written: not acknowledged
    "deferred.released",  # a deferred message marked as released, not published
    "handler.sent",  # marked as sent, run history not written
    "history.recorded",  # what the run's history is to hold is recorded, nothing loaded
    "history.loaded",  # the run's history is loaded, its executions not marked
    "coordinator.batch_opened",  # batch opened, expected outputs and requests not written
    "coordinator.requests_written",  # unit messages kept, execution not recorded
    "worker.staged",  # staging table written, completion not recorded
    "split.requests_kept",  # requests of a unit's players kept, the unit not split
    "split.recorded",  # the unit is split, its players' requests not sent
    "batch.unit_recorded",  # completion recorded, batch not closed
    "batch.closed",  # batch closed with its announcement, nothing sent
    "consolidation.merged",  # rows merged, not verified
    "consolidation.verified",  # verified, batch not marked CONSOLIDATED
    "consolidation.consolidated",  # marked, staging not dropped
    "consolidation.dropped",  # staging dropped, execution not recorded
    "backfill.recorded",  # a backfill on record, none of its messages
    "backfill.advanced",  # its next messages recorded, not published
    "operator_action.recorded",  # an operator's action and its audit on record, nothing published or done
    "rows.recorded",  # what a load of alerts or audit is to hold is recorded, nothing loaded
    "rows.loaded",  # it is loaded, its documents not marked
    "sweep.closed",  # stalled batch closed with its announcement, nothing sent
    "sweep.abandoned",  # a dead process's execution made final, its run's history not written
    "sweep.verified",  # orphaned staging verified, nothing dropped
    "redrive.recorded",  # redrive recorded with its outbox, nothing published
    "redrive.published",  # redriven, the dead letter not acknowledged
    "training.saved",  # a version and its metadata written, the pointer not moved
    "self_heal.recorded",  # a restart is on record, its trigger not in the outbox
)

_hook: Callable[[str], None] | None = None


def install(hook: Callable[[str], None] | None) -> None:
    """Call `hook` at every point of this process (tests and measurements only); None removes it."""
    global _hook
    _hook = hook


def reach(point: str) -> None:
    """Say that a point was reached."""
    if _hook is not None:
        _hook(point)
