"""Incidents about a date and phase, and what people wrote beside them: one query of the state."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime

from shared.core.pipeline import CONSOLIDATION, COORDINATOR, GRADING, WORKER, Pipeline
from shared.operations.incidents.records import COLLECTION, Incident, sort_worst_first
from shared.stores.ports import Filter
from shared.stores.runtime import Runtime

# Of a date; a storm of them must not fill a page.
MOST_OF_A_DATE = 100
# What a check is about where it names no function.
_PHASES: Mapping[str, str] = {
    "source-fresh": "phase1",
    "batch-opened": COORDINATOR,
    "completions": WORKER,
    "batch-closed": WORKER,
    "consolidation": CONSOLIDATION,
    "merge": CONSOLIDATION,
    "phase5-announced": CONSOLIDATION,
    "predictions-updated": CONSOLIDATION,
    "export-written": "phase6",
    "latency": GRADING,
}


@dataclass(frozen=True)
class Note:
    """What somebody wrote beside an incident."""

    at: datetime
    who: str
    text: str
    incident: str
    """Its id."""


@dataclass(frozen=True)
class CellIncidents:
    """What is known of a cell besides its rows and runs."""

    open: tuple[Incident, ...]
    """The worst first, then the oldest."""
    notes: tuple[Note, ...]
    """Newest first, of resolved incidents, too."""


def read_incidents_of(runtime: Runtime, pipeline: Pipeline, day: date, phase: str) -> CellIncidents:
    """Those of the date that are about the phase, or about no phase alone. Raises
    StoreUnavailable.
    """
    documents = runtime.state.query(COLLECTION, [Filter("game_date", "==", day.isoformat())], limit=MOST_OF_A_DATE)
    found = [each for each in map(Incident.from_document, documents) if each.epoch == runtime.epoch]
    ours = [each for each in found if phase_of(each, pipeline) in (phase, None)]
    return CellIncidents(tuple(sort_worst_first(each for each in ours if each.is_open)), _notes(ours))


def phase_of(incident: Incident, pipeline: Pipeline) -> str | None:
    """The phase that it is about: its check's, else its function's; None: the whole date."""
    if incident.check in _PHASES:
        return _PHASES[incident.check]
    function = pipeline.functions.get(str(incident.figures.get("function")))
    return None if function is None else function.phase


def _notes(incidents: Iterable[Incident]) -> tuple[Note, ...]:
    found = [Note(note["at"], note["who"], note["text"], each.id) for each in incidents for note in each.notes]
    return tuple(sorted(found, key=lambda note: note.at, reverse=True))
