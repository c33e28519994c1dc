"""Staging tables of a batch and the MERGE that brings them into the predictions table: SQL as text,
nothing run here.

The staged columns go by name: a column a table lacks is NULL, one that is not declared is refused
with its name.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from shared.core.errors import Fatal, SchemaMismatch
from shared.stores.warehouse.schemas import TableSchema, load_schema

# A dataset of their own: its tables expire by themselves, and a worker may write there without
# touching predictions.
DATASET = "nba_staging"
TARGET = "nba_predictions.player_prop_predictions"
# Kept from the first write of a key; the MERGE sets updated_at itself, once.
PRESERVED = ("prediction_id", "created_at")
_UNIT = "staged_unit"
# BigQuery takes at most 1,000 tables in one query, and a MERGE over a very wide UNION is slow
# everywhere.
MOST_TABLES = 200
CHUNK = 100
# Tables that many units' tables were copied together into, in chunks, for one MERGE.
COMPACTED = "gathered-"
_OF_A_BATCH = re.compile(r"\._staging_(batch_[0-9]{4}-[0-9]{2}-[0-9]{2}_r([0-9]+))__")


def staging_prefix(batch_id: str) -> str:
    return f"_staging_{batch_id}__"


def staging_table(batch_id: str, unit: str) -> str:
    """Full name of a unit's staging table."""
    return f"{DATASET}.{staging_prefix(batch_id)}{unit}"


def check_staging(table: str) -> None:
    """Raises Fatal for a table of another dataset: a load that replaces it would replace its
    declared columns too.
    """
    if not table.startswith(f"{DATASET}."):
        raise Fatal(
            f"A load replaces tables of {DATASET} alone, and {table} is none.",
            next_step="append, or use replace_partition.",
        )


def unit_of(table: str, batch_id: str) -> str:
    """The unit a staging table belongs to."""
    return table.removeprefix(f"{DATASET}.{staging_prefix(batch_id)}")


def revision_of(table: str) -> int | None:
    """The revision of the batch a staging table belongs to; None for a table that is none."""
    match = _OF_A_BATCH.search(table)
    return None if match is None else int(match[2])


def batch_of(table: str) -> str | None:
    """The batch a staging table belongs to; None for a table that is none."""
    match = _OF_A_BATCH.search(table)
    return None if match is None else match[1]


def staged_columns() -> list[str]:
    """Columns a worker writes: all declared ones but created_at, which only the MERGE sets."""
    return [field.name for field in load_schema(TARGET).fields if field.name != "created_at"]


def check_columns(tables: Mapping[str, Sequence[str]]) -> None:
    """Raises SchemaMismatch for undeclared columns and for a key column that is missing, naming
    table and columns.
    """
    schema = load_schema(TARGET)
    allowed = {*staged_columns(), _UNIT}
    for table, columns in sorted(tables.items()):
        extra = sorted(set(columns) - allowed)
        missing_keys = [c for c in (*schema.primary_key, "batch_id", "tipoff_at", "updated_at") if c not in columns]
        if extra or missing_keys:
            wrong = [f"undeclared {', '.join(extra)}"] if extra else []
            wrong += [f"missing {', '.join(missing_keys)}"] if missing_keys else []
            raise SchemaMismatch(
                f"Staging table {table} does not fit {TARGET}: {'; '.join(wrong)}.",
                next_step="deploy worker and schema of one version, then publish the batch-complete message again.",
            )


def chunks(tables: Sequence[str]) -> Iterator[Sequence[str]]:
    """The tables in parts of at most CHUNK."""
    for first in range(0, len(tables), CHUNK):
        yield tables[first : first + CHUNK]


def staged_rows(tables: Mapping[str, Sequence[str]], batch_id: str) -> str:
    """A SELECT of every staged row with the declared columns by name, and the unit it came from."""
    schema = load_schema(TARGET)
    types = {field.name: field.type for field in schema.fields}
    by_columns: dict[tuple[str, ...], list[str]] = {}
    for table, columns in sorted(tables.items()):
        by_columns.setdefault(tuple(columns), []).append(table)
    parts = []
    for columns, names in sorted(by_columns.items()):
        selected = [c if c in columns else f"CAST(NULL AS {types[c]}) AS {c}" for c in staged_columns()]
        gathered = _UNIT in columns
        # the same columns in the same order within a group, so * inside it cannot shift one into
        # another
        rows = " UNION ALL ".join(
            f"SELECT * FROM `{name}`" if gathered else f"SELECT *, '{unit_of(name, batch_id)}' AS {_UNIT} FROM `{name}`"
            for name in names
        )
        parts.append(f"SELECT {', '.join(selected)}, {_UNIT} FROM ({rows})")
    return " UNION ALL ".join(parts)


def compaction_sql(tables: Mapping[str, Sequence[str]], batch_id: str, into: str) -> str:
    """CREATE TABLE of the staged rows of some tables, for batches of more than MOST_TABLES."""
    return f"CREATE OR REPLACE TABLE `{into}` AS {staged_rows(tables, batch_id)}"


