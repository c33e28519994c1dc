"""A batch larger than the usual limit, by the parts of `make load`: nothing is lost, nothing grows
that need not.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from local.bench.load.__main__ import sizes_up_to
from local.bench.load.one import measure
from local.bench.load.players import ROWS_PER_PLAYER
from local.bench.load.report import growth, other_statements, too_steep
from shared.stores.warehouse.staging import CHUNK, MOST_TABLES

pytestmark = pytest.mark.heavy  # many units

UNITS = 300


def test_a_batch_of_300_units_of_a_player_each(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MAX_UNITS", str(UNITS))
    seen: list[tuple[int, int]] = []
    found = measure(tmp_path, UNITS, lambda done, total: seen.append((done, total)))
    assert UNITS > MOST_TABLES, "or nothing is gathered in chunks"
    assert found["rows"] == UNITS * ROWS_PER_PLAYER
    assert found["statements"] == {
        "query": 5,  # coordinator 3, consolidation 2
        "load": 2,  # what is expected, what is consolidated
        "staging_load": UNITS,
        "tables": 1,
        "execute": UNITS // CHUNK + 1,
        "drop": 1,
    }
    assert other_statements(found) == 5 + 2 + 1 + UNITS // CHUNK + 1 + 1
    # trigger, requests, batch-complete, and what consolidation announces to nobody here
    assert found["messages"] == {
        "published": UNITS + 3,
        "delivered": UNITS + 2,
        "redelivered": 0,
        "dead_lettered": 0,
    }
    assert found["history_rows"] == 3, "coordinator, consolidation, and one for all units"
    assert len(seen) == UNITS


def size(units: int, **seconds: float) -> dict[str, Any]:
    names = (
        "fan_out",
        "to_closed",
        "predict",
        "complete",
        "complete_cpu",
        "consolidation",
        "history",
        "to_consolidated",
    )
    return {"units": units, **dict.fromkeys(names, units / 100), **seconds}


def test_twice_the_time_a_unit_is_twice_linear() -> None:
    assert growth(size(500), size(5000))["complete"] == 1.0
    steep = too_steep([size(500), size(1000), size(5000, complete_cpu=100.0, history=1000.0, consolidation=64.0)])
    assert steep == {"complete_cpu": 2.0}, "the history is over in a moment, 1.28 is close to linear"


def test_the_sizes_end_with_the_one_asked_for() -> None:
    assert sizes_up_to(5000) == [500, 1000, 2000, 5000]
    assert sizes_up_to(300) == [300]
