"""The declared tables: schemas/{dataset}.{table}.json, BigQuery's own table resources, as typed
objects.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from shared.core.errors import Fatal, NotFound, SchemaMismatch

if TYPE_CHECKING:
    import pyarrow as pa

SCHEMA_FOLDER = Path(__file__).parent / "schemas"
VIEW_FOLDER = Path(__file__).parent / "views"
DATASETS = (
    "nba_analytics",
    "nba_monitoring",
    "nba_precompute",
    "nba_predictions",
    "nba_raw",
    "nba_reference",
    "nba_staging",
)
TYPES = ("STRING", "INT64", "FLOAT64", "NUMERIC", "BOOL", "DATE", "TIMESTAMP")
# What BigQuery takes as a primary key.
KEY_TYPES = frozenset(TYPES) - {"FLOAT64"}
MOST_KEY_COLUMNS = 16
# BigQuery's NUMERIC: 38 digits, 9 of them after the point.
NUMERIC_PRECISION, NUMERIC_SCALE = 38, 9


def table_place(table: str) -> tuple[str, str]:
    """Dataset and name of dataset.table. Raises Fatal for what is no table name."""
    dataset, _, name = table.partition(".")
    if dataset not in DATASETS or not name:
        raise Fatal(f"{table!r} is no table name.", next_step=f"write dataset.table, dataset of {', '.join(DATASETS)}.")
    return dataset, name


@dataclass(frozen=True)
class Field:
    """One column. `type` is one of TYPES; `required` columns hold no NULL."""

    name: str
    type: str
    required: bool
    description: str


@dataclass(frozen=True)
class TableSchema:
    """One declared table; `name` is dataset.table.

    `primary_key` is what MERGE goes by, NULLs included.
    """

    name: str
    description: str
    fields: tuple[Field, ...]
    primary_key: tuple[str, ...]
    partition_field: str | None
    clustering: tuple[str, ...]

    @property
    def dataset(self) -> str:
        return self.name.partition(".")[0]

    @property
    def columns(self) -> tuple[str, ...]:
        return tuple(field.name for field in self.fields)

    @property
    def constraint(self) -> tuple[str, ...]:
        """The key to declare to BigQuery; empty where a column of it may be NULL or of a type no
        key has.

        BigQuery does not enforce a key but believes it: a query may be answered wrongly where a key
        column is NULL.
        """
        key = [self.field(name) for name in self.primary_key]
        fits = len(key) <= MOST_KEY_COLUMNS and all(field.required and field.type in KEY_TYPES for field in key)
        return self.primary_key if fits else ()

    def field(self, name: str) -> Field:
        """The column of that name. Raises SchemaMismatch."""
        for field in self.fields:
            if field.name == name:
                return field
        raise SchemaMismatch(
            f"{self.name} declares no column {name!r}.",
            next_step=f"name one of its columns, or add it to shared/stores/warehouse/schemas/{self.name}.json.",
        )


def _parse(name: str, resource: dict[str, Any]) -> TableSchema:
    reference = resource["tableReference"]
    if f"{reference['datasetId']}.{reference['tableId']}" != name:
        raise SchemaMismatch(
            f"{name}.json describes {reference['datasetId']}.{reference['tableId']}.",
            next_step="give the file the table's name.",
        )
    fields = []
    for column in resource["schema"]["fields"]:
        if column["type"] not in TYPES or column.get("mode", "NULLABLE") not in ("REQUIRED", "NULLABLE"):
            raise SchemaMismatch(
                f"{name}.{column['name']} is {column.get('mode', 'NULLABLE')} {column['type']}.",
                next_step=f"use REQUIRED or NULLABLE and one of {', '.join(TYPES)}.",
            )
        fields.append(
            Field(
                name=column["name"],
                type=column["type"],
                required=column.get("mode") == "REQUIRED",
                description=column.get("description", ""),
            )
        )
    schema = TableSchema(
        name=name,
        description=resource.get("description", ""),
        fields=tuple(fields),
        primary_key=tuple(resource.get("tableConstraints", {}).get("primaryKey", {}).get("columns", ())),
        partition_field=resource.get("timePartitioning", {}).get("field"),
        clustering=tuple(resource.get("clustering", {}).get("fields", ())),
    )
    for column_name in (*schema.primary_key, *schema.clustering, schema.partition_field or schema.columns[0]):
        schema.field(column_name)
    if len(set(schema.columns)) != len(schema.columns):
        raise SchemaMismatch(f"{name}.json names a column twice.", next_step="rename or remove one of them.")
    return schema


@cache
def load_schema(table: str) -> TableSchema:
    """The schema of dataset.table. Raises NotFound for a table that is not declared."""
    path = SCHEMA_FOLDER / f"{table}.json"
    if not path.is_file():
        raise NotFound(
            f"{table!r} is no declared table.",
            next_step=f"name one of shared/stores/warehouse/schemas/, or declare it there as {path.name}.",
        )
    return _parse(table, json.loads(path.read_text(encoding="utf-8")))


@cache
def all_schemas() -> tuple[TableSchema, ...]:
    """Every declared table, by name."""
    return tuple(load_schema(path.stem) for path in sorted(SCHEMA_FOLDER.glob("*.json")))


@cache
def all_views() -> tuple[tuple[str, str], ...]:
    """(dataset.view, its SELECT in BigQuery's dialect) of every declared view, by name."""
    return tuple((path.stem, path.read_text(encoding="utf-8")) for path in sorted(VIEW_FOLDER.glob("*.sql")))


def arrow_type(bigquery_type: str) -> pa.DataType:
    """The Arrow type that a column of one of TYPES is read and written as."""
    import pyarrow as pa

    types: dict[str, pa.DataType] = {
        "STRING": pa.string(),
        "INT64": pa.int64(),
        "FLOAT64": pa.float64(),
        "NUMERIC": pa.decimal128(NUMERIC_PRECISION, NUMERIC_SCALE),
        "BOOL": pa.bool_(),
        "DATE": pa.date32(),
        "TIMESTAMP": pa.timestamp("us", tz="UTC"),
    }
    return types[bigquery_type]


def arrow_schema(table: str) -> pa.Schema:
    """The declared table as an Arrow schema; REQUIRED columns are not nullable."""
    import pyarrow as pa

    return pa.schema(
        [
            pa.field(field.name, arrow_type(field.type), nullable=not field.required)
            for field in load_schema(table).fields
        ]
    )
