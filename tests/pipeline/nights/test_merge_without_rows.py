"""A MERGE affects no row: the batch fails with its staging kept, and its message dies."""

from __future__ import annotations

from typing import Any

import pytest

from local.embedded.duckdb_warehouse import DuckDbWarehouse
from shared.core.severity import Severity
from shared.stores.warehouse.staging import TARGET
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
WHY = "the table takes rows again"


def test_a_merge_without_rows_is_redriven(night: Night, operator: Operator, monkeypatch: pytest.MonkeyPatch) -> None:
    execute = DuckDbWarehouse.execute

    def merge_nothing(self: DuckDbWarehouse, sql: str, params: Any = None) -> int:
        return 0 if f"MERGE `{TARGET}`" in sql else execute(self, sql, params)

    with monkeypatch.context() as patch:
        patch.setattr(DuckDbWarehouse, "execute", merge_nothing)
        night.until(7, 31)
    incident = incident_of(night, f"consolidation:{night.day}")
    assert incident.severity is Severity.CRITICAL
    assert "the MERGE affected 0 rows" in incident.says
    assert "its staging tables are kept" in incident.says
    assert "./nba redrive --subscription phase5-consolidation-" in incident.next_step
    read_alert(night, incident)
    read_sentence(night, operator, incident, "same-day-predictions runs at 11:30")
    read_command(night, operator, incident)
    pressed = press(night, operator, read_page(night, operator, incident, "Redrive them"), WHY)
    assert "Publishes 1 dead letters once more" in pressed.preview
    night.until(7, 46)
    read_end(night, operator, incident)
    row = read_audit(night, operator, WHY)
    assert (row["action"], row["outcome"]) == ("redrive", "published to nba-phase5-batch-complete")
    shown = operator.command("show", str(night.day), "phase6")
    assert shown.code == 0, shown.out
