"""Tables as BigQuery's API has them: of a schema file as Terraform makes it, of a CREATE TABLE;
what a copy wants.
"""

from __future__ import annotations

import json
from typing import Any

import sqlglot
from sqlglot import exp

from shared.stores.warehouse.schemas import DATASETS, SCHEMA_FOLDER, load_schema

Resource = dict[str, Any]
# The API keeps older names for these.
API_TYPES = {"INT64": "INTEGER", "FLOAT64": "FLOAT", "BOOL": "BOOLEAN"}
# And the parser has names of its own.
PARSED_TYPES = {
    "BIGINT": "INTEGER",
    "DOUBLE": "FLOAT",
    "TEXT": "STRING",
    "DECIMAL": "NUMERIC",
    "TIMESTAMPTZ": "TIMESTAMP",
    "BOOLEAN": "BOOLEAN",
    "DATE": "DATE",
}


def declared_table(project: str, name: str) -> Resource:
    """The table that Terraform makes of the schema file of dataset.table, the dataset with a
    prefix.
    """
    dataset, _, table = name.partition(".")
    plain = next(each for each in DATASETS if dataset.endswith(each))
    resource: Resource = json.loads((SCHEMA_FOLDER / f"{plain}.{table}.json").read_text(encoding="utf-8"))
    resource["tableReference"] = {"projectId": project, "datasetId": dataset, "tableId": table}
    resource["schema"]["fields"] = [
        {
            "name": field["name"],
            "type": API_TYPES.get(field["type"], field["type"]),
            "mode": field.get("mode", "NULLABLE"),
            "description": field.get("description", ""),
        }
        for field in resource["schema"]["fields"]
    ]
    if not load_schema(f"{plain}.{table}").constraint:
        resource.pop("tableConstraints", None)
    return resource


def parse_create_table(sql: str) -> Resource:
    """The table that a CREATE TABLE with columns makes."""
    create = sqlglot.parse_one(sql, read="bigquery")
    assert isinstance(create, exp.Create)
    made: Resource = {"schema": {"fields": [_column(each) for each in create.this.find_all(exp.ColumnDef)]}}
    keys = list(create.this.find_all(exp.PrimaryKey))
    if keys:
        made["tableConstraints"] = {"primaryKey": {"columns": [_name(each) for each in keys[0].expressions]}}
    for each in create.args["properties"].expressions:
        if isinstance(each, exp.PartitionedByProperty):
            made["timePartitioning"] = {"type": "DAY", "field": _name(each.this)}
        elif isinstance(each, exp.ClusterProperty):
            made["clustering"] = {"fields": [_name(column) for column in each.expressions]}
        elif isinstance(each, exp.Property) and each.name == "description":
            made["description"] = each.args["value"].name
    return made


def mismatch(made: Resource, table: Resource) -> str:
    """How the schema, the partitions or the clusters of two tables differ; empty where a copy goes
    through.
    """
    found, wanted = (
        {field["name"]: (field["type"], field["mode"]) for field in each["schema"]["fields"]} for each in (made, table)
    )
    for name in [*wanted, *found]:
        if name not in found:
            return f"Cannot remove field (field: {name})"
        if name not in wanted:
            return f"Cannot add fields (field: {name})"
        if found[name] != wanted[name]:
            return f"Field {name} has changed from {wanted[name]} to {found[name]}"
    if list(found) != list(wanted):
        return "The fields have changed their order"
    laid = [(each.get("timePartitioning"), each.get("clustering")) for each in (made, table)]
    return "" if laid[0] == laid[1] else "Incompatible table partitioning specification"


def put_in_place(made: Resource, table: Resource) -> None:
    """The most that WRITE_TRUNCATE may do to a table: its descriptions and key are the source's
    afterwards.
    """
    table["schema"] = made["schema"]
    for name in ("tableConstraints", "description"):
        table.pop(name, None)
        if name in made:
            table[name] = made[name]


def _column(column: exp.ColumnDef) -> dict[str, str]:
    constraints = [each.kind for each in column.args.get("constraints", [])]
    described = [prop.args["value"].name for each in column.find_all(exp.Properties) for prop in each.expressions]
    required = any(isinstance(each, exp.NotNullColumnConstraint) for each in constraints)
    return {
        "name": column.name,
        "type": PARSED_TYPES[column.args["kind"].this.value],
        "mode": "REQUIRED" if required else "NULLABLE",
        "description": "".join(described),
    }


def _name(node: exp.Expression) -> str:
    return str(node.name)