def _newest(staged: str, schema: TableSchema) -> str:
    """Of several staged rows of a key the newest, with a total order so that a repeat picks the
    same.
    """
    key = ", ".join(schema.primary_key)
    columns = ", ".join(staged_columns())
    order = f"updated_at DESC, {_UNIT}, batch_id, predicted, p_over"
    return (
        f"SELECT {columns} FROM (SELECT {columns}, "
        f"ROW_NUMBER() OVER (PARTITION BY {key} ORDER BY {order}) AS staged_rank FROM ({staged})) WHERE staged_rank = 1"
    )


def check_sql(staged: str) -> str:
    """Per unit: rows, rows of another batch or date; params @batch_id, @game_date, @now."""
    newest = _newest(staged, load_schema(TARGET))
    return f"""
WITH staged AS ({staged}),
newest AS ({newest.replace(f"({staged})", "staged")})
SELECT
  (SELECT COUNT(*) FROM newest) AS staged_keys,
  (SELECT COUNT(*) FROM newest WHERE tipoff_at <= @now) AS frozen_keys,
  {_UNIT} AS unit,
  COUNT(*) AS staged_rows,
  COUNTIF(batch_id != @batch_id OR game_date != @game_date) AS foreign_rows
FROM staged
GROUP BY {_UNIT}
ORDER BY {_UNIT}"""


def merge_sql(staged: str) -> str:
    """The guarded MERGE; params @now, @game_date, @revision.

    Rows whose game has tipped off by @now are neither inserted nor updated; a row of a newer
    revision is not touched.
    """
    schema = load_schema(TARGET)
    columns = [field.name for field in schema.fields]
    nullable = {field.name for field in schema.fields if not field.required}
    on = " AND ".join(
        f"T.{c} IS NOT DISTINCT FROM S.{c}" if c in nullable else f"T.{c} = S.{c}" for c in schema.primary_key
    )
    updated = [c for c in columns if c not in (*PRESERVED, *schema.primary_key)]
    assignments = ", ".join(f"{c} = {'@now' if c == 'updated_at' else f'S.{c}'}" for c in updated)
    values = ", ".join("@now" if c in ("created_at", "updated_at") else f"S.{c}" for c in columns)
    return f"""
MERGE `{TARGET}` T
USING ({_newest(staged, schema)} AND tipoff_at > @now) S
ON {on} AND T.game_date = @game_date
WHEN MATCHED AND CAST(REGEXP_EXTRACT(T.batch_id, '_r([0-9]+)$') AS INT64) <= @revision THEN UPDATE SET {assignments}
WHEN NOT MATCHED THEN INSERT ({", ".join(columns)}) VALUES ({values})"""


def in_place_sql() -> str:
    """Per game: rows of a batch in the predictions table, and how many double a key; params
    @game_date, @batch_id.
    """
    key = ", ".join(load_schema(TARGET).primary_key)
    return f"""
SELECT game_id, COUNT(*) AS keys_in_place, COALESCE(SUM(copies - 1), 0) AS doubled
FROM (
  SELECT {key}, COUNT(*) AS copies
  FROM `{TARGET}`
  WHERE game_date = @game_date AND batch_id = @batch_id
  GROUP BY {key}
)
GROUP BY game_id
ORDER BY game_id"""


def absent_keys_sql(tables: Sequence[str]) -> str:
    """Per staging table of one batch: its keys, and those not in the predictions table under that
    batch.

    Params @game_date, @batch_id. A table without rows has no row in the answer.
    """
    schema = load_schema(TARGET)
    key = schema.primary_key
    columns = ", ".join(key)
    nullable = {field.name for field in schema.fields if not field.required}
    on = " AND ".join(f"S.{c} IS NOT DISTINCT FROM P.{c}" if c in nullable else f"S.{c} = P.{c}" for c in key)
    staged = " UNION DISTINCT ".join(
        f"SELECT '{table}' AS staging_table, {columns} FROM `{table}`" for table in sorted(tables)
    )
    return f"""
SELECT S.staging_table, COUNT(*) AS staged_keys, COUNTIF(P.{key[0]} IS NULL) AS absent_keys
FROM ({staged}) S
LEFT JOIN (
  SELECT DISTINCT {columns} FROM `{TARGET}` WHERE game_date = @game_date AND batch_id = @batch_id
) P
ON {on}
GROUP BY staging_table
ORDER BY staging_table"""


def tables_sql(dataset: str) -> str:
    """Names and columns of the dataset's tables whose name begins with @prefix; views are left
    out.
    """
    return f"""
SELECT listed.table_name, ARRAY_AGG(listed.column_name ORDER BY listed.ordinal_position) AS columns
FROM {dataset}.INFORMATION_SCHEMA.COLUMNS AS listed
JOIN {dataset}.INFORMATION_SCHEMA.TABLES AS kinds ON kinds.table_name = listed.table_name
WHERE kinds.table_type = 'BASE TABLE' AND STARTS_WITH(listed.table_name, @prefix)
GROUP BY listed.table_name
ORDER BY listed.table_name"""
