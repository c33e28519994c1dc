"""Which action mends what a check found: the button beside an alert, the same on every page."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Protocol

from shared.core.severity import Severity
from shared.operations.status.model import TROUBLE, Cell

HEAL = "heal"


@dataclass(frozen=True)
class Mending:
    """An action with its values; the person still sees the preview and says why."""

    action: str
    label: str
    values: Mapping[str, Any] = field(default_factory=dict)


class Found(Protocol):
    """What is known alike of a finding and of an incident."""

    @property
    def check(self) -> str: ...
    @property
    def subject(self) -> str: ...
    @property
    def game_date(self) -> date | None: ...
    @property
    def severity(self) -> Severity: ...
    @property
    def figures(self) -> Mapping[str, Any]: ...


def _of_date(action: str, label: str, **values: str) -> Callable[[Found], Mending | None]:
    def make(found: Found) -> Mending | None:
        if found.game_date is None:
            return None
        return Mending(action, f"{label} {found.game_date}", {"game_date": found.game_date, **values})

    return make


def _export(found: Found) -> Mending | None:
    """What phase 6 refused is short of something: exporting it again would be refused again."""
    if found.severity is Severity.CRITICAL:
        return _of_date(HEAL, "Restart what is missing of")(found)
    return _of_date("export", "Export")(found)


def _latency(found: Found) -> Mending | None:
    """Grades that are there, but late, nothing makes earlier."""
    if found.severity.rank < Severity.ERROR.rank:
        return None
    return _of_date(HEAL, "Restart what is missing of")(found)


def _letters(found: Found) -> Mending:
    subscription, _, reason = found.subject.rpartition("/")
    return _redrive(subscription, reason)


def _redrive(subscription: str, reason: str) -> Mending:
    return Mending("redrive", "Redrive them", {"subscription": subscription, "reason": reason})


def _outage(found: Found) -> Mending | None:
    """A store that is down nobody here mends; what it left behind is published again."""
    reason = found.figures.get("reason")
    return None if not reason else Mending("redrive", "Redrive them", {"reason": reason})


def _consolidate(found: Found) -> Mending | None:
    """A batch whose message died is merged by that message: another one would leave it behind."""
    subscription, reason = found.figures.get("subscription"), found.figures.get("reason")
    if subscription and reason:
        return _redrive(str(subscription), str(reason))
    return _of_date("consolidate", "Consolidate")(found)


def _release(found: Found) -> Mending:
    if found.figures.get("gate") == "pause":
        return Mending("resume", "Resume")
    return Mending("release-deferred", "Release what nothing stops")


def _schedule(found: Found) -> Mending | None:
    """A firing that is only late is on its way."""
    if found.game_date is None or found.severity.rank < Severity.ERROR.rank:
        return None
    subscription, _, reason = str(found.figures.get("letters") or "").rpartition("/")
    if subscription:  # it fired: its message died
        return _redrive(subscription, reason)
    return Mending("fire", f"Fire {found.subject}", {"schedule": found.subject, "game_date": found.game_date})


_BY_CHECK: Mapping[str, Callable[[Found], Mending | None]] = {
    "batch-opened": _of_date(HEAL, "Restart what is missing of"),
    "predictions-updated": _of_date(HEAL, "Restart what is missing of"),
    "consolidation": _consolidate,
    "merge": _consolidate,
    "phase5-announced": _consolidate,
    "export-written": _export,
    "source-fresh": _of_date("rerun", "Scrape again", phase="phase1"),
    "schedules": _schedule,
    "state-store": _outage,
    "latency": _latency,
    "dead-letters": _letters,
    "deferred": _release,
    "breakers": lambda found: Mending("reset-breakers", "Close it", {"names": found.subject}),
    "pause": lambda _: Mending("resume", "Resume"),
}


def mending_of(found: Found) -> Mending | None:
    """The action for what a check found that is not green; None where no button does it, and of a
    consequence, which goes with its cause.
    """
    make = _BY_CHECK.get(found.check)
    return None if make is None or found.severity is Severity.INFO else make(found)


def mending_of_cell(cell: Cell) -> Mending | None:
    """The rerun that mends a cell in trouble; None where none does, and where an incident is about
    it, whose own button does.
    """
    if cell.rerun is None or cell.verdict not in TROUBLE or cell.incident:
        return None
    return Mending("rerun", f"Rerun {cell.rerun}", {"game_date": cell.game_date, "phase": cell.rerun})
