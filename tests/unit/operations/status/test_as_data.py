"""Every read model of this package is plain data: as JSON it has all its fields."""

from __future__ import annotations

import json
from dataclasses import fields
from typing import Any

from shared.operations.api.as_json import as_json
from shared.operations.status.batch import BatchDetail, read_batch
from shared.operations.status.cell import CellDetail, read_cell
from shared.operations.status.grid import read_grid
from shared.operations.status.lineage import Lineage, read_lineage
from shared.operations.status.model import Cell, Grid
from tests.support.prediction_tables import DAY, Evening
from tests.unit.operations.status.world import PIPELINE


def names(kind: Any) -> set[str]:
    return {each.name for each in fields(kind)}


def test_every_read_model_has_a_form_as_json(whole: Evening) -> None:
    runtime = whole.runtime
    grid = json.loads(json.dumps(as_json(read_grid(runtime, PIPELINE, [DAY]))))
    assert set(grid) == names(Grid)
    cell = grid["days"][0]["cells"][0]
    assert set(cell) == names(Cell)
    assert (cell["game_date"], cell["verdict"], cell["have"]) == (str(DAY), "complete", 2)
    assert set(as_json(read_cell(runtime, PIPELINE, DAY, "phase4"))) == names(CellDetail)
    assert set(as_json(read_batch(runtime, f"batch_{DAY}_r1"))) == names(BatchDetail)
    assert set(as_json(read_lineage(runtime, DAY, "p1"))) == names(Lineage)
