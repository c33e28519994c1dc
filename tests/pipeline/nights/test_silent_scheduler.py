"""A scheduler does not fire: the predictions of the night are asked for by nobody."""

from __future__ import annotations

import pytest

from shared.core.severity import Severity
from tests.pipeline.nights.night import Night
from tests.pipeline.nights.operator import Operator
from tests.pipeline.nights.story import (
    incident_of,
    press,
    read_alert,
    read_audit,
    read_command,
    read_end,
    read_page,
    read_sentence,
)

pytestmark = pytest.mark.heavy  # a night is played
SCHEDULE = "overnight-predictions"
WHY = "the job was paused by mistake"


def test_what_a_scheduler_did_not_publish_is_fired(night: Night, operator: Operator) -> None:
    night.scheduler.silent.add(SCHEDULE)
    night.until(7, 31)
    incident = incident_of(night, f"schedules:{SCHEDULE}")
    assert incident.severity is Severity.ERROR
    assert incident.says.startswith(f"{SCHEDULE} did not run: due at {night.day} 07:00, 30 min ago")
    assert incident.next_step.startswith(f"./nba fire {SCHEDULE} {night.day}")
    followers = {each.fingerprint for each in night.incidents()} - {incident.fingerprint}
    assert {f"batch-opened:{night.day}", "source-fresh:player_lines"} <= followers
    read_alert(night, incident)
    read_sentence(night, operator, incident, "same-day-predictions runs at 11:30")
    read_command(night, operator, incident)
    pressed = press(night, operator, read_page(night, operator, incident, f"Fire {SCHEDULE}"), WHY)
    assert f"Publishes 1 message to nba-phase1-trigger for {night.day}, as {SCHEDULE} does." in pressed.preview
    assert night.embedded.runtime.state.get(f"executions/phase6_export.{night.day}-{SCHEDULE}") is not None
    night.until(7, 46)
    read_end(night, operator, incident)
    row = read_audit(night, operator, WHY)
    assert (row["action"], row["outcome"]) == ("fire", pressed.outcome)
