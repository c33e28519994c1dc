"""What the tests of the normalisers share: one file through one normaliser, checked against the
declared tables.
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from functions.phase2_raw.normalise.rows import MakeNormaliser, Problems
from shared.stores.ports import DateRange
from shared.stores.raw_files import RawAnswer, RawContent
from shared.stores.warehouse.rows import conform
from shared.stores.warehouse.schemas import load_schema
from tests.conftest import ROOT
from tests.support.fake_sources import DAY

FETCHED = datetime(2025, 11, 14, 16, 30, tzinfo=UTC)


def sample(name: str) -> Path:
    """A captured answer; skips where they are absent."""
    path = ROOT.parent / "shared" / "samples" / name
    if not path.is_file():
        pytest.skip(f"needs the captured answers; {path} is absent")
    return path


def normalise(
    kind: MakeNormaliser, name: str, *bodies: Any, day: date = DAY, file_kind: str = "kind"
) -> tuple[dict[str, list[dict[str, Any]]], Problems]:
    """Rows by table of one file with the bodies given, each table checked against its schema."""
    problems = Problems()
    normaliser = kind(DateRange(day, day), problems)
    answers = [RawAnswer(name, {}, body) for body in bodies]
    normaliser.add("the/path", RawContent("espn", file_kind, day, "run-1", FETCHED, {}, answers))
    tables = normaliser.tables()
    for table, rows in tables.items():
        assert isinstance(rows, pa.Table)
        conform(rows, load_schema(table))
    return {table: rows.to_pylist() for table, rows in tables.items()}, problems
