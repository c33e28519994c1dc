"""Predictions as a batch's workers stage them: made-up values, real columns, the same at every
call.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pyarrow as pa

from shared.nba.stats import POINTS, Stat
from shared.science.systems.formulas import speaking_systems
from shared.science.systems.output import ENSEMBLE, SYSTEMS
from shared.stores.warehouse import staging
from shared.stores.warehouse.schemas import arrow_schema

GAME_DATE = date(2025, 11, 14)
NOW = datetime(2025, 11, 14, 17, 0, tzinfo=UTC)
_TIPOFF = NOW + timedelta(hours=7)
_EXPLANATION = json.dumps([{"feature": f"points_ewma_{n:02}", "value": 20.1234, "effect": 5.25 - n} for n in range(5)])
_PLAYERS_PER_GAME = 16
_FIRST_PLAYER = 1_000_000


def unit_rows(unit: int, batch_id: str, stats: Iterable[Stat] = (POINTS,)) -> list[dict[str, Any]]:
    """One player's rows with every column a worker writes: of each statistic the systems that speak
    of it at five tested lines (of points 25 rows), and of the others one row each.
    """
    return [row for stat in stats for row in _rows_of_stat(unit, batch_id, stat)]


def _rows_of_stat(unit: int, batch_id: str, stat: Stat) -> list[dict[str, Any]]:
    player_id = _FIRST_PLAYER + unit
    mean = 8 + unit % 20 + unit / 1000
    speaking = (*speaking_systems(stat), ENSEMBLE)
    return [
        {
            "prediction_id": f"{batch_id}-{player_id}-{stat.name}-{system}-{offset}",
            "batch_id": batch_id,
            "stat": stat.name,
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
        for offset in ((-2, -1, 0, 1, 2) if system in speaking else (0,))
    ]


def unit_table(rows: list[dict[str, Any]]) -> pa.Table:
    """The rows as a worker loads them."""
    columns = staging.staged_columns()
    schema = pa.schema([field for field in arrow_schema(staging.TARGET) if field.name in columns])
    return pa.Table.from_pylist(rows, schema=schema)
