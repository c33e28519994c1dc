"""The state store down: one message an hour, and an incident once it is back, which then ends."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from shared.core.errors import StoreUnavailable
from shared.core.settings import Settings
from shared.core.severity import Severity
from shared.operations.incidents.delivering import deliver
from shared.operations.incidents.observing import observe
from shared.operations.incidents.outage import announce_outage, recover_outages
from shared.operations.levels import Finding, Level
from shared.stores.runtime import Runtime
from tests.support.alert_receivers import Hook, hook
from tests.support.embedded import START, ManualClock
from tests.unit.operations.incidents.incident_cases import green_finding, incidents

CHECK = "state-store"
DOWN = Finding(
    CHECK, "firestore", Level.RED, "The state store gives no answer.", "look at its status.", severity=Severity.CRITICAL
)


class Down:
    """A state store that does not answer."""

    def __getattr__(self, name: str) -> Any:
        raise StoreUnavailable("the state store gives no answer")


@pytest.fixture
def slack() -> Iterator[Hook]:
    with hook() as receiver:
        yield receiver


def titles(receiver: Hook) -> list[str]:
    return [json.loads(body)["text"].splitlines()[0] for _, _, body in receiver.posts]


def test_people_are_told_once_an_hour_and_of_its_end(runtime: Runtime, slack: Hook, clock: ManualClock) -> None:
    up = replace(runtime, settings=Settings(slack_webhook=slack.address))
    down = replace(up, state=Down())
    assert announce_outage(down, DOWN) == ("slack",)
    for _ in range(2):
        clock.move(minutes=15)
        assert announce_outage(down, DOWN) == ()
    assert titles(slack) == ["*CRITICAL: state-store firestore*"]
    clock.move(minutes=5)
    (name,) = recover_outages(up)
    assert recover_outages(up) == ()
    assert observe(up, [green_finding("firestore", check=CHECK)], {CHECK}).resolved == (name,)
    deliver(up)
    assert len(slack.posts) == 1
    clock.move(minutes=25)
    deliver(up)
    assert titles(slack)[1:] == ["*RESOLVED: state-store firestore*"]
    assert "From 07:00 to 07:35 New York (35 min): its check is green again." in json.loads(slack.posts[1][2])["text"]
    (incident,) = incidents(up)
    assert (incident.opened_at, incident.settled) == (START, True)


def test_a_longer_one_is_one_incident_with_a_message_an_hour(runtime: Runtime, slack: Hook, clock: ManualClock) -> None:
    up = replace(runtime, settings=Settings(slack_webhook=slack.address))
    for _ in range(13):  # three hours
        announce_outage(replace(up, state=Down()), DOWN)
        clock.move(minutes=15)
    assert len(slack.posts) == 4
    recover_outages(up)
    (incident,) = incidents(up)
    assert (incident.count, incident.opened_at, incident.is_open) == (4, START, True)
    clock.move(days=5)
    assert recover_outages(up) == ()


def test_two_runs_at_once_send_one_and_a_dead_channel_raises_nothing(runtime: Runtime, slack: Hook) -> None:
    up = replace(runtime, settings=Settings(slack_webhook=slack.address))
    slack.statuses = [500]
    assert announce_outage(up, DOWN) == ()
    assert announce_outage(up, DOWN) == ()
    assert len(slack.posts) == 1
