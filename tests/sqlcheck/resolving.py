"""Statements with every column resolved and typed from the declared schemas."""

from __future__ import annotations

from functools import cache

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError
from sqlglot.optimizer.annotate_types import annotate_types
from sqlglot.optimizer.qualify import qualify
from sqlglot.schema import MappingSchema

from shared.core.errors import NotFound
from shared.stores.warehouse.schemas import DATASETS, TableSchema, all_schemas, all_views, load_schema
from shared.stores.warehouse.staging import TARGET

FAMILIES = {
    "number": exp.DataType.NUMERIC_TYPES,
    "text": exp.DataType.TEXT_TYPES,
    "DATE": {exp.DType.DATE},
    "TIMESTAMP": {exp.DType.TIMESTAMPTZ, exp.DType.TIMESTAMPLTZ},
    "DATETIME": {exp.DType.TIMESTAMP, exp.DType.DATETIME, exp.DType.TIMESTAMPNTZ},
    "BOOL": {exp.DType.BOOLEAN},
}
FLOATS = exp.DataType.FLOAT_TYPES | {exp.DType.DOUBLE}
DECIMALS = {exp.DType.DECIMAL, exp.DType.BIGDECIMAL}


class Unresolved(Exception):
    """A table or column that the schemas do not declare."""


def family(node: exp.Expr) -> str | None:
    """The family of types an expression belongs to; None where it is not known (a parameter,
    NULL).
    """
    if node.type is None or isinstance(node, exp.Null):
        return None
    return next((name for name, members in FAMILIES.items() if node.type.this in members), None)


def find_declared(table: exp.Table) -> TableSchema | None:
    """The declared schema of a table; a batch's staging tables have the predictions table's
    columns.
    """
    name = f"{table.db}.{table.name}"
    if table.name.startswith("_staging_"):
        return load_schema(TARGET)
    try:
        return load_schema(name)
    except NotFound:
        return None


@cache
def _columns() -> dict[str, dict[str, dict[str, str]]]:
    mapping: dict[str, dict[str, dict[str, str]]] = {dataset: {} for dataset in DATASETS}
    for schema in all_schemas():
        name = schema.name.partition(".")[2]
        mapping[schema.dataset][name] = {field.name: field.type for field in schema.fields}
    for view, sql in all_views():
        dataset, _, name = view.partition(".")
        tree = _with_types(parse(sql), mapping)
        mapping[dataset][name] = {
            column.alias_or_name: column.type.sql(dialect="bigquery") for column in list_selected(tree) if column.type
        }
    return mapping


def parse(sql: str) -> exp.Expr:
    """The one statement of a text. Raises Unresolved for what does not parse as BigQuery."""
    try:
        trees = [tree for tree in sqlglot.parse(sql, dialect="bigquery") if tree is not None]
    except SqlglotError as error:
        raise Unresolved(f"does not parse: {error}") from error
    if len(trees) != 1:
        raise Unresolved(f"holds {len(trees)} statements; one belongs in a file")
    return trees[0]


def list_selected(tree: exp.Expr) -> list[exp.Expr]:
    """The outermost columns of a SELECT."""
    assert isinstance(tree, exp.Query)
    return tree.selects


def _by_position(select: exp.Select) -> None:
    """GROUP BY an alias of the SELECT list as its position: the alias is resolved nowhere else (as
    in BigQuery).
    """
    aliases = {item.alias: number for number, item in enumerate(select.selects, 1) if isinstance(item, exp.Alias)}
    group = select.args.get("group")
    for key in list(group.expressions) if group else []:
        if isinstance(key, exp.Column) and not key.table and key.name in aliases:
            aliased = select.selects[aliases[key.name] - 1].this
            if not (isinstance(aliased, exp.Column) and aliased.name == key.name):
                key.replace(exp.Literal.number(aliases[key.name]))


def _with_types(tree: exp.Expr, mapping: dict[str, dict[str, dict[str, str]]]) -> exp.Expr:
    mapping = {dataset: dict(tables) for dataset, tables in mapping.items()}
    common = {name.alias for name in tree.find_all(exp.CTE)}
    for table in tree.find_all(exp.Table):
        if table.db:
            if table.name.startswith("_staging_") and table.db in mapping:
                fields = {field.name: field.type for field in load_schema(TARGET).fields}
                mapping[table.db][table.name] = fields
            if table.name not in mapping.get(table.db, {}):
                raise Unresolved(f"reads {table.db}.{table.name}, which no schema declares")
        elif isinstance(table.this, exp.Identifier) and table.name not in common:
            raise Unresolved(f"reads {table.name}, which is neither dataset.table nor a WITH of the statement")
    for select in tree.find_all(exp.Select):
        _by_position(select)
    schema = MappingSchema(mapping, dialect="bigquery")  # type: ignore[arg-type]
    try:
        qualified = qualify(
            tree,
            schema=schema,
            dialect="bigquery",
            # DuckDB lets WHERE and other columns use an alias of the SELECT list, BigQuery does
            # not.
            expand_alias_refs=False,
            quote_identifiers=False,
            identify=False,
        )
    except SqlglotError as error:
        raise Unresolved(str(error).partition("\n")[0]) from error
    return annotate_types(qualified, schema=schema, dialect="bigquery")


def with_types(tree: exp.Expr) -> exp.Expr:
    """A copy of a SELECT, its columns resolved and typed. Raises Unresolved."""
    return _with_types(tree.copy(), _columns())
