"""One look at everything: findings become incidents, incidents become messages, latency is
recorded.

Each part is done by itself: one that fails is a red finding with its error, and the others go on.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import TypeVar

from functions.monitor.heartbeat import log_heartbeat
from shared.chain.execution.context import Context, Outcome
from shared.chain.messages.messages import PhaseMessage
from shared.core.errors import PipelineError
from shared.core.pipeline import Pipeline, load_pipeline
from shared.operations.checks.health import read_health
from shared.operations.incidents.delivering import deliver
from shared.operations.incidents.history import load_alerts, load_audit
from shared.operations.incidents.observing import observe
from shared.operations.incidents.outage import recover_outages
from shared.operations.incidents.planning import DELIVERY_CHECK
from shared.operations.incidents.proving import delivery_findings
from shared.operations.incidents.receiving import receive_alerts
from shared.operations.latency import findings as latency_findings
from shared.operations.latency.latency import Measured, measure
from shared.operations.latency.recording import record
from shared.operations.levels import Finding, Level, Severity
from shared.operations.slowdown import slowdowns
from shared.stores.runtime import Runtime

logger = logging.getLogger(__name__)

T = TypeVar("T")
MONITOR = "monitor"
"""Id of the check that a part of this function could not do its work."""
SLOWDOWN, LATENCY = "slowdown", "latency"
# Dates whose latency may still change: a night's games are graded the next day.
LATENCY_DAYS = 3


@dataclass
class Look:
    """What one run has seen and done."""

    findings: list[Finding] = field(default_factory=list)
    covered: set[str] = field(default_factory=set)
    """Checks that could look."""
    failed: list[str] = field(default_factory=list)
    facts: dict[str, int] = field(default_factory=dict)

    def attempt(self, part: str, work: Callable[[], T]) -> T | None:
        """Do a part; one that fails is a finding with its error, and None."""
        try:
            done = work()
        except PipelineError as error:
            logger.error("%s failed: %s", part, error, extra={"fields": {"event": error.event}})
            self.failed.append(part)
            says, next_step = f"monitor could not do {part}: {error.message}", error.next_step or "read its log."
            self.findings.append(Finding(MONITOR, part, Level.RED, says, next_step, severity=Severity.ERROR))
            return None
        self.findings.append(Finding(MONITOR, part, Level.GREEN, f"{part} is done."))
        return done

    def add(self, findings: Collection[Finding], covered: Collection[str]) -> None:
        self.findings += findings
        self.covered |= set(covered)


def run(message: PhaseMessage, context: Context) -> Outcome:
    """Look, whatever date the message names.

    success: everything could be looked at, whatever was found; partial: a part failed, as the
    reason says. A look is in no run history: its incidents, latency and audit rows are.
    """
    runtime, pipeline = context.runtime, load_pipeline()
    look = Look()
    look.attempt("the state store's outages", lambda: recover_outages(runtime))
    measured = _find(look, runtime, pipeline)
    _report(look, runtime, pipeline)
    if measured is not None:
        look.attempt("the record of latency", lambda: record(runtime, measured))
    look.attempt("the record of alerts", lambda: load_alerts(runtime))
    look.attempt("the record of actions", lambda: load_audit(runtime))
    reds = sum(each.level is Level.RED for each in look.findings)
    yellows = sum(each.level is Level.YELLOW for each in look.findings)
    says = f"{len(look.findings)} findings, {reds} red, {yellows} yellow"
    log_heartbeat(says)
    if look.failed:
        reason = f"could not do {', '.join(look.failed)}; {says}"
        return Outcome("partial", reason=reason, metadata=look.facts, history=False)
    return Outcome("success", reason=says, metadata=look.facts, history=False)


def _find(look: Look, runtime: Runtime, pipeline: Pipeline) -> Measured | None:
    """Ask everything that is asked; returns the latency that was measured, to be recorded."""
    health = look.attempt("the checks", lambda: read_health(runtime, pipeline))
    if health is not None:
        look.add(health.findings, health.covered)
    slow = look.attempt("slowdowns", lambda: slowdowns.as_findings(slowdowns.read_slowdowns(runtime, pipeline)))
    if slow is not None:
        look.add(slow, (SLOWDOWN,))
    measured = look.attempt("latency", lambda: measure(runtime, pipeline, LATENCY_DAYS))
    if measured is not None:
        look.add(latency_findings.as_findings(measured.latency), (LATENCY,))
    channels = look.attempt("the channels", lambda: delivery_findings(runtime))
    if channels is not None:
        look.add(channels, (DELIVERY_CHECK,))
    return measured


def _report(look: Look, runtime: Runtime, pipeline: Pipeline) -> None:
    """Make incidents of the findings and of the alerts that wait, and send what is owed."""
    received = look.attempt("the alerts of functions", lambda: receive_alerts(runtime, pipeline))
    # a part that fails from here on is seen by the next run
    changes = look.attempt("incidents", lambda: observe(runtime, look.findings, {*look.covered, MONITOR}))
    sent = look.attempt("deliveries", lambda: deliver(runtime))
    look.facts = {
        "findings": len(look.findings),
        "alerts": received.alerts if received else 0,
        "opened": len(changes.opened) if changes else 0,
        "resolved": len(changes.resolved) if changes else 0,
        "sent": len(sent.sent) if sent else 0,
        "failed": len(sent.failed) if sent else 0,
    }
