"""The SQL of staging tables and their MERGE, as text: columns by name, set once, never by
position.
"""

from __future__ import annotations

import re
from typing import Any

import pytest
import sqlglot
from sqlglot import exp

from shared.core.errors import Fatal, SchemaMismatch
from shared.stores.warehouse import staging
from shared.stores.warehouse.schemas import load_schema

BATCH = "batch_2025-11-14_r1"
ALL = (*load_schema(staging.TARGET).columns,)
STAGED = tuple(name for name in ALL if name != "created_at")


def parse(sql: str) -> Any:
    return sqlglot.parse_one(sql, dialect="bigquery")


def merge() -> Any:
    return parse(staging.merge_sql(staging.staged_rows({staging.staging_table(BATCH, "1"): STAGED}, BATCH)))


def test_names() -> None:
    name = staging.staging_table(BATCH, "203999")
    assert name == "nba_staging._staging_batch_2025-11-14_r1__203999"
    assert staging.unit_of(name, BATCH) == "203999"
    assert staging.revision_of(name) == 1
    assert staging.revision_of(staging.staging_table("batch_2025-11-14_r12", "1")) == 12
    assert staging.revision_of("nba_predictions.player_prop_predictions") is None
    assert staging.revision_of("nba_staging._staging_batch_2025-11-14_rx__1") is None
    assert staging.batch_of(name) == BATCH
    assert staging.batch_of(staging.staging_table("batch_2025-11-14_r12", "1")) == "batch_2025-11-14_r12"
    assert staging.batch_of("nba_predictions.player_prop_predictions") is None


def test_a_revision_is_no_prefix_of_another() -> None:
    assert not staging.staging_table("batch_2025-11-14_r12", "1").startswith(
        f"nba_staging.{staging.staging_prefix('batch_2025-11-14_r1')}"
    )


@pytest.mark.parametrize(
    "table", ["nba_staging_old.t", "nba_staging2.t", "nba_stagingt", "nba_predictions.nba_staging.t"]
)
def test_a_dataset_that_merely_begins_like_stagings_is_another(table: str) -> None:
    staging.check_staging("nba_staging.t")
    with pytest.raises(Fatal, match=f"and {re.escape(table)} is none"):
        staging.check_staging(table)


def test_workers_write_every_declared_column_but_created_at() -> None:
    assert tuple(staging.staged_columns()) == STAGED


def test_a_column_that_a_table_lacks_is_null_of_its_declared_type() -> None:
    some = tuple(name for name in STAGED if name not in ("edge", "line_snapshot_at", "over_price"))
    sql = staging.staged_rows({staging.staging_table(BATCH, "1"): some}, BATCH)
    assert "CAST(NULL AS FLOAT64) AS edge" in sql
    assert "CAST(NULL AS TIMESTAMP) AS line_snapshot_at" in sql
    assert "CAST(NULL AS INT64) AS over_price" in sql


def test_tables_with_other_columns_or_another_order_are_read_by_name() -> None:
    tables = {
        staging.staging_table(BATCH, "1"): STAGED,
        staging.staging_table(BATCH, "2"): tuple(reversed(STAGED)),
        staging.staging_table(BATCH, "3"): STAGED,
    }
    outer = [select for select in parse(staging.staged_rows(tables, BATCH)).find_all(exp.Select) if not select.is_star]
    assert [select.named_selects for select in outer] == [[*STAGED, "staged_unit"]] * 2


def test_the_same_tables_in_any_order_give_the_same_statement() -> None:
    names = [staging.staging_table(BATCH, unit) for unit in ("3", "1", "2")]
    for columns in (dict.fromkeys(names, STAGED), {name: STAGED[int(name[-1]) - 1 :] for name in names}):
        in_order = {name: columns[name] for name in sorted(names)}
        assert list(columns) != list(in_order)
        assert staging.staged_rows(columns, BATCH) == staging.staged_rows(in_order, BATCH)


def test_the_merge_sets_each_column_once_and_keeps_identity_and_creation() -> None:
    update, insert = (when.args["then"] for when in merge().args["whens"].expressions)
    assert isinstance(update, exp.Update)
    assert isinstance(insert, exp.Insert)
    assigned = [assignment.this.name for assignment in update.expressions]
    assert len(assigned) == len(set(assigned))
    key = load_schema(staging.TARGET).primary_key
    assert set(assigned) == set(ALL) - {"prediction_id", "created_at", *key}
    sources = {a.this.name: a.expression for a in update.expressions}
    assert isinstance(sources.pop("updated_at"), exp.Parameter)
    assert all((value.table, value.name) == ("S", name) for name, value in sources.items())


def test_the_merge_inserts_every_declared_column_by_name() -> None:
    _, insert = (when.args["then"] for when in merge().args["whens"].expressions)
    columns = [column.name for column in insert.this.expressions]
    values = list(insert.expression.expressions)
    assert tuple(columns) == ALL
    for name, value in zip(columns, values, strict=True):
        if name in ("created_at", "updated_at"):
            assert isinstance(value, exp.Parameter), name
            assert value.name == "now"
        else:
            assert (value.table, value.name) == ("S", name)


def test_the_merge_matches_by_the_whole_key_null_lines_included() -> None:
    on = merge().args["on"].sql(dialect="bigquery")
    for name in load_schema(staging.TARGET).primary_key:
        assert f"T.{name}" in on
    assert "T.line_value IS NOT DISTINCT FROM S.line_value" in on
    assert "T.game_date = @game_date" in on  # prunes partitions


def test_line_values_are_never_cast() -> None:
    assert not re.search(r"CAST\((S\.|T\.)?line_value", merge().sql(dialect="bigquery"))


def test_the_order_that_picks_the_newest_is_total_enough_and_names_updated_at_first() -> None:
    (window,) = merge().find_all(exp.Window)
    order = [ordered.this.name for ordered in window.args["order"].expressions]
    assert order[:2] == ["updated_at", "staged_unit"]
    assert window.args["order"].expressions[0].args["desc"] is True
    assert [column.name for column in window.args["partition_by"]] == list(load_schema(staging.TARGET).primary_key)


def test_undeclared_and_missing_columns_are_named_with_their_table() -> None:
    table = staging.staging_table(BATCH, "1")
    staging.check_columns({table: STAGED})
    staging.check_columns({table: [name for name in STAGED if name != "edge"]})
    with pytest.raises(SchemaMismatch, match=f"{table}.*undeclared aura, fuss, mood, verve, zest"):
        staging.check_columns({table: [*STAGED, "zest", "mood", "verve", "aura", "fuss"]})
    second = staging.staging_table(BATCH, "2")
    with pytest.raises(SchemaMismatch, match=table):
        staging.check_columns({second: [*STAGED, "mood"], table: [*STAGED, "mood"]})
    with pytest.raises(SchemaMismatch, match="missing player_id, updated_at"):
        staging.check_columns({table: [name for name in STAGED if name not in ("player_id", "updated_at")]})


def test_chunks_hold_every_table_once() -> None:
    names = [str(n) for n in range(230)]
    chunks = list(staging.chunks(names))
    assert [len(chunk) for chunk in chunks] == [100, 100, 30]
    assert [name for chunk in chunks for name in chunk] == names
