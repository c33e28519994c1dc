"""The table in the project against the declared one: whether a copy may replace its partition, and
what it describes.

A column may be in the project and not in this code: after a rollback of code alone, whose schema
files are older.
"""

from __future__ import annotations

from google.cloud import bigquery

from shared.core.errors import SchemaMismatch
from shared.stores.gcp.bigquery_types import fits, type_of
from shared.stores.warehouse.replacement import Metadata
from shared.stores.warehouse.schemas import TableSchema

# All that a schema file can say of a column. Whatever else a column in the project has, a made
# table would lack.
_DECLARABLE = frozenset({"name", "type", "mode", "description"})


def same_as_declared(target: bigquery.Table, schema: TableSchema) -> bool:
    """Whether a table made from the schema file equals the target in all that a copy compares.

    Descriptions and keys may differ: a copy does not compare them, and a made table takes them from
    the target.
    """
    partitions = target.time_partitioning
    return (
        [(field.name, type_of(field), field.mode) for field in target.schema]
        == [(field.name, field.type, "REQUIRED" if field.required else "NULLABLE") for field in schema.fields]
        and all(_plain(field) for field in target.schema)
        and partitions is not None
        and (partitions.type_, partitions.field) == ("DAY", schema.partition_field)
        and tuple(target.clustering_fields or ()) == schema.clustering
    )


def check_writable(target: bigquery.Table, schema: TableSchema) -> None:
    """Raises SchemaMismatch where no row of the declared columns can be inserted: a declared column
    is absent or of a type that does not take it, or a column that this code does not know must not
    be NULL.
    """
    found = {field.name: field for field in target.schema}
    wrong = []
    for field in schema.fields:
        there = found.get(field.name)
        if there is None:
            wrong.append(f"{field.name} is missing")
        elif not fits(field.type, type_of(there)):
            wrong.append(f"{field.name} is {type_of(there)}, declared {field.type}")
    for name, there in found.items():
        if name not in schema.columns and there.mode == "REQUIRED" and not there.default_value_expression:
            wrong.append(f"{name} is REQUIRED, and this code does not know it")
    if wrong:
        raise SchemaMismatch(
            f"The table {schema.name} in the project does not fit this code: {'; '.join(wrong)}.",
            next_step="make plan and make apply with the schema files of this code, or deploy the code that is newer.",
        )


def load_fields(target: bigquery.Table, schema: TableSchema) -> list[bigquery.SchemaField]:
    """The declared columns as a load names them: in the modes that they have in the project.

    A load refuses a column that the table lets be NULL and the job calls REQUIRED, as older code
    does once a newer schema let it go.
    """
    modes = {field.name: field.mode for field in target.schema}
    return [bigquery.SchemaField(field.name, field.type, mode=modes[field.name]) for field in schema.fields]


def metadata(target: bigquery.Table) -> Metadata:
    """What the target describes.

    A copy onto a partition may put the source's metadata in its place, and Terraform would want to
    change it back.
    """
    key = target.table_constraints.primary_key if target.table_constraints else None
    return Metadata(
        description=target.description or "",
        columns={field.name: field.description for field in target.schema if field.description},
        primary_key=tuple(key.columns) if key else (),
    )


def _plain(field: bigquery.SchemaField) -> bool:
    declared = field.to_api_repr()
    return {name for name, value in declared.items() if value not in (None, "", [], {})} <= _DECLARABLE
