"""Which channel is owed what, and when: severity, the hour, quiet hours with both DST nights,
escalation.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta

import pytest

from shared.core.errors import ConfigError
from shared.core.severity import Severity
from shared.operations.incidents.deliveries import Kind, wait_after
from shared.operations.incidents.planning import Owed, plan_message
from shared.operations.incidents.quiet import QuietHours
from shared.operations.incidents.records import Incident
from shared.operations.incidents.routes import Route, parse_routes

# 12:00 and 02:00 in New York
NOON = datetime(2025, 11, 14, 17, 0, tzinfo=UTC)
NIGHT = datetime(2025, 11, 15, 7, 0, tzinfo=UTC)
MORNING = datetime(2025, 11, 15, 13, 0, tzinfo=UTC)
QUIET = QuietHours.parse("23:00-08:00")
SLACK, EMAIL = Route("slack", Severity.WARNING), Route("email", None, 1)
HOUR = timedelta(hours=1)


def make(severity: Severity, at: datetime = NOON, **changes: object) -> Incident:
    incident = Incident(
        check="latency",
        subject="2025-11-14",
        number=1,
        epoch=1,
        severity=severity,
        severity_since=at,
        says="late",
        opened_at=at,
        last_seen_at=at,
        count=1,
        turns=[{"change": "opened", "at": at}],
    )
    return replace(incident, **changes)  # type: ignore[arg-type]  # fields of Incident


def mark_sent(incident: Incident, at: datetime, kind: Kind = Kind.OPENED, channel: str = "slack") -> Incident:
    last = {"at": at, "kind": kind.value, "number": 1, "severity": incident.severity.value, "delivery": "x"}
    return replace(incident, channels={channel: last})


# --- quiet hours ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("moment", "expected", "end"),
    [
        ("2025-11-14T03:59Z", False, "2025-11-14T13:00Z"),
        ("2025-11-14T04:00Z", True, "2025-11-14T13:00Z"),
        ("2025-11-14T12:59Z", True, "2025-11-14T13:00Z"),
        ("2025-11-14T13:00Z", False, "2025-11-15T13:00Z"),
        # the clock goes back at 06:00Z on November 2: eight in the morning is an hour later in UTC
        ("2025-11-02T03:30Z", True, "2025-11-02T13:00Z"),
        ("2025-11-02T12:30Z", True, "2025-11-02T13:00Z"),
        ("2025-11-01T11:59Z", True, "2025-11-01T12:00Z"),
        # and forward at 07:00Z on March 8
        ("2026-03-08T04:30Z", True, "2026-03-08T12:00Z"),
        ("2026-03-08T12:00Z", False, "2026-03-09T12:00Z"),
        ("2026-03-07T12:59Z", True, "2026-03-07T13:00Z"),
    ],
)
def test_quiet_hours_are_by_the_clock_on_the_wall(moment: str, expected: bool, end: str) -> None:
    at = datetime.fromisoformat(moment)
    assert QUIET.contains(at) is expected
    assert QUIET.next_end(at) == datetime.fromisoformat(end)
    assert QUIET.after(at) == (datetime.fromisoformat(end) if expected else at)


def test_quiet_hours_that_end_in_an_hour_that_is_not_there_or_is_there_twice() -> None:
    hours = QuietHours.parse("01:00-02:30")
    gap, twice = datetime(2026, 3, 8, 6, 30, tzinfo=UTC), datetime(2025, 11, 2, 5, 45, tzinfo=UTC)
    assert hours.contains(gap)
    assert hours.next_end(gap) == datetime(2026, 3, 8, 7, 30, tzinfo=UTC)
    assert hours.contains(twice)
    assert hours.next_end(twice) == datetime(2025, 11, 2, 7, 30, tzinfo=UTC)


def test_hours_within_a_day_and_none() -> None:
    assert QuietHours.parse("12:00-14:00") == QuietHours(time(12), time(14))
    assert QuietHours.parse("12:00-14:00").contains(NOON)
    assert not QuietHours.parse("").contains(NIGHT)
    assert QuietHours.parse(" ").next_end(NIGHT) == MORNING
    for wrong in ("23-8", "24:00-08:00", "23:00-08:60", "x"):
        with pytest.raises(ConfigError, match="QUIET_HOURS="):
            QuietHours.parse(wrong)


# --- routes ---------------------------------------------------------------------------------------


def test_routes_are_those_of_configured_channels_in_order() -> None:
    text = "slack:warning, email:escalation, webhook:info"
    assert parse_routes(text, ("webhook", "email", "slack")) == (
        Route("slack", Severity.WARNING),
        Route("email", None, 1),
        Route("webhook", Severity.INFO),
    )
    assert parse_routes(text, ()) == ()
    # somebody is told in any case
    assert parse_routes(text, ("email",)) == (Route("email", Severity.WARNING),)
    assert (
        parse_routes("email:escalation, slack:escalation, webhook:error", ("email", "slack", "webhook"))[1].steps == 2
    )


@pytest.mark.parametrize("text", ["", "slack", "slack:loud", "pager:error", "slack:info, slack:error", "slack:info,"])
def test_a_wrong_route_is_named(text: str) -> None:
    with pytest.raises(ConfigError, match="ALERT_CHANNELS has"):
        parse_routes(text, ("slack",))


# --- what is owed ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("severity", "at", "expected"),
    [
        (Severity.INFO, NOON, None),
        (Severity.WARNING, NOON, Owed(Kind.OPENED, NOON, digest=False)),
        (Severity.WARNING, NIGHT, Owed(Kind.OPENED, MORNING, digest=True)),
        (Severity.ERROR, NIGHT, Owed(Kind.OPENED, NIGHT, digest=False)),
        (Severity.CRITICAL, NIGHT, Owed(Kind.OPENED, NIGHT, digest=False)),
    ],
)
def test_a_fresh_incident_by_severity_and_hour(severity: Severity, at: datetime, expected: Owed | None) -> None:
    assert plan_message(make(severity, at), SLACK, QUIET, at) == expected


def test_a_critical_one_goes_to_the_next_channel_after_half_an_hour() -> None:
    incident = make(Severity.CRITICAL)
    later = NOON + timedelta(minutes=30)
    assert plan_message(incident, EMAIL, QUIET, NOON) == Owed(Kind.ESCALATED, later, digest=False)
    assert plan_message(incident, replace(EMAIL, steps=2), QUIET, NOON) == Owed(
        Kind.ESCALATED, NOON + HOUR, digest=False
    )
    # at once, where the first channel takes nothing
    assert plan_message(incident, EMAIL, QUIET, NOON, failing=True) == Owed(Kind.ESCALATED, NOON, digest=False)
    known = replace(incident, acknowledged_at=NOON, acknowledged_severity=Severity.CRITICAL)
    assert plan_message(known, EMAIL, QUIET, NOON) is None
    assert plan_message(make(Severity.ERROR), EMAIL, QUIET, NOON) is None


@pytest.mark.parametrize(
    ("severity", "expected"),
    [
        (Severity.CRITICAL, Owed(Kind.STILL, NOON + HOUR, digest=False)),
        (Severity.ERROR, Owed(Kind.STILL, NOON + 4 * HOUR, digest=False)),
        (Severity.WARNING, Owed(Kind.STILL, MORNING, digest=True)),
        (Severity.INFO, None),
    ],
)
def test_a_reminder_until_somebody_acknowledges(severity: Severity, expected: Owed | None) -> None:
    incident = mark_sent(make(severity), NOON)
    assert plan_message(incident, SLACK, QUIET, NOON) == expected
    known = replace(incident, acknowledged_at=NOON, acknowledged_severity=severity)
    assert plan_message(known, SLACK, QUIET, NOON) is None
    if severity is not Severity.CRITICAL:
        worse = replace(known, severity=Severity.CRITICAL, severity_since=NOON + timedelta(minutes=15))
        assert plan_message(worse, SLACK, QUIET, NOON) == Owed(Kind.STILL, NOON + HOUR, digest=False)


def test_the_end_is_sent_to_whoever_was_sent_the_beginning_an_hour_after_it() -> None:
    incident = make(Severity.ERROR, resolved_at=NOON + timedelta(minutes=15))
    assert plan_message(incident, SLACK, QUIET, NOON) is None
    assert plan_message(mark_sent(incident, NOON), SLACK, QUIET, NOON) == Owed(Kind.RESOLVED, NOON + HOUR, digest=False)
    assert plan_message(mark_sent(incident, NOON), EMAIL, QUIET, NOON) is None
    assert plan_message(mark_sent(incident, NOON, Kind.RESOLVED), SLACK, QUIET, NOON) is None
    warning = make(Severity.WARNING, resolved_at=NIGHT)
    assert plan_message(mark_sent(warning, NOON), SLACK, QUIET, NIGHT) == Owed(Kind.RESOLVED, MORNING, digest=True)
    # what came and went while nobody was told of it
    night = make(Severity.WARNING, NIGHT, resolved_at=NIGHT + HOUR)
    assert plan_message(night, SLACK, QUIET, NIGHT) == Owed(Kind.RESOLVED, MORNING, digest=True)


def test_the_next_opening_is_within_the_same_hour() -> None:
    before = {"slack": {"at": NOON, "kind": "opened", "number": 0, "severity": "error", "delivery": "x"}}
    again = make(Severity.ERROR, NOON + timedelta(minutes=30), channels=before)
    assert plan_message(again, SLACK, QUIET, NOON) == Owed(Kind.OPENED, NOON + HOUR, digest=False)


def test_a_flapping_one_that_was_called_resolved_is_called_open_again() -> None:
    turns = [{"change": "reopened", "at": NOON + timedelta(minutes=30)}]
    flapping = mark_sent(make(Severity.ERROR, openings=3, turns=turns), NOON, Kind.RESOLVED)
    assert plan_message(flapping, SLACK, QUIET, NOON) == Owed(Kind.STILL, NOON + HOUR, digest=False)


def test_nothing_is_owed_while_muted_unless_it_is_worse() -> None:
    muted = make(Severity.ERROR, muted_until=NOON + HOUR, muted_severity=Severity.ERROR)
    assert plan_message(muted, SLACK, QUIET, NOON) is None
    assert plan_message(muted, SLACK, QUIET, NOON + HOUR) is not None
    assert plan_message(replace(muted, severity=Severity.CRITICAL), SLACK, QUIET, NOON) is not None


def test_a_channel_that_fails_is_not_asked_to_say_so() -> None:
    broken = make(Severity.ERROR, check="delivery", subject="slack")
    assert plan_message(broken, SLACK, QUIET, NOON) is None
    assert plan_message(broken, Route("webhook", Severity.INFO), QUIET, NOON) is not None


def test_waits_double_within_bounds() -> None:
    assert [wait_after(attempts) // timedelta(minutes=5) for attempts in (1, 2, 3, 6, 7, 99)] == [1, 2, 4, 32, 48, 48]
