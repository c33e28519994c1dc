"""The health of the pipeline: every check, what it found, and one exit code."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from shared.core.errors import DataError, PipelineError
from shared.core.pipeline import Pipeline
from shared.core.redaction import what_failed
from shared.operations.api.as_json import OF_THE_MOMENT
from shared.operations.checks import causes, deployed, errors, leftovers, morning, queues, sources, state_store
from shared.operations.checks.view import View
from shared.operations.levels import LEVELS, Check, Finding, Level, Severity, worst
from shared.stores.runtime import Runtime

logger = logging.getLogger(__name__)

WINDOW = timedelta(hours=24)
MORNING: tuple[Check[View], ...] = (*morning.CHECKS, *errors.CHECKS, *leftovers.CHECKS)
"""The ten of a morning run."""
CHECKS: tuple[Check[View], ...] = (
    *MORNING,
    *state_store.CHECKS,
    *sources.CHECKS,
    *queues.CHECKS,
    *deployed.CHECKS,
)
# As `./nba health` ends.
HEALTHY, NEEDS_ATTENTION, FAILED = 0, 1, 2
_LONGEST = 500


@dataclass(frozen=True)
class CheckResult:
    """A check and what it found; `failed`: it could not look, and says why."""

    id: str
    asks: str
    level: Level
    failed: bool
    findings: tuple[Finding, ...]


@dataclass(frozen=True)
class Health:
    """What all checks found at a moment."""

    at: datetime = field(metadata=OF_THE_MOMENT)
    window: timedelta
    level: Level
    exit_code: int
    """0 all green, 1 something needs attention, 2 a check itself failed."""
    counts: Mapping[Level, int]
    """Findings by level."""
    checks: tuple[CheckResult, ...]

    @property
    def findings(self) -> tuple[Finding, ...]:
        return tuple(finding for check in self.checks for finding in check.findings)

    @property
    def covered(self) -> frozenset[str]:
        """Checks that could look: what they no longer find is over."""
        return frozenset(check.id for check in self.checks if not check.failed)


def read_health(
    runtime: Runtime, pipeline: Pipeline, window: timedelta = WINDOW, only: Collection[str] | None = None
) -> Health:
    """Run the checks (those named in `only`), in at most five warehouse statements.

    The one thing written is the document of the state store's probe. Raises DataError for a check
    that does not exist and for a window that looks nowhere.
    """
    chosen = _choose(only)
    if window <= timedelta(0):
        raise DataError(f"A window of {window} looks nowhere.", next_step="give minutes from 1 on.")
    return run_checks(View(runtime, pipeline, runtime.clock.now(), window), chosen)


def run_checks(view: View, checks: Sequence[Check[View]] = CHECKS) -> Health:
    """Run checks on a view. One that fails is red with its error, and the others go on."""
    found = [(check, *_run(check, view)) for check in checks]
    linked = iter(causes.link([finding for _, findings, _ in found for finding in findings]))
    results = tuple(
        _result(check, tuple(next(linked) for _ in findings), failed=failed) for check, findings, failed in found
    )
    level = worst(finding for result in results for finding in result.findings)
    counts = Counter(finding.level for result in results for finding in result.findings)
    exit_code = HEALTHY if level is Level.GREEN else NEEDS_ATTENTION
    return Health(
        at=view.now,
        window=view.window,
        level=level,
        exit_code=FAILED if any(result.failed for result in results) else exit_code,
        counts={each: counts[each] for each in LEVELS},
        checks=results,
    )


def _choose(only: Collection[str] | None) -> Sequence[Check[View]]:
    if only is None:
        return CHECKS
    unknown = sorted(set(only) - {check.id for check in CHECKS})
    if unknown:
        known = ", ".join(check.id for check in CHECKS)
        raise DataError(f"There is no check {', '.join(unknown)}.", next_step=f"name some of: {known}.")
    return [check for check in CHECKS if check.id in only]


def _result(check: Check[View], findings: tuple[Finding, ...], *, failed: bool) -> CheckResult:
    return CheckResult(check.id, check.asks, worst(findings), failed, findings)


def _run(check: Check[View], view: View) -> tuple[tuple[Finding, ...], bool]:
    """What a check found, and whether it failed: then its error is the finding, red, never green.

    The one place where any exception becomes a finding; tests/house knows it.
    """
    try:
        return tuple(check.find(view)), False
    except Exception as error:
        logger.warning("the check %s failed: %s", check.id, error, exc_info=not isinstance(error, PipelineError))
        return (_failure(check, error),), True


def _failure(check: Check[View], error: Exception) -> Finding:
    step = error.next_step if isinstance(error, PipelineError) else ""
    return Finding(
        check.id,
        "check",
        Level.RED,
        f"the check itself failed: {what_failed(error, _LONGEST)}",
        step or "read the log of whoever asked: the stack is there",
        {"error_type": type(error).__name__},
        Severity.ERROR,
    )
