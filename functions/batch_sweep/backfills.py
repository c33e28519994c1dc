"""Backfills that are open: what ended is judged, what comes next is published."""

from __future__ import annotations

from functions.batch_sweep.report import Report
from shared.core.errors import PipelineError, Retriable
from shared.core.pipeline import load_pipeline
from shared.core.redaction import what_failed
from shared.operations.backfill.advancing import advance, open_backfills
from shared.stores.runtime import Runtime


def advance_backfills(runtime: Runtime, report: Report) -> None:
    """Take every open backfill as far as it goes now; one that cannot be is a problem, and the
    others go on.
    """
    for backfill in open_backfills(runtime):
        try:
            advanced = advance(runtime, load_pipeline(), backfill.id)
        except Retriable:
            raise
        except PipelineError as error:
            report.problems[backfill.path] = what_failed(error)
            continue
        if advanced.backfill.version != backfill.version:
            report.backfills[backfill.id] = advanced.published
