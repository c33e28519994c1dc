"""Today: is tonight fine, and if not, what is short, since when, and what to press."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from flask import Blueprint, Response, g

from functions.dashboard.pages.page import render_live, try_asking
from functions.dashboard.pages.stat_choice import choose_stat
from shared.core.concurrency import all_of
from shared.core.severity import Severity
from shared.operations.actions.mending import Mending, mending_of, mending_of_cell
from shared.operations.checks.health import Health
from shared.operations.incidents.records import Incident
from shared.operations.levels import Finding, Level
from shared.operations.status.model import SETTLED, TROUBLE, Cell, Grid

QUEUES = ("dead-letters", "deferred", "breakers", "switches")
DAYS = 2
"""Yesterday is graded today."""
FIRST_PICKS = 5
# Side by side: what the grid and the checks ask of the warehouse are seconds on BigQuery.
_QUESTIONS = {
    "grid": partial(try_asking, "grid", days=DAYS),
    **{name: partial(try_asking, name) for name in ("alerts", "health", *QUEUES, "picks")},
}


@dataclass(frozen=True)
class Need:
    """What a person has to look at: an incident, or what a check finds and no incident says yet."""

    check: str
    severity: Severity
    says: str
    next_step: str
    mending: Mending | None
    incident: Incident | None = None


@dataclass(frozen=True)
class Deadline:
    """What has to be done by when."""

    says: str
    cell: Cell
    by: datetime
    is_done: bool


def add_routes(pages: Blueprint) -> None:
    """The route of the first page."""

    @pages.get("/")
    def today() -> Response:
        found = all_of(_QUESTIONS, len(_QUESTIONS), name="today")
        grid, alerts, health = found["grid"], found["alerts"], found["health"]
        picks = found["picks"].answer.picks if found["picks"].answer else ()
        choice = choose_stat((pick.stat for pick in picks), first=None)
        needs = list_needs(alerts.answer["open"] if alerts.answer else (), health.answer)
        return render_live(
            "today",
            is_running=grid.answer is not None and grid.answer.is_running,
            grid=grid,
            deadlines=_deadlines(grid.answer) if grid.answer else [],
            troubles=_troubles(grid.answer) if grid.answer else [],
            needs=[each for each in needs if each.severity is not Severity.INFO],
            consequences=[each for each in needs if each.severity is Severity.INFO],
            alerts=alerts,
            health=health,
            queues=found,
            picks=found["picks"],
            choice=choice,
            shown=[pick for pick in picks if choice.shows(pick.stat)][: None if choice.chosen else FIRST_PICKS],
        )


def list_needs(incidents: Iterable[Incident], health: Health | None) -> Sequence[Need]:
    """The worst first. What is acknowledged or muted comes after what nobody knows of."""
    listed = list(incidents)
    known = {each.fingerprint for each in listed}
    findings = health.findings if health is not None else ()
    needs = [_of_incident(each) for each in listed]
    needs += [_of_finding(each) for each in findings if _is_new(each, known)]
    return sorted(needs, key=lambda need: (_is_known(need), -need.severity.rank))


def _is_new(finding: Finding, known: set[str]) -> bool:
    return finding.level is not Level.GREEN and finding.fingerprint not in known


def _is_known(need: Need) -> bool:
    incident = need.incident
    return incident is not None and (incident.is_acknowledged or incident.is_muted(g.runtime.clock.now()))


def _of_incident(each: Incident) -> Need:
    return Need(each.check, each.severity, each.says, each.next_step, mending_of(each), each)


def _of_finding(each: Finding) -> Need:
    return Need(each.check, each.severity, each.says, each.next_step, mending_of(each))


def _deadlines(grid: Grid) -> Sequence[Deadline]:
    says = {each.phase: each.says for each in g.pipeline.deadlines}
    cells = [cell for day in grid.days for cell in day.cells]
    return [
        Deadline(says[cell.phase], cell, cell.deadline, cell.verdict in SETTLED)
        for cell in cells
        if cell.deadline is not None and cell.phase in says
    ]


def _troubles(grid: Grid) -> Sequence[tuple[Cell, Mending | None]]:
    """Cells in trouble that no incident is about: what one is about is listed by it."""
    cells = [cell for day in grid.days for cell in day.cells if cell.verdict in TROUBLE and not cell.incident]
    return [(cell, mending_of_cell(cell)) for cell in cells]
