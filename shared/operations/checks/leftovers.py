"""No staging tables left: what consolidation should have dropped."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import timedelta

from shared.chain.batches.records import Batch, BatchStatus
from shared.core.pipeline import BATCH_SWEEP
from shared.operations.checks.texts import count_text, publish_text
from shared.operations.checks.view import View
from shared.operations.levels import Check, Finding, Level, Severity
from shared.stores.warehouse import staging

CHECK = "no-staging-tables"
# Between the verified rows and the drop lie seconds.
DROPPED_WITHIN = timedelta(minutes=15)
# Batches whose document is read; of more the rest counts as needed.
_MOST = 50


def find_staging(view: View) -> Iterable[Finding]:
    """A finding a batch that left tables; one green where none did."""
    by_batch: dict[str, int] = defaultdict(int)
    for table in view.staging_tables:
        by_batch[staging.batch_of(table) or ""] += 1
    found = list(_findings(view, by_batch))
    if not found:
        count = len(view.staging_tables)
        says = "no staging table is left" if not count else f"{count_text(count, 'staging table')}, all still needed"
        found.append(Finding(CHECK, "pipeline", Level.GREEN, says, figures={"tables": count}))
    return found


def _findings(view: View, by_batch: dict[str, int]) -> Iterator[Finding]:
    for batch_id, tables in sorted(by_batch.items(), reverse=True)[:_MOST]:
        batch = view.batch(batch_id) if batch_id else None
        if batch is not None and _is_needed(view, batch):
            continue
        whose = "no batch" if not batch_id else f"{batch_id}, which nobody knows" if batch is None else batch_id
        state = "" if batch is None else f", which is {batch.status.value}"
        says = f"{count_text(tables, 'staging table')} left of {whose}{state}"
        sweep = publish_text(view.pipeline.functions[BATCH_SWEEP].trigger, {"game_date": "TODAY"})
        step = f"{sweep}: it drops what is in place a day after the batch opened; the rest expires by itself"
        day = None if batch is None else batch.game_date
        yield Finding(CHECK, batch_id or "unknown", Level.YELLOW, says, step, {"tables": tables}, Severity.WARNING, day)


def _is_needed(view: View, batch: Batch) -> bool:
    """Whether the batch has yet to merge them (late units are merged once more), or was
    consolidated a moment ago.
    """
    if batch.status in (BatchStatus.OPEN, BatchStatus.CLOSED, BatchStatus.FAILED):
        return True
    done = batch.consolidated_at or batch.closed_at or batch.opened_at
    is_late = batch.status == BatchStatus.CONSOLIDATED and not {*batch.missing, *batch.late_units} <= set(batch.merged)
    return is_late or view.now - done <= DROPPED_WITHIN


CHECKS: tuple[Check[View], ...] = (Check(CHECK, "Are no staging tables left?", find_staging),)
