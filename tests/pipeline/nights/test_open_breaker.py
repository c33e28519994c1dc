"""NBA.com does not answer: its breaker opens, and nobody asks for box scores any more."""

from __future__ import annotations

import json
from datetime import timedelta

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
WHY = "NBA.com answers again"


def test_an_open_breaker_is_closed_and_box_scores_come(early: Night) -> None:
    night, yesterday = early, early.day - timedelta(days=1)
    operator = Operator(night)
    night.until(6, 29)
    night.sources.broken["/nba/stats"] = ("503 Service Unavailable", b"{}")
    for number in range(4):  # somebody tries by hand; the run of 06:30 is the fifth that fails
        message = {"game_date": str(night.day), "run_id": f"by-hand-{number}", "only": True}
        night.embedded.bus.publish("nba-phase1-trigger", json.dumps(message).encode())
    night.until(7, 1)
    incident = incident_of(night, "breakers:source-nba")
    assert incident.severity is Severity.ERROR
    assert incident.says.startswith("source-nba is open: ")
    assert "mend the cause, then ./nba reset-breaker source-nba" in incident.next_step
    followers = {each.fingerprint for each in night.incidents()} - {incident.fingerprint}
    assert "source-fresh:box_scores" in followers
    read_alert(night, incident)
    read_sentence(night, operator, incident, "same-day-predictions tries it once at 11:30")
    read_command(night, operator, incident)
    href = read_page(night, operator, incident, "Close it")
    assert box_scores(night) == 0
    night.sources.broken.clear()
    pressed = press(night, operator, href, WHY)
    assert f"Phase 1 asks once more for {yesterday}" in pressed.preview
    assert "closed source-nba" in pressed.outcome
    assert box_scores(night) > 0
    night.until(7, 16)
    read_end(night, operator, incident)
    row = read_audit(night, operator, WHY)
    assert (row["action"], row["outcome"]) == ("reset-breaker", "closed")
    operator.close()


def box_scores(night: Night) -> int:
    """Rows of yesterday's players."""
    sql = "SELECT COUNT(*) AS n FROM nba_raw.nbac_player_boxscores WHERE game_date = @day"
    return int(night.rows(sql, day=night.day - timedelta(days=1))[0]["n"])
