"""The state store does not answer for half an hour: people are told without it, and what died
meanwhile is published again by one button.
"""

from __future__ import annotations

import pytest

from shared.core.severity import Severity
from tests.pipeline.nights.night import Night
from tests.pipeline.nights.operator import Operator
from tests.pipeline.nights.story import (
    incident_of,
    press,
    read_audit,
    read_command,
    read_end,
    read_page,
    read_sentence,
)

pytestmark = pytest.mark.heavy  # a night is played
WHY = "the state store is back"
LOST = "the connection was lost."


def test_what_died_while_the_state_store_was_down_is_redriven(night: Night, operator: Operator) -> None:
    night.until(6, 58)
    night.take_state_down(minutes=30)
    night.until(7, 16)
    (posted,) = night.list_posts()
    assert posted.splitlines()[0].strip("*") == "CRITICAL: state-store state"
    assert f"The state store does not answer: {LOST}" in posted
    assert "Next: nothing to press while it is down" in posted
    assert night.list_mails() == ["CRITICAL: state-store state"]
    night.note("delivered", posted)
    read_pages_without_state(night, operator)
    night.until(7, 46)
    incident = incident_of(night, "state-store:state")
    assert (incident.severity, incident.is_open) == (Severity.CRITICAL, True)
    assert incident.says.startswith("the state store answers again; 4 messages died while it did not")
    assert "3 to batch_sweep, 1 to phase1_scrape" in incident.says
    assert incident.next_step.startswith("./nba redrive --reason max_delivery_attempts")
    followers = {each.fingerprint for each in night.incidents()} - {incident.fingerprint}
    assert {"schedules:overnight-predictions", f"batch-opened:{night.day}"} <= followers
    assert len(night.list_posts()) == 1
    read_sentence(night, operator, incident, "nothing; a dead letter waits for a person")
    read_command(night, operator, incident)
    pressed = press(night, operator, read_page(night, operator, incident, "Redrive them"), WHY)
    assert "Publishes 4 dead letters once more" in pressed.preview
    night.until(8, 1)
    read_end(night, operator, incident)
    row = read_audit(night, operator, WHY, of="nba-phase1-trigger")
    assert (row["action"], row["outcome"]) == ("redrive", "published to nba-phase1-trigger")


def read_pages_without_state(night: Night, operator: Operator) -> None:
    """Today says what it cannot show, the other pages and the command say why, in a sentence."""
    today = operator.open("/")
    assert f"Where the dates stand cannot be shown: {LOST}" in today.text
    assert f"Alerts cannot be shown: {LOST}" in today.text
    assert "Tonight's picks" in today.text
    for path in ("/alerts", "/grid", "/queues", "/actions/redrive?all=true"):
        assert LOST in operator.open(path, status=503).text
    health, alerts = operator.command("health"), operator.command("alerts")
    assert (health.code, alerts.code) == (2, 2)
    assert LOST in health.out
    assert LOST in alerts.err
    night.note("page while it is down", today.text[:400])
    night.note("./nba alerts while it is down", alerts.err.strip())
