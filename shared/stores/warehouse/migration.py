"""Brings the tables of a release before 2026-12 to what is declared now, without losing a row.

Those releases knew points alone: rows had no statistic, and columns were named after points. Each
step looks first whether it is still needed, so that a run which died half-way goes on, and a second
one changes nothing. On Google Cloud `make migrate` does it (docs/deploy.md, "Migrate"), before and
after the apply that makes the new tables; a local folder's warehouse does it when it is opened.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from shared.stores.ports import Warehouse
from shared.stores.warehouse.schemas import load_schema
from shared.stores.warehouse.staging import DATASET as STAGING

NAME = "2026-12-statistics"
# Every table asks for a filter on its days; no game was before.
_EVERY_DAY = "game_date >= DATE '1946-01-01'"
_PREDICTIONS = {"predicted_points": "predicted", "predicted_points_no_market": "predicted_no_market"}
_GRADES = {"predicted_points": "predicted", "actual_points": "actual"}
_STAGED = "_staging_batch_"


@dataclass(frozen=True)
class _Table:
    """What a table of before lacks.

    Attributes:
        renamed: old name -> new name of its columns.
        named: what tells those of its rows that are about points, where not all are.
        has_explanations: its column of that name has to be rewritten.
    """

    renamed: Mapping[str, str]
    named: str = ""
    has_explanations: bool = False


_TABLES: Mapping[str, _Table] = {
    "nba_analytics.upcoming_player_lines": _Table({}),
    "nba_predictions.player_prop_predictions": _Table(_PREDICTIONS, has_explanations=True),
    "nba_predictions.prediction_accuracy": _Table(_GRADES),
    "nba_predictions.system_daily_performance": _Table({}),
    # rank 0 is the list itself
    "nba_predictions.exported_best_bets": _Table({}, named=" AND rank > 0"),
}
# Lines of points had a table of their own; now there is one for all statistics.
OLD_LINES, _LINES = "nba_raw.odds_api_player_points_props", "nba_raw.odds_api_player_props"
# A unit that was predicted and is not consolidated yet has its rows there.
_OF_A_UNIT = _Table(_PREDICTIONS, has_explanations=True)


@dataclass(frozen=True)
class Step:
    """One statement, and where it is not plain from the columns, a count of the rows it would
    change."""

    sql: str
    remaining: str | None = None


def migrate(warehouse: Warehouse, report: Callable[[str], None]) -> int:
    """Do what is still to be done, each statement reported before it runs; returns how many ran.

    Raises what the port raises; the next call goes on.
    """
    done = 0
    for step in steps(_columns(warehouse)):
        if step.remaining is not None and not _count(warehouse, step.remaining):
            continue
        report(step.sql)
        warehouse.execute(step.sql)
        done += 1
    return done


def steps(columns: Mapping[str, Sequence[str]]) -> Iterator[Step]:
    """The statements that tables with these columns (name -> columns) may still need, in order."""
    for name, there in sorted(columns.items()):
        if name in _TABLES:
            yield from _of_table(name, there, _TABLES[name], where=_EVERY_DAY)
        elif name.startswith(f"{STAGING}.{_STAGED}"):
            # not partitioned: no filter is asked for
            yield from _of_table(name, there, _OF_A_UNIT, where="TRUE")
    # the new one comes with the apply, or with the opening, that follows the first time
    if columns.keys() >= {OLD_LINES, _LINES}:
        yield _copy_lines()


def _of_table(name: str, there: Sequence[str], table: _Table, where: str) -> Iterator[Step]:
    for old, new in table.renamed.items():
        if old in there:
            yield Step(f"ALTER TABLE `{name}` RENAME COLUMN {old} TO {new}")
    if "stat" not in there:
        yield Step(f"ALTER TABLE `{name}` ADD COLUMN stat STRING")
    unnamed = f"{where} AND stat IS NULL{table.named}"
    yield Step(
        f"UPDATE `{name}` SET stat = 'points' WHERE {unnamed}",
        remaining=f"SELECT COUNT(*) AS n FROM `{name}` WHERE {unnamed}",
    )
    if table.has_explanations:
        of_points = f"{where} AND STRPOS(explanation, '\"points\":') > 0"
        yield Step(
            f"UPDATE `{name}` SET explanation = REPLACE(explanation, '\"points\":', '\"effect\":') WHERE {of_points}",
            remaining=f"SELECT COUNT(*) AS n FROM `{name}` WHERE {of_points}",
        )


def _copy_lines() -> Step:
    """Rows of raw files that the new table has nothing of: each file is written with one
    statement.
    """
    new = load_schema(_LINES).columns
    columns = ", ".join(new)
    selected = ", ".join("'points' AS stat" if name == "stat" else name for name in new)
    missing = (
        f"FROM `{OLD_LINES}` WHERE {_EVERY_DAY}"
        f" AND source_file NOT IN (SELECT source_file FROM `{_LINES}` WHERE {_EVERY_DAY})"
    )
    return Step(
        f"INSERT INTO `{_LINES}` ({columns}) SELECT {selected} {missing}",
        remaining=f"SELECT COUNT(*) AS n {missing}",
    )


def _columns(warehouse: Warehouse) -> dict[str, Sequence[str]]:
    """Columns of the tables that may be of before, as far as they are there."""
    found: dict[str, Sequence[str]] = {}
    for name in (*_TABLES, OLD_LINES, _LINES):
        dataset, _, table = name.partition(".")
        there = warehouse.tables(dataset, table)
        if name in there:
            found[name] = there[name]
    return found | warehouse.tables(STAGING, _STAGED)


def _count(warehouse: Warehouse, sql: str) -> int:
    (row,) = warehouse.query(sql).to_pylist()
    return int(row["n"])
