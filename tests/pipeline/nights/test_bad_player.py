"""A worker dies on one player: everybody else is predicted, and he waits as a dead letter."""

from __future__ import annotations

from typing import Any

import pytest

from functions.phase5_worker import predict_unit, system_breakers
from shared.chain.messages.messages import PredictionRequest
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
WHY = "the worker bears a missing name"


def test_a_player_that_a_worker_dies_on_is_redriven(
    night: Night, operator: Operator, monkeypatch: pytest.MonkeyPatch
) -> None:
    predict = system_breakers.predict_guarded
    bad: dict[str, int] = {}

    def die(message: PredictionRequest, *arguments: Any) -> Any:
        ids = [each["features"]["player_id"] for each in message.players]
        if bad.setdefault("player", ids[0]) in ids:
            raise KeyError("a player without a name")
        return predict(message, *arguments)

    with monkeypatch.context() as patch:
        patch.setattr(predict_unit, "predict_guarded", die)
        night.until(7, 46)
    letters = "phase5-worker-prediction-request-dead-letter/max_delivery_attempts"
    incident = incident_of(night, f"dead-letters:{letters}")
    assert incident.severity is Severity.ERROR
    assert incident.says.startswith("1 dead letter in phase5-worker-prediction-request-dead-letter")
    assert "a player without a name" in incident.says
    assert "mend the cause, then ./nba redrive --subscription phase5-worker-" in incident.next_step
    read_alert(night, incident)
    read_sentence(night, operator, incident, "nothing; a dead letter waits for a person")
    read_command(night, operator, incident)
    href = read_page(night, operator, incident, "Redrive them")
    assert rows_of(night, bad["player"]) == 0
    pressed = press(night, operator, href, WHY)
    assert "Publishes 1 dead letters once more" in pressed.preview
    assert rows_of(night, bad["player"]) > 0
    night.until(8, 1)
    read_end(night, operator, incident)
    row = read_audit(night, operator, WHY)
    assert (row["action"], row["outcome"]) == ("redrive", "published to prediction-request")


def rows_of(night: Night, player: int) -> int:
    """Current predictions of a player."""
    sql = "SELECT COUNT(*) AS n FROM nba_predictions.current_predictions WHERE game_date = @day AND player_id = @id"
    return int(night.rows(sql, day=night.day, id=player)[0]["n"])
