"""The life cycle of an incident, as functions of what was seen and when.

open --seen--> open --green, or no longer found--> resolved --seen--> another incident
  ^                                                   |
  +---------- seen the third time within 2 h ---------+     (flapping: resolved after 1 h of green)
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from shared.operations.incidents.records import Incident, Subject, incident_id, incident_path, subject_path
from shared.operations.incidents.sightings import Sighting

# A third opening within so long is flapping; so long must a flapping one be green to be resolved.
FLAP_OPENINGS, FLAP_WINDOW, FLAP_QUIET = 3, timedelta(hours=2), timedelta(hours=1)
# A season and a summer; then the deployed store deletes it. The warehouse keeps its rows.
KEPT = timedelta(days=400)
OPENED, RESOLVED, REOPENED = "opened", "resolved", "reopened"


def open_incident(
    sighting: Sighting, subject: Subject | None, previous: Incident | None, now: datetime, epoch: int
) -> Incident:
    """The incident of what was seen while none of its fingerprint is open.

    That is the one before, once more, where it has opened too often of late. A mute goes on, and
    who was told of the one before is known: no more than a message an hour about both.
    """
    if subject is not None and previous is not None and len(_recent(subject, now)) + 1 >= FLAP_OPENINGS:
        return _reopen(previous, sighting, len(_recent(subject, now)) + 1, now)
    number = 1 if subject is None else subject.number + 1
    fresh = Incident(
        path=incident_path(incident_id(sighting.fingerprint, number)),
        check=sighting.check,
        subject=sighting.subject,
        number=number,
        epoch=epoch,
        severity=sighting.severity,
        severity_since=now,
        says=sighting.says,
        detail=sighting.detail,
        next_step=sighting.next_step,
        figures=sighting.figures,
        game_date=sighting.game_date,
        opened_at=now,
        last_seen_at=now,
        by_alert=sighting.by_alert,
        count=sighting.count,
        turns=[{"change": OPENED, "at": now}],
    )
    if previous is None:
        return fresh
    channels = {name: {**last, "number": 0} for name, last in previous.channels.items()}
    muted = previous.muted_until is not None and previous.muted_until > now
    return replace(
        fresh,
        previous=previous.id,
        channels=channels,
        muted_by=previous.muted_by if muted else "",
        muted_why=previous.muted_why if muted else "",
        muted_until=previous.muted_until if muted else None,
        muted_severity=previous.muted_severity if muted else None,
    )


def _reopen(incident: Incident, sighting: Sighting, openings: int, now: datetime) -> Incident:
    again = replace(
        incident,
        openings=max(openings, incident.openings + 1),
        resolved_at=None,
        resolution="",
        settled=False,
        rows_due=True,
        expires_at=None,
        turns=[*incident.turns, {"change": REOPENED, "at": now}],
    )
    return see_again(again, sighting, now)


def note_opening(sighting: Sighting, incident: Incident, subject: Subject | None, now: datetime) -> Subject:
    """The fingerprint's document once its incident is opened."""
    recent = [] if subject is None else _recent(subject, now)
    return Subject(
        path=subject_path(sighting.fingerprint),
        fingerprint=sighting.fingerprint,
        number=incident.number,
        latest=incident.id,
        epoch=incident.epoch,
        opened=[*recent, now],
        expires_at=now + KEPT,
    )


def _recent(subject: Subject, now: datetime) -> list[datetime]:
    """Openings within the window, as far as they matter."""
    return [at for at in subject.opened if now - FLAP_WINDOW < at <= now][-FLAP_OPENINGS:]


def see_again(incident: Incident, sighting: Sighting, now: datetime) -> Incident:
    """An open incident that was seen once more, in the words of now; its severity only rises."""
    worse = sighting.severity.rank > incident.severity.rank
    return replace(
        incident,
        severity=sighting.severity if worse else incident.severity,
        severity_since=now if worse else incident.severity_since,
        says=sighting.says,
        detail=sighting.detail or incident.detail,
        next_step=sighting.next_step or incident.next_step,
        figures=sighting.figures or incident.figures,
        game_date=sighting.game_date or incident.game_date,
        last_seen_at=now,
        by_alert=incident.by_alert and sighting.by_alert,
        count=incident.count + sighting.count,
        green_since=None,
    )


def see_green(incident: Incident, now: datetime, resolution: str) -> Incident:
    """An open incident whose check ran and does not find it any more."""
    if incident.is_flapping:
        since = incident.green_since or now
        if now - since < FLAP_QUIET:
            return replace(incident, green_since=since)
    return resolve(incident, now, resolution)


def resolve(incident: Incident, now: datetime, resolution: str) -> Incident:
    """The incident, resolved. One that nobody can have been told of is settled with it."""
    momentary = incident.opened_at == now and not incident.channels
    return replace(
        incident,
        resolved_at=now,
        resolution=resolution,
        settled=momentary,
        rows_due=True,
        turns=[*incident.turns, {"change": RESOLVED, "at": now}],
        expires_at=now + KEPT,
    )


def leave(incident: Incident, now: datetime, resolution: str) -> Incident:
    """The incident, resolved without a message."""
    return replace(resolve(incident, now, resolution), settled=True)
