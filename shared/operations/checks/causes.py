"""Which findings follow from which: an incident is of the cause, what follows from it is severity
info and names it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from shared.core.pipeline import CONSOLIDATION, SELF_HEAL, WORKER
from shared.operations.levels import Finding, Level, Severity

# The figure that names the cause's fingerprint.
FOLLOWS_FROM = "follows_from"
SWEEP, EXPORT, SCRAPE = "batch-sweep", "phase6_export", "phase1_scrape"

Matches = Callable[[Finding, Finding], bool]
"""Whether a finding (first) follows from another."""


@dataclass(frozen=True)
class Cause:
    """Findings of check `of` follow from those of check `cause` that match."""

    of: str
    cause: str
    matches: Matches


def _same_figure(name: str) -> Matches:
    return lambda finding, cause: name in finding.figures and finding.figures[name] == cause.figures.get(name)


def _subject_of(name: str) -> Matches:
    """Whether a figure of the finding names the cause's subject."""
    return lambda finding, cause: finding.figures.get(name) == cause.subject


def _letters_of(function: str) -> Matches:
    return lambda finding, cause: cause.figures.get("function") == function


def _of(function: str) -> Matches:
    """Whether the finding is about a function."""
    return lambda finding, cause: function in (finding.subject, finding.figures.get("function"))


def _names(subject: str) -> Matches:
    return lambda finding, cause: cause.subject == subject


def _same_source(finding: Finding, cause: Finding) -> bool:
    """Whether both lists of lines, or of injuries, are late of one run: players' lines are what
    picks are of, and ESPN's list is what would serve instead of the league's report.
    """
    both = (cause.subject, finding.subject)
    lines = both == ("player_lines", "game_lines") and cause.level is finding.level
    return (lines or both == ("injury_report", "official_report")) and _same_figure("schedule")(finding, cause)


def _is_paused(finding: Finding, cause: Finding) -> bool:
    return cause.subject == "pause"


def _same_failure(finding: Finding, cause: Finding) -> bool:
    return bool(cause.figures.get("error_type")) and _same_figure("error_type")(finding, cause)


# The first that matches is the cause.
CAUSES: tuple[Cause, ...] = (
    Cause("schedules", "pause", _is_paused),
    Cause("schedules", "dead-letters", _subject_of("letters")),
    Cause("deferred", "pause", lambda finding, cause: finding.figures.get("gate") == "pause"),
    Cause("deferred", "breakers", _subject_of("gate")),
    Cause("deferred", "schedules", _names(SWEEP)),
    Cause("batch-opened", "pause", _is_paused),
    Cause("batch-opened", "schedules", _subject_of("schedule")),
    Cause("batch-opened", "dead-letters", _same_figure("function")),
    Cause("batch-opened", "breakers", lambda finding, cause: cause.subject.startswith("processor-")),
    Cause("batch-closed", "schedules", _names(SWEEP)),
    Cause("stuck-executions", "schedules", _names(SWEEP)),
    Cause("completions", "dead-letters", _letters_of(WORKER)),
    Cause("export-written", "batch-opened", lambda finding, cause: finding.subject == cause.subject),
    Cause("export-written", "dead-letters", _letters_of(EXPORT)),
    Cause("dead-letters", "state-store", _same_figure("outage")),
    Cause("dead-letters", "consolidation", _of(CONSOLIDATION)),
    Cause("source-fresh", "breakers", _subject_of("breaker")),
    Cause("source-fresh", "schedules", _subject_of("schedule")),
    Cause("source-fresh", "pause", _is_paused),
    Cause("source-fresh", "source-fresh", _same_source),
    Cause("no-errors", "dead-letters", lambda finding, cause: finding.subject == cause.figures.get("function")),
    Cause("no-errors", "consolidation", _of(CONSOLIDATION)),
    Cause("no-errors", "export-written", _of(EXPORT)),
    # the look that a refused export asks for finds the same and gives up
    Cause("no-errors", "export-written", _of(SELF_HEAL)),
    Cause("no-errors", "completions", _of(WORKER)),
    Cause("no-errors", "source-fresh", _of(SCRAPE)),
    Cause("no-errors", "breakers", _of(SCRAPE)),
    Cause("no-errors", "batch-opened", lambda finding, cause: finding.subject == cause.figures.get("function")),
)
STORE = "state-store"


def link(findings: Sequence[Finding]) -> list[Finding]:
    """The same findings, those that follow from another as severity info with the cause's
    fingerprint in their figures; a cause is as severe as the worst of what follows from it.
    """
    short = [finding for finding in findings if finding.level is not Level.GREEN]
    linked = [_name_cause(finding, short) if finding.level is not Level.GREEN else finding for finding in findings]
    return [
        _raise_severity(finding, severity) for finding, severity in zip(linked, _worst(findings, linked), strict=True)
    ]


def _worst(findings: Sequence[Finding], linked: Sequence[Finding]) -> list[Severity]:
    """Of each finding the worst severity of itself and of what follows from it, whatever lies in
    between.
    """
    causes = {each.fingerprint: str(each.figures[FOLLOWS_FROM]) for each in linked if FOLLOWS_FROM in each.figures}
    found = {each.fingerprint: each.severity for each in findings if each.level is not Level.GREEN}
    for finding in findings:
        seen, name = {finding.fingerprint}, causes.get(finding.fingerprint)
        while name is not None and name not in seen:
            found[name] = max(found[name], finding.severity, key=lambda each: each.rank)
            seen.add(name)
            name = causes.get(name)
    return [found.get(each.fingerprint, each.severity) for each in findings]


def _raise_severity(finding: Finding, severity: Severity) -> Finding:
    """A cause with its severity; what follows from one stays info."""
    return finding if FOLLOWS_FROM in finding.figures else replace(finding, severity=severity)


def _name_cause(finding: Finding, short: Sequence[Finding]) -> Finding:
    cause = next((found for rule in _rules(finding) if (found := _find(rule, finding, short))), None)
    if cause is None:
        return finding
    step = f"first mend {cause.fingerprint}" + (f"; then {finding.next_step}" if finding.next_step else "")
    figures = {**finding.figures, FOLLOWS_FROM: cause.fingerprint}
    return replace(finding, severity=Severity.INFO, figures=figures, next_step=step)


def _rules(finding: Finding) -> list[Cause]:
    """Rules about a finding; any check fails by what the state store's check failed by."""
    return [Cause(finding.check, STORE, _same_failure), *(rule for rule in CAUSES if rule.of == finding.check)]


def _find(rule: Cause, finding: Finding, short: Sequence[Finding]) -> Finding | None:
    return next(
        (
            each
            for each in short
            if each.check == rule.cause and each.fingerprint != finding.fingerprint and rule.matches(finding, each)
        ),
        None,
    )
