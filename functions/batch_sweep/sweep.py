"""One sweep: send what is due or was not sent, close what stalled, end what died, show the rest.

Every step reads what is there and is repeatable, so a sweep that dies is repaired by the next one.
"""

from __future__ import annotations

import logging

from functions.batch_sweep.abandoned_executions import end_executions
from functions.batch_sweep.backfills import advance_backfills
from functions.batch_sweep.orphans import sweep_staging
from functions.batch_sweep.pending_outboxes import release_deferred_messages, send_unsent
from functions.batch_sweep.report import Report
from functions.batch_sweep.stalled import close_stalled, report_unconsolidated, settle_late_units
from shared.chain.execution.context import Context, Outcome
from shared.chain.messages.messages import PhaseMessage
from shared.chain.resilience import pause_switch

logger = logging.getLogger(__name__)


def run(message: PhaseMessage, context: Context) -> Outcome:
    """Sweep everything, whatever date the message names.

    While paused only outboxes are sent and leases reported.

    The outcome's metadata names all that was done and found; a sweep that did nothing writes no run
    history.
    """
    runtime = context.runtime
    report = Report()
    switch = pause_switch.read(runtime.state)
    resumed_at = switch.resumed_at if switch is not None else None
    if resumed_at is not None and resumed_at > runtime.clock.now():
        resumed_at = None  # of an earlier run of simulated time
    if switch is not None and switch.paused:
        report.paused = f"paused by {switch.who}: {switch.reason}"
        send_unsent(runtime, report)
        end_executions(context, report, resumed_at, only_report=True)
    else:
        release_deferred_messages(runtime, report)
        send_unsent(runtime, report)
        close_stalled(context, report, resumed_at)
        settle_late_units(context, report)
        report_unconsolidated(context, report, resumed_at)
        end_executions(context, report, resumed_at)
        advance_backfills(runtime, report)
        sweep_staging(context, report, always=message.schedule is None)
    outcome = report.outcome(runtime.clock.now())
    if report.did_something or report.expired or report.kept:
        logger.warning("swept: %s", outcome.reason, extra={"fields": outcome.metadata})
    return outcome
