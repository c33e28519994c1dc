"""Predictions as a batch's workers stage them: made-up values, real columns, the same at every
call.
"""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pyarrow as pa

from shared.nba.stats import POINTS
from shared.science.systems.output import ENSEMBLE, SYSTEMS
from shared.stores.warehouse import staging
from shared.stores.warehouse.schemas import arrow_schema

GAME_DATE = date(2025, 11, 14)
NOW = datetime(2025, 11, 14, 17, 0, tzinfo=UTC)
_TIPOFF = NOW + timedelta(hours=7)
_EXPLANATION = json.dumps([{"feature": f"points_ewma_{n:02}", "value": 20.1234, "effect": 5.25 - n} for n in range(5)])
_PLAYERS_PER_GAME = 16
_FIRST_PLAYER = 1_000_000


def unit_rows(unit: int, batch_id: str) -> list[dict[str, Any]]:
    """One player's 25 rows (five systems, five tested lines) with every column a worker writes."""
    player_id = _FIRST_PLAYER + unit
    mean = 8 + unit % 20 + unit / 1000
    return [
        {
            "prediction_id": f"{batch_id}-{player_id}-{system}-{offset}",
            "batch_id": batch_id,
            "stat": POINTS.name,
            "system_id": system,
            "model_version": "v1-1",
            "player_id": player_id,
            "player_lookup": f"player{player_id}",
            "game_id": f"00225{unit // _PLAYERS_PER_GAME:05d}",
            "game_date": GAME_DATE,
            "tipoff_at": _TIPOFF,
            "predicted": mean,
            "predicted_sd": 6.25,
            "line_value": Decimal(unit % 20 + 8 + offset) + Decimal("0.5"),
            "line_kind": "alternate" if offset else "main",
            "bookmaker": None if offset else "draftkings",
            "over_price": None if offset else -115,
            "under_price": None if offset else -105,
            "p_over": 0.5 - offset / 16,
            "p_push": 0.0,
            "fair_over_price": 100.0 + offset,
            "edge": mean - (unit % 20 + 8 + offset + 0.5),
            "expected_value": None if offset else -0.0325,
            "confidence_score": 0.5 + abs(offset) / 16,
            "recommendation": "PASS",
            "reason": "expected value -0.0325 below 0.02",
            "quality_score": 92.5,
            "uses_market": system == ENSEMBLE,
            "predicted_no_market": mean,
            "features_as_of": NOW - timedelta(minutes=5),
            "line_snapshot_at": NOW - timedelta(minutes=20),
            "error_code": None,
            "error_message": None,
            "updated_at": NOW - timedelta(minutes=1),
            "explanation": None if offset else _EXPLANATION,
            "over_bookmaker": None if offset else "draftkings",
            "under_bookmaker": None if offset else "draftkings",
            "side": "UNDER" if offset > 0 else "OVER",
        }
        for system in SYSTEMS
        for offset in (-2, -1, 0, 1, 2)
    ]


def unit_table(rows: list[dict[str, Any]]) -> pa.Table:
    """The rows as a worker loads them."""
    columns = staging.staged_columns()
    schema = pa.schema([field for field in arrow_schema(staging.TARGET) if field.name in columns])
    return pa.Table.from_pylist(rows, schema=schema)
