"""Alerts of functions become incidents by fingerprint, of the check that covers them."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from shared.chain.execution.alerts import alert
from shared.core.conditions import Condition
from shared.core.errors import ConfigError, StoreUnavailable
from shared.core.events import Event
from shared.core.pipeline import load_pipeline
from shared.core.severity import Severity
from shared.operations.incidents.observing import observe
from shared.operations.incidents.receiving import receive_alerts
from shared.operations.incidents.sightings import MANY
from shared.stores.ports import Publication
from shared.stores.runtime import Runtime
from tests.support.embedded import ManualClock
from tests.unit.operations.incidents.incident_cases import CountingState, green_finding, incidents, red_finding

PIPELINE = replace(
    load_pipeline(),
    conditions={
        "consolidation-failed": Condition("monitor", "consolidation"),
        "model": Condition("monitor"),
        "model-damaged": Condition("monitor"),
    },
)
SUBSCRIPTION = PIPELINE.pull_subscriptions[PIPELINE.alerts_topic]


def raise_alert(runtime: Runtime, fingerprint: str, severity: Severity = Severity.CRITICAL, **facts: Any) -> None:
    now = runtime.clock.now()
    raised = alert(
        fingerprint, severity, "Consolidation failed", "Staged 3. Next: read the log.", now, event=Event.DEFECT, **facts
    )
    runtime.bus.publish(raised.topic, raised.data.encode(), raised.attributes)


class CountingBus:
    """The bus with a count of its calls; `broken` is a method that finds no store."""

    def __init__(self, inner: Any, broken: str = "") -> None:
        self._inner, self._broken = inner, broken
        self.calls: Counter[str] = Counter()

    def __getattr__(self, name: str) -> Any:
        def call(*arguments: Any, **options: Any) -> Any:
            self.calls[name] += 1
            if name == self._broken:
                raise StoreUnavailable("no bus")
            return getattr(self._inner, name)(*arguments, **options)

        return call


def test_an_alert_is_of_the_check_that_covers_it(runtime: Runtime, clock: ManualClock) -> None:
    for batch in ("r1", "r2"):
        raise_alert(runtime, f"consolidation-failed-{batch}", game_date="2025-11-14", batch_id=batch, attempt=2)
    clock.move(minutes=1)
    received = receive_alerts(runtime, PIPELINE)
    assert (received.alerts, len(received.changes.opened)) == (2, 1)
    (incident,) = incidents(runtime)
    assert incident.fingerprint == "consolidation:2025-11-14"
    assert (incident.severity, incident.count, incident.game_date) == (Severity.CRITICAL, 2, date(2025, 11, 14))
    assert (incident.says, incident.detail) == ("Consolidation failed", "Staged 3.")
    assert incident.next_step == "read the log."
    assert incident.figures == {"batch_id": "r2", "attempt": 2}
    assert runtime.bus.pull(SUBSCRIPTION) == []
    clock.move(minutes=15)
    # the check may not look at the alert's date
    assert observe(runtime, [], {"consolidation"}).resolved == ()
    assert observe(runtime, [green_finding()], {"consolidation"}).resolved == (incident.id,)


def test_an_alert_that_the_check_has_found_itself_is_the_checks(runtime: Runtime, clock: ManualClock) -> None:
    raise_alert(runtime, "consolidation-failed-r1", game_date="2025-11-14")
    (name,) = receive_alerts(runtime, PIPELINE).changes.opened
    clock.move(minutes=15)
    assert observe(runtime, [red_finding()], {"consolidation"}).updated == (name,)
    assert observe(runtime, [], {"consolidation"}).resolved == (name,)


def test_the_longest_name_wins_and_what_has_none_is_its_own(runtime: Runtime) -> None:
    for fingerprint in ("model-damaged-b1-xgboost_v1", "model-x", "models-x", "sweep-outboxes"):
        raise_alert(runtime, fingerprint)
    receive_alerts(runtime, PIPELINE)
    found = {each.fingerprint for each in incidents(runtime)}
    assert found == {"model-damaged:b1-xgboost_v1", "model:x", "alert:models-x", "alert:sweep-outboxes"}


def test_ten_thousand_alerts_are_one_incident(runtime: Runtime) -> None:
    at = runtime.clock.now().isoformat()
    messages = []
    for number in range(10_000):
        content = {"fingerprint": f"sweep-{number}", "severity": "warning", "title": "x", "raised_at": at}
        messages.append(Publication(json.dumps(content).encode()))
    runtime.bus.publish_all(PIPELINE.alerts_topic, messages)
    state, bus = CountingState(runtime.state), CountingBus(runtime.bus)
    counted = replace(runtime, state=state, bus=bus)
    assert receive_alerts(counted, PIPELINE).alerts == 10_000
    (incident,) = incidents(runtime)
    assert (incident.subject, incident.count) == (MANY, 10_000)
    assert bus.calls == {"pull": 11, "ack": 10}
    assert state.calls == {"query": 10, "transaction": 10}


def test_an_alert_that_comes_again_opens_nothing_after_its_incident_was_resolved(
    runtime: Runtime, clock: ManualClock
) -> None:
    raise_alert(runtime, "consolidation-failed-r1", game_date="2025-11-14")
    broken = replace(runtime, bus=CountingBus(runtime.bus, "ack"))
    with pytest.raises(StoreUnavailable):
        receive_alerts(broken, PIPELINE)
    clock.move(minutes=5)
    observe(runtime, [green_finding()], {"consolidation"})
    clock.move(minutes=5)
    again = receive_alerts(runtime, PIPELINE)
    assert (again.alerts, again.changes.late) == (1, ("consolidation:2025-11-14",))
    assert [each.is_open for each in incidents(runtime)] == [False]
    raise_alert(runtime, "consolidation-failed-r1", game_date="2025-11-14")
    assert receive_alerts(runtime, PIPELINE).changes.opened


@pytest.mark.parametrize(
    "data",
    [
        b"no json",
        b"[]",
        b'{"fingerprint": "x"}',
        b"\xff",
        b"[" * 100_000,
        b'{"fingerprint": "x", "severity": "x"}',
    ],
)
def test_what_is_no_alert_is_an_incident_and_does_not_stop_the_others(runtime: Runtime, data: bytes) -> None:
    runtime.bus.publish(PIPELINE.alerts_topic, data)
    raise_alert(runtime, "sweep-x")
    assert receive_alerts(runtime, PIPELINE).alerts == 2
    found = {each.check: each for each in incidents(runtime)}
    assert found.keys() == {"unreadable-alert", "alert"}
    assert found["unreadable-alert"].says.startswith("A message is no alert: ")
    assert runtime.bus.pull(SUBSCRIPTION) == []


def test_a_topic_without_a_subscription_is_named(runtime: Runtime) -> None:
    with pytest.raises(ConfigError, match="nba-alerts has no pull subscription"):
        receive_alerts(runtime, replace(PIPELINE, pull_subscriptions={}))
