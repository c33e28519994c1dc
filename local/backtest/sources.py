"""Fingerprints: what a kept result was made from, so that it is never taken for one of other data
or code.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
# What makes feature rows of an archive: the replay, phases 1 to 4 and all that they share.
FEATURE_CODE = (
    "functions/phase1_scrape",
    "functions/phase2_raw",
    "functions/phase3_analytics",
    "functions/phase4_precompute",
    "local/replay",
    "local/embedded/transpile.py",
    "local/embedded/duckdb_partition.py",
    "local/embedded/duckdb_types.py",
    "shared/core/clock.py",
    "shared/nba/injury_report",
    "shared/nba/player_names.py",
    "shared/nba/schedule.py",
    "shared/nba/stats.py",
    "shared/stores/raw_files.py",
    "shared/nba/teams.py",
    "shared/stores/warehouse",
)
# What makes predictions of feature rows.
PREDICTION_CODE = (
    "local/backtest/learning.py",
    "local/backtest/listed.py",
    "local/backtest/rows.py",
    "local/backtest/sql",
    "local/backtest/walk.py",
    "local/backtest/what_if.py",
    "shared/nba/stats.py",
    "shared/science/evaluation",
    "shared/science/features",
    "shared/science/predictions/outputs.py",
    "shared/science/systems",
    "shared/science/training",
)
SUFFIXES = (".py", ".sql", ".json")


def archive_print(folder: Path) -> str:
    """Of an archive: its place, and its files' names, sizes and times of change."""
    files = sorted(folder.glob("*.parquet"))
    fingerprints = [(file.name, file.stat().st_size, file.stat().st_mtime_ns) for file in files]
    return digest([str(folder.resolve()), repr(fingerprints)])


def code_print(places: Iterable[str]) -> str:
    """Of the project's files and folders named: the content of their code, SQL and schemas."""
    files = [
        file
        for place in places
        for file in ([ROOT / place] if (ROOT / place).is_file() else sorted((ROOT / place).rglob("*")))
        if file.suffix in SUFFIXES
    ]
    return digest(part for file in files for part in (str(file.relative_to(ROOT)), file.read_text(encoding="utf-8")))


def digest(parts: Iterable[str]) -> str:
    """Sixteen hexadecimal digits that name the parts, in their order."""
    found = hashlib.sha256()
    for part in parts:
        found.update(f"{len(part)}:{part}".encode())
    return found.hexdigest()[:16]
