"""The odds source gives no lines: its quota is used up."""

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
USED_UP = b'{"message": "Usage quota has been reached.", "error_code": "OUT_OF_USAGE_CREDITS"}'
WHY = "quota was bought"


def test_lines_that_did_not_come_are_scraped_again(night: Night, operator: Operator) -> None:
    night.sources.broken["/odds"] = ("401 Unauthorized", USED_UP)
    night.until(7, 31)
    incident = incident_of(night, "source-fresh:player_lines")
    assert incident.severity is Severity.ERROR
    assert f"there is no answer about {night.day}, and overnight-predictions was due" in incident.says
    assert "phase 1 says: The Odds API /v4/sports/basketball_nba/events answered 401" in incident.says
    assert f"./nba rerun {night.day} phase1" in incident.next_step
    read_alert(night, incident)
    read_sentence(night, operator, incident, "same-day-predictions runs at 11:30")
    read_command(night, operator, incident)
    href = read_page(night, operator, incident, f"Scrape again {night.day}")
    night.sources.broken.clear()
    pressed = press(night, operator, href, WHY)
    assert "What follows by the chain: phase2, phase3, phase4" in pressed.preview
    night.until(7, 46)
    read_end(night, operator, incident)
    row = read_audit(night, operator, WHY)
    assert (row["action"], row["outcome"]) == ("rerun", pressed.outcome)
    current = "nba_predictions.current_predictions WHERE game_date = @day"
    lines = night.rows(f"SELECT COUNT(*) AS n FROM {current} AND line_value IS NOT NULL", day=night.day)
    assert lines[0]["n"] > 0
