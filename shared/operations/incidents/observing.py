"""Findings become incidents: opened once, updated in place, resolved when the check finds nothing.

Each incident is one transaction of its own, so two monitors at once make one incident of one cause.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial

from shared.core.errors import AlreadyExists
from shared.operations.incidents import life
from shared.operations.incidents.records import COLLECTION, Incident, Subject, incident_path, subject_path
from shared.operations.incidents.sightings import Sighting, fold, sightings_of
from shared.operations.levels import Finding
from shared.stores.ports import Filter, Transaction
from shared.stores.runtime import Runtime

GREEN = "its check is green again"
ABSENT = "its check finds it no more"
OTHER_EPOCH = "it was of an earlier state, which was restored or played anew"
_TRIES = 5


@dataclass(frozen=True)
class Changes:
    """Ids of the incidents that a look has changed."""

    opened: tuple[str, ...] = ()
    updated: tuple[str, ...] = ()
    resolved: tuple[str, ...] = ()
    late: tuple[str, ...] = ()
    """Fingerprints of alerts that were raised before their last incident was resolved: old news."""


@dataclass
class _Tally:
    opened: list[str] = field(default_factory=list)
    updated: list[str] = field(default_factory=list)
    resolved: list[str] = field(default_factory=list)
    late: list[str] = field(default_factory=list)

    def as_changes(self) -> Changes:
        return Changes(tuple(self.opened), tuple(self.updated), tuple(self.resolved), tuple(self.late))


def list_unsettled(runtime: Runtime) -> list[Incident]:
    """Incidents that are open, or resolved and not all told of, by id: one query."""
    documents = runtime.state.query(COLLECTION, [Filter("settled", "==", False)])
    return [Incident.from_document(each) for each in documents]


def observe(runtime: Runtime, findings: Iterable[Finding], covered_checks: Collection[str]) -> Changes:
    """Make incidents agree with what the checks found.

    A finding that is not green opens or updates its incident. An incident whose check is among
    `covered_checks` (those that ran) and has no such finding is resolved; a check that did not run
    resolves nothing. One that only alerts have raised waits for a green finding about it: its date
    may be none that the check looks at. State: one query, and a transaction for each incident that
    is open or opens.

    Raises StoreUnavailable, WriteConflict; what was done stays, and is done once.
    """
    listed = list(findings)
    now = runtime.clock.now()
    open_ones = _open_ones(runtime, list_unsettled(runtime), now)
    seen = fold(sightings_of(listed), open_ones)
    green = {each.fingerprint for each in listed} - {each.fingerprint for each in sightings_of(listed)}
    tally = _Tally()
    for sighting in seen.values():
        _see(runtime, sighting, None, tally)
    for fingerprint, incident in open_ones.items():
        is_green = fingerprint in green
        if fingerprint not in seen and incident.check in covered_checks and (is_green or not incident.by_alert):
            why = GREEN if is_green else ABSENT
            after = _update(runtime, incident, partial(life.see_green, now=now, resolution=why))
            if after is not None and not after.is_open:
                tally.resolved.append(incident.id)
    return tally.as_changes()


def see_alerts(runtime: Runtime, sightings: Sequence[tuple[Sighting, datetime]]) -> Changes:
    """Make incidents of alerts, each with the moment when it was raised.

    One raised before the last incident of its fingerprint was resolved opens nothing: it was out
    of date when it came.
    """
    now = runtime.clock.now()
    open_ones = _open_ones(runtime, list_unsettled(runtime), now)
    raised: dict[str, datetime] = {}
    for sighting, at in sightings:
        raised[sighting.fingerprint] = max(at, raised.get(sighting.fingerprint, at))
    latest = max(raised.values(), default=now)
    tally = _Tally()
    for fingerprint, sighting in fold((each for each, _ in sightings), open_ones).items():
        _see(runtime, sighting, raised.get(fingerprint, latest), tally)
    return tally.as_changes()


def _open_ones(runtime: Runtime, listed: Sequence[Incident], now: datetime) -> dict[str, Incident]:
    """The open incidents by fingerprint; those of another epoch are closed without a word."""
    found = {}
    for incident in listed:
        if incident.epoch != runtime.epoch:
            _update(runtime, incident, partial(life.leave, now=now, resolution=OTHER_EPOCH))
        elif incident.is_open:
            found[incident.fingerprint] = incident
    return found


def _see(runtime: Runtime, sighting: Sighting, raised_at: datetime | None, tally: _Tally) -> None:
    for attempt in range(1, _TRIES + 1):
        try:
            what, name = runtime.state.transaction(lambda transaction: _body(runtime, transaction, sighting, raised_at))
        except AlreadyExists:
            if attempt == _TRIES:
                raise
            continue  # another monitor opened it in between: it is updated now
        {"opened": tally.opened, "updated": tally.updated, "late": tally.late}[what].append(name)
        return


def _body(
    runtime: Runtime, transaction: Transaction, sighting: Sighting, raised_at: datetime | None
) -> tuple[str, str]:
    """One sighting's transaction: what it did, and to which incident."""
    now = runtime.clock.now()
    subject, latest = _read(transaction, sighting.fingerprint, runtime.epoch)
    if latest is not None and latest.is_open:
        transaction.set(latest.path, life.see_again(latest, sighting, now).to_document())
        return "updated", latest.id
    if raised_at is not None and latest is not None and latest.resolved_at and raised_at <= latest.resolved_at:
        return "late", sighting.fingerprint
    opened = life.open_incident(sighting, subject, latest, now, runtime.epoch)
    noted = life.note_opening(sighting, opened, subject, now)
    if latest is not None and opened.id == latest.id:
        transaction.set(opened.path, opened.to_document())
    else:
        transaction.create(opened.path, opened.to_document())
        if latest is not None:  # its end is no news any more
            transaction.update(latest.path, Incident.fields(settled=True))
    transaction.set(noted.path, noted.to_document())
    return "opened", opened.id


def _read(transaction: Transaction, fingerprint: str, epoch: int) -> tuple[Subject | None, Incident | None]:
    """The fingerprint's document and its latest incident; no incident of another epoch."""
    document = transaction.get(subject_path(fingerprint))
    if document is None:
        return None, None
    subject = Subject.from_document(document)
    found = transaction.get(incident_path(subject.latest))
    if found is None or subject.epoch != epoch:
        return replace(subject, opened=[]), None
    return subject, Incident.from_document(found)


def _update(runtime: Runtime, incident: Incident, change: Callable[[Incident], Incident]) -> Incident | None:
    """Change an open incident as it is in the store now; None for one resolved meanwhile."""

    def body(transaction: Transaction) -> Incident | None:
        document = transaction.get(incident.path)
        current = None if document is None else Incident.from_document(document)
        if current is None or not current.is_open:
            return None
        after = change(current)
        transaction.set(after.path, after.to_document())
        return after

    return runtime.state.transaction(body)
