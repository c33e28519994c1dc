"""Messages as real receivers get them: once an hour, recorded first, sent again where refused."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from shared.core.errors import ConfigError, NotFound
from shared.core.settings import Settings
from shared.core.severity import Severity
from shared.operations.actions.signature import Signature
from shared.operations.incidents import acting
from shared.operations.incidents.deliveries import Delivery, DeliveryStatus
from shared.operations.incidents.delivering import Delivered, deliver
from shared.operations.incidents.observing import list_unsettled, observe
from shared.operations.incidents.proving import delivery_findings, send_test
from shared.operations.incidents.reading import incidents_since, open_incidents, read_incident
from shared.operations.levels import Finding, Level
from shared.stores.runtime import Runtime
from tests.support.alert_receivers import PASSWORD, USER, Hook, MailBox, hook, mail_box
from tests.support.embedded import ManualClock
from tests.unit.operations.incidents.incident_cases import CHECK, CountingState, green_finding, incidents, red_finding

KEY = "0123456789abcdef0123456789abcdef"
ADA = Signature("ada", "on it")


@pytest.fixture
def slack() -> Iterator[Hook]:
    with hook() as receiver:
        yield receiver


@pytest.fixture
def alerted(runtime: Runtime, slack: Hook) -> Runtime:
    """The runtime with Slack set."""
    return replace(runtime, settings=Settings(slack_webhook=slack.address))


def texts(receiver: Hook) -> list[str]:
    return [json.loads(body)["text"] for _, _, body in receiver.posts]


def titles(receiver: Hook) -> list[str]:
    return [text.splitlines()[0].strip("*") for text in texts(receiver)]


def look(runtime: Runtime, *findings: Finding, checks: set[str] | None = None) -> Delivered:
    """A run of the monitor."""
    observe(runtime, findings, checks or {CHECK})
    return deliver(runtime)


def deliveries(runtime: Runtime) -> list[Delivery]:
    return [Delivery.from_document(each) for each in runtime.state.query("deliveries")]


def test_opened_still_and_resolved_as_they_arrive(alerted: Runtime, slack: Hook, clock: ManualClock) -> None:
    finding = red_finding(severity=Severity.CRITICAL, figures={"have": 0, "should": 146}, next_step="publish it again.")
    for _ in range(5):  # 07:00 to 08:00 in New York
        look(alerted, finding)
        clock.move(minutes=15)
    for _ in range(3):
        look(alerted, green_finding())
        clock.move(minutes=15)
    (incident,) = incidents(alerted)
    assert texts(slack) == [
        "*CRITICAL: consolidation 2025-11-14*\n"
        "0 of 146 rows are in place.\n"
        "Figures: have 0, should 146.\n"
        "Since 07:00 New York (0 min), seen once.\n"
        "By itself: nothing; the monitor looks again at 07:15. It is resolved once its check finds it no more.\n"
        "Next: publish it again.\n"
        f"Incident {incident.id}",
        "*STILL CRITICAL: consolidation 2025-11-14*\n"
        "0 of 146 rows are in place.\n"
        "Figures: have 0, should 146.\n"
        "Since 07:00 New York (1 h 0 min), seen 5 times.\n"
        "By itself: nothing; the monitor looks again at 08:15. It is resolved once its check finds it no more.\n"
        "Next: publish it again.\n"
        f"Incident {incident.id}",
    ]
    assert look(alerted, green_finding()) == Delivered(sent=(f"{incident.id}.slack.3",), settled=(incident.id,))
    assert texts(slack)[2] == (
        "*RESOLVED: consolidation 2025-11-14*\n"
        "0 of 146 rows are in place.\n"
        "Figures: have 0, should 146.\n"
        "From 07:00 to 08:15 New York (1 h 15 min): its check is green again.\n"
        f"Incident {incident.id}"
    )
    assert look(alerted, green_finding()) == Delivered()
    assert [each.status for each in deliveries(alerted)] == [DeliveryStatus.SENT] * 3
    detail = read_incident(alerted, incident.id)
    assert [each.id for each in detail.deliveries] == [f"{incident.id}.slack.{number}" for number in (1, 2, 3)]
    assert incidents_since(alerted, clock.now() - timedelta(hours=3)) == [detail.incident]
    assert open_incidents(alerted) == []
    with pytest.raises(NotFound, match="There is no incident"):
        read_incident(alerted, "incidents/x")


def test_ten_thousand_findings_are_one_message_with_few_writes(runtime: Runtime, alerted: Runtime, slack: Hook) -> None:
    state = CountingState(runtime.state)
    counted = replace(alerted, state=state)
    look(counted, *[red_finding(f"batch-{number}") for number in range(10_000)])
    assert titles(slack) == ["ERROR: consolidation many"]
    # observe: 1 query, 1 transaction; deliver: 2 queries, a transaction, the mark
    assert state.calls == {"query": 3, "transaction": 2, "update": 1}


def test_two_monitors_at_once_send_one_message(alerted: Runtime, slack: Hook) -> None:
    barrier = threading.Barrier(6)
    sent: list[Delivered] = []

    def run() -> None:
        barrier.wait()
        sent.append(look(alerted, red_finding()))

    threads = [threading.Thread(target=run) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(len(each.sent) for each in sent) == [0, 0, 0, 0, 0, 1]
    assert len(slack.posts) == 1
    assert len(incidents(alerted)) == 1


def test_many_incidents_at_once_are_one_message(alerted: Runtime, slack: Hook) -> None:
    look(alerted, *[red_finding(check=f"check-{number}") for number in range(6)], checks={"x"})
    assert titles(slack) == ["Several at once: 6 open, 0 resolved"]
    assert len(texts(slack)[0].splitlines()) == 7


def test_warnings_of_the_night_are_a_digest_in_the_morning(alerted: Runtime, slack: Hook, clock: ManualClock) -> None:
    clock.move(hours=16)  # 23:00 in New York
    warning = red_finding(severity=Severity.WARNING, says="1 of 9 games is late.")
    night = red_finding("2025-11-13", severity=Severity.WARNING)
    look(alerted, warning, night)
    clock.move(hours=4)
    look(alerted, warning, green_finding("2025-11-13"), red_finding("wakes", severity=Severity.CRITICAL))
    assert titles(slack) == ["CRITICAL: consolidation wakes"]
    clock.move(hours=4, minutes=59)
    look(alerted, warning)
    assert len(slack.posts) == 2  # wakes is resolved
    clock.move(minutes=1)
    look(alerted, warning)
    assert texts(slack)[2] == (
        "*Morning digest: 1 open, 1 resolved*\n"
        "- WARNING consolidation 2025-11-14: 1 of 9 games is late.\n"
        "- RESOLVED consolidation 2025-11-13: 0 of 146 rows are in place."
    )
    assert [each.subject for each in list_unsettled(alerted)] == ["2025-11-14"]
    clock.move(hours=23, minutes=59)
    look(alerted, warning)
    assert len(slack.posts) == 3
    clock.move(minutes=1)  # an open warning is in every morning's
    look(alerted, warning)
    assert titles(slack)[3] == "Morning digest: 1 open, 0 resolved"


def test_a_flapping_one_is_no_more_than_a_message_an_hour(alerted: Runtime, slack: Hook, clock: ManualClock) -> None:
    clock.move(hours=4)
    for _ in range(8):  # four hours
        look(alerted, red_finding())
        clock.move(minutes=15)
        look(alerted, green_finding())
        clock.move(minutes=15)
    # the first incident's end is no news once the second has begun
    second = incidents(alerted)[1]
    assert titles(slack) == ["ERROR: consolidation 2025-11-14"] * 2
    assert texts(slack)[1] == (
        "*ERROR: consolidation 2025-11-14*\n"
        "0 of 146 rows are in place.\n"
        "Since 11:30 New York (30 min), seen 2 times.\n"
        "It flaps: opened 3 times in 2 h.\n"
        "By itself: nothing; the monitor looks again at 12:15."
        " It is resolved once its check has been green for an hour.\n"
        "Next: look at it.\n"
        f"Incident {second.id}"
    )


# --- receivers that fail --------------------------------------------------------------------------


def test_a_refused_message_is_sent_again_the_same_with_a_back_off(
    alerted: Runtime, slack: Hook, clock: ManualClock
) -> None:
    slack.statuses = [503, 503, 200]
    (name,) = look(alerted, red_finding()).failed
    assert delivery_findings(alerted)[0] == Finding(
        "delivery",
        "slack",
        Level.YELLOW,
        "slack has not taken 1 message, the oldest for 0 min: slack answered 503: ok. Next: look at slack's address"
        " and what it says.",
        "mend it, then ./nba alerts test slack; what waits is sent by itself.",
        {"waiting": 1},
        Severity.ERROR,
    )
    assert look(alerted, red_finding()) == Delivered()  # not due yet
    clock.move(minutes=5)
    assert look(alerted, red_finding()).failed == (name,)
    clock.move(minutes=5)
    assert look(alerted, red_finding()) == Delivered()
    clock.move(minutes=5)
    assert look(alerted, red_finding()).sent == (name,)
    assert len({body for _, _, body in slack.posts}) == 1
    assert {headers["Idempotency-Key"] for _, headers, _ in slack.posts} == {name}
    assert delivery_findings(alerted)[0].level is Level.GREEN
    # the hour begins with its arrival
    clock.move(minutes=59)
    look(alerted, green_finding())
    assert len(slack.posts) == 3
    clock.move(minutes=1)
    look(alerted, green_finding())
    assert titles(slack)[3].startswith("RESOLVED")


def test_a_receiver_that_asks_to_wait_is_waited_for(alerted: Runtime, slack: Hook, clock: ManualClock) -> None:
    slack.statuses, slack.headers = [429, 200], {"Retry-After": "1800"}
    look(alerted, red_finding())
    clock.move(minutes=29)
    assert look(alerted, red_finding()) == Delivered()
    clock.move(minutes=1)
    assert look(alerted, red_finding()).sent


def test_a_dead_channel_is_left_alone_after_one_attempt_and_stops_no_other(
    runtime: Runtime, clock: ManualClock, slack: Hook
) -> None:
    with hook() as gone:
        address = gone.address
    settings = Settings(slack_webhook=address, alert_webhook=slack.address, webhook_key=KEY)
    alerted = replace(runtime, settings=settings)
    done = look(alerted, red_finding(), red_finding("2025-11-13"), red_finding("2025-11-12"))
    assert (len(done.failed), len(done.sent)) == (1, 3)
    assert [json.loads(body)["kind"] for _, _, body in slack.posts] == ["opened"] * 3
    clock.move(hours=2)
    findings = delivery_findings(alerted)
    assert [(each.subject, each.level) for each in findings] == [("slack", Level.RED), ("webhook", Level.GREEN)]
    # its own failure is told by the other channel
    look(alerted, red_finding(), *findings, checks={"delivery"})
    assert json.loads(slack.posts[-1][2])["title"] == "ERROR: delivery slack"
    about = {name for each in deliveries(alerted) if each.channel == "slack" for name in each.incidents}
    assert {each.check for each in incidents(alerted) if each.id in about} == {CHECK}


def test_what_nobody_takes_for_a_day_is_given_up_and_what_is_over_is_not_sent_late(
    alerted: Runtime, slack: Hook, clock: ManualClock
) -> None:
    slack.statuses = [500]
    look(alerted, red_finding(severity=Severity.INFO), red_finding("2025-11-13"))
    clock.move(hours=1)
    look(alerted, green_finding("2025-11-13"))
    assert {each.status for each in deliveries(alerted)} == {DeliveryStatus.SUPERSEDED, DeliveryStatus.PENDING}
    clock.move(hours=25)
    slack.statuses = [200]
    look(alerted)
    found = {each.status for each in deliveries(alerted)}
    assert found == {DeliveryStatus.SUPERSEDED, DeliveryStatus.GIVEN_UP}
    assert list_unsettled(alerted) == []


def test_a_message_of_a_channel_that_is_not_set_any_more_is_given_up(
    runtime: Runtime, alerted: Runtime, slack: Hook
) -> None:
    slack.statuses = [500]
    look(alerted, red_finding())
    assert deliver(runtime) == Delivered()
    assert [each.status for each in deliveries(runtime)] == [DeliveryStatus.GIVEN_UP]


def test_a_crash_between_sending_and_marking_sends_again_under_the_same_id(
    alerted: Runtime, slack: Hook, clock: ManualClock
) -> None:
    class Dying(CountingState):
        def __getattr__(self, name: str) -> Any:
            if name == "update":
                raise RuntimeError("the process died here")
            return super().__getattr__(name)

    observe(alerted, [red_finding()], {CHECK})
    with pytest.raises(RuntimeError, match="died"):
        deliver(replace(alerted, state=Dying(alerted.state)))
    assert deliver(alerted) == Delivered()
    clock.move(minutes=5)
    (name,) = deliver(alerted).sent
    assert [headers["Idempotency-Key"] for _, headers, _ in slack.posts] == [name, name]


# --- people ---------------------------------------------------------------------------------------


def test_a_critical_one_is_escalated_unless_somebody_acknowledges(
    runtime: Runtime, slack: Hook, clock: ManualClock, tmp_path: Path
) -> None:
    critical = red_finding(severity=Severity.CRITICAL)
    with mail_box(tmp_path) as box:
        alerted = replace(runtime, settings=mail_settings(slack, box))
        look(alerted, critical)
        clock.move(minutes=29)
        look(alerted, critical)
        assert (len(slack.posts), len(box.mails)) == (1, 0)
        clock.move(minutes=1)
        look(alerted, critical)
        assert len(slack.posts) == 1
        assert [mail["Subject"] for mail in box.mails] == ["CRITICAL: consolidation 2025-11-14"]
        assert "Nobody has acknowledged it within 30 min" in box.mails[0].get_content()
        (incident,) = incidents(alerted)
        acting.acknowledge(alerted, [incident.id], ADA)
        clock.move(hours=5)
        look(alerted, critical)
        assert (len(slack.posts), len(box.mails)) == (1, 1)
        look(alerted, green_finding())
        assert titles(slack)[1:] == ["RESOLVED: consolidation 2025-11-14"]
        assert box.mails[1]["Subject"] == "RESOLVED: consolidation 2025-11-14"
        look(alerted, replace(critical, subject="2025-11-15"))
        (other,) = open_incidents(alerted)
        acting.acknowledge(alerted, [other.id], ADA)
        clock.move(hours=1)
        look(alerted, replace(critical, subject="2025-11-15"))
        assert len(box.mails) == 2


def test_the_next_channel_is_sent_it_at_once_where_the_first_fails(
    runtime: Runtime, slack: Hook, clock: ManualClock, tmp_path: Path
) -> None:
    slack.statuses = [500]
    with mail_box(tmp_path) as box:
        alerted = replace(runtime, settings=mail_settings(slack, box))
        look(alerted, red_finding(severity=Severity.CRITICAL))
        assert not box.mails
        clock.move(minutes=1)
        look(alerted, red_finding(severity=Severity.CRITICAL))
        assert len(box.mails) == 1


def mail_settings(slack: Hook, box: MailBox) -> Settings:
    return Settings(
        slack_webhook=slack.address,
        smtp_host="localhost",
        smtp_port=box.port,
        smtp_user=USER,
        smtp_password=PASSWORD,
        email_from="nba@example.com",
        email_to="ada@example.com",
        alert_ca_file=box.ca_file,
    )


def test_what_is_muted_is_not_sent_until_the_mute_ends(alerted: Runtime, slack: Hook, clock: ManualClock) -> None:
    (name,) = observe(alerted, [red_finding()], {CHECK}).opened
    acting.mute(alerted, [name], clock.now() + timedelta(hours=2), ADA)
    look(alerted, red_finding())
    assert slack.posts == []
    clock.move(hours=2)
    look(alerted, red_finding())
    assert titles(slack) == ["ERROR: consolidation 2025-11-14"]


def test_what_opens_and_is_resolved_in_one_look_is_no_message(alerted: Runtime, slack: Hook) -> None:
    observe(alerted, [red_finding()], {CHECK})
    look(alerted, green_finding())
    assert (slack.posts, list_unsettled(alerted)) == ([], [])


# --- settings and tests ---------------------------------------------------------------------------


def test_a_web_hook_is_sent_json_with_all_that_is_known(runtime: Runtime, slack: Hook, clock: ManualClock) -> None:
    settings = Settings(alert_webhook=slack.address, webhook_key=KEY, dashboard_url="https://ops.example.com")
    alerted = replace(runtime, settings=settings)
    clock.move(hours=1)  # 08:00 in New York, where an info is sent
    look(alerted, red_finding(severity=Severity.INFO, figures={"have": 0}, next_step="look"))
    (incident,) = incidents(alerted)
    ((_, headers, body),) = slack.posts
    content = json.loads(body)
    assert content.pop("text").startswith("0 of 146 rows are in place.\nFigures: have 0.\n")
    assert content == {
        "id": f"{incident.id}.webhook.1",
        "kind": "opened",
        "severity": "info",
        "title": "INFO: consolidation 2025-11-14",
        "recorded_at": "2025-11-14T13:00:00+00:00",
        "incidents": [
            {
                "id": incident.id,
                "change": "opened",
                "url": f"https://ops.example.com/alerts/{incident.id}",
                "check": "consolidation",
                "subject": "2025-11-14",
                "severity": "info",
                "says": "0 of 146 rows are in place.",
                "detail": "",
                "next_step": "look",
                "figures": {"have": 0},
                "game_date": None,
                "opened_at": "2025-11-14T13:00:00+00:00",
                "last_seen_at": "2025-11-14T13:00:00+00:00",
                "resolved_at": None,
                "resolution": "",
                "count": 1,
                "openings": 1,
                "previous": "",
                "acknowledged_by": "",
            }
        ],
    }
    assert headers["X-Alert-Id"] == content["id"]


def test_wrong_settings_are_findings_and_the_defaults_are_used(
    runtime: Runtime, slack: Hook, clock: ManualClock
) -> None:
    settings = Settings(
        slack_webhook=slack.address, alert_channels="pager:all", quiet_hours="late", smtp_host="localhost"
    )
    alerted = replace(runtime, settings=settings)
    found = {each.subject: each for each in delivery_findings(alerted)}
    levels = {subject: each.level for subject, each in found.items()}
    assert levels == {
        "ALERT_CHANNELS": Level.RED,
        "QUIET_HOURS": Level.RED,
        "email": Level.RED,
        "slack": Level.GREEN,
    }
    assert found["email"].says == "email cannot be used: EMAIL_FROM has '', no address."
    assert look(alerted, red_finding()).sent
    (nothing,) = delivery_findings(runtime)
    assert (nothing.level, nothing.subject) == (Level.GREEN, "channels")


def test_a_test_proves_a_channel_and_is_recorded(alerted: Runtime, slack: Hook) -> None:
    proved = send_test(alerted, "slack")
    assert (proved.arrived, texts(slack)) == (
        True,
        ["*TEST: a message of the NBA pipeline*\nSent 07:00 New York. Nothing is wrong."],
    )
    (recorded,) = deliveries(alerted)
    assert (recorded.id, recorded.status, recorded.pending) == (proved.delivery, DeliveryStatus.SENT, False)
    for channel, what in (("email", "not set"), ("pager", "none of slack, email, webhook")):
        with pytest.raises(NotFound, match=f"is {what}"):
            send_test(alerted, channel)
    with pytest.raises(ConfigError, match="EMAIL_FROM"):
        send_test(replace(alerted, settings=Settings(smtp_host="localhost")), "email")


def test_a_test_that_fails_says_why_and_is_not_sent_again(alerted: Runtime, slack: Hook, clock: ManualClock) -> None:
    slack.statuses = [404]
    proved = send_test(alerted, "slack")
    assert (proved.arrived, proved.says) == (
        False,
        "slack answered 404: ok. Next: look at slack's address and what it says.",
    )
    clock.move(hours=1)
    assert deliver(alerted) == Delivered()
    assert delivery_findings(alerted)[0].level is Level.GREEN
