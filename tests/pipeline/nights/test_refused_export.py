"""Phase 6 refuses to export: who was expected is not on record, and self-heal's own try brings the
same.
"""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest

from local.embedded.duckdb_warehouse import DuckDbWarehouse
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
EXPECTED = "nba_monitoring.expected_outputs"
WHY = "loads are whole again"


def test_a_refused_export_is_healed(night: Night, operator: Operator, monkeypatch: pytest.MonkeyPatch) -> None:
    load = DuckDbWarehouse.load

    def lose_rows(self: DuckDbWarehouse, table: str, rows: pa.Table, **how: Any) -> int:
        return load(self, table, rows.slice(0, 5) if table == EXPECTED else rows, **how)

    with monkeypatch.context() as patch:
        patch.setattr(DuckDbWarehouse, "load", lose_rows)
        night.until(7, 31)
    incident = incident_of(night, f"export-written:{night.day}")
    assert incident.severity is Severity.CRITICAL
    assert "phase 6 says: 12 predicted players were not expected" in incident.says
    assert "it restarts the earliest phase that is short" in incident.next_step
    read_alert(night, incident)
    read_sentence(night, operator, incident, "same-day-predictions runs at 11:30")
    read_command(night, operator, incident)
    pressed = press(
        night, operator, read_page(night, operator, incident, f"Restart what is missing of {night.day}"), WHY
    )
    assert f"Publishes 1 message to nba-self-heal-trigger for {night.day}." in pressed.preview
    night.until(7, 46)
    read_end(night, operator, incident)
    row = read_audit(night, operator, WHY)
    assert (row["action"], row["outcome"]) == ("heal", pressed.outcome)
