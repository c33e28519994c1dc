"""The datasets that a function's code names against those that pipeline.yaml lets it touch.

One too few is a 403 at night, one too many a right that nobody needs.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from shared.core.pipeline import load_pipeline
from shared.stores.warehouse.schemas import DATASETS
from tests.conftest import ROOT
from tests.infra.expected import RAW
from tests.infra.reached import list_reached, list_statements

# dataset.table, as SQL and Python name it.
TABLE = re.compile(rf"\b({'|'.join(DATASETS)})\.[a-z_]")
# What shared code reads or writes for a function that calls it, besides the folder's own.
SHARED = {
    "shared/science/systems/sql/batch_histories.sql": ["phase5_coordinator"],
    "shared/science/features/sql/training_rows.sql": ["train_model"],
    "shared/stores/warehouse/staging.py": [
        "phase5_worker",
        "phase5_consolidation",
        "batch_sweep",
        "monitor",
        "dashboard",
    ],
}
# A worker writes staging tables and knows the predictions table by its columns alone.
ONLY_COLUMNS = {"phase5_worker": {"nba_predictions"}}


def find_named(path: Path) -> set[str]:
    text = path.read_text(encoding="utf-8")
    found = set(TABLE.findall(text))
    if path.name == "staging.py":
        found |= {dataset for dataset in DATASETS if f'"{dataset}"' in text}
    return found


def find_used(function: str) -> set[str]:
    paths = [ROOT / source.path for source in list_reached(function)] + list_statements(function)
    paths += [ROOT / path for path, callers in SHARED.items() if function in callers]
    return set().union(*map(find_named, paths)) - ONLY_COLUMNS.get(function, set())


@pytest.mark.parametrize("function", sorted(load_pipeline().functions))
def test_a_function_may_touch_what_it_names_and_nothing_else(function: str) -> None:
    declared = set(load_pipeline().functions[function].datasets)
    every = set(RAW["every_function"]["datasets"])
    assert find_used(function) - every == declared - every


def test_the_run_history_is_what_every_function_writes() -> None:
    history = find_named(ROOT / "shared" / "chain" / "execution" / "run_history.py")
    assert history == set(RAW["every_function"]["datasets"])
