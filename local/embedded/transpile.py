"""BigQuery SQL to DuckDB SQL: sqlglot, plus what it leaves different, mended so that both engines
answer alike.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Literal

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from local.embedded.staging_union import Run, collapse, expand
from shared.core.errors import Fatal
from shared.stores.warehouse.schemas import NUMERIC_PRECISION, NUMERIC_SCALE
from shared.stores.warehouse.sql import with_prefix


@dataclass(frozen=True)
class Statement:
    """One statement for DuckDB; `parameters` are the names ($name) it needs.

    A MERGE that updates has two more: `source` makes the temporary table MERGE_SOURCE of its rows,
    and `guard` finds a target row with several of them, which is an error in BigQuery while DuckDB
    silently takes one.
    """

    sql: str
    kind: Literal["query", "dml"]
    parameters: frozenset[str]
    source: Statement | None = None
    guard: Statement | None = None


# --- what sqlglot leaves different ----------------------------------------------------------------


def _numeric(node: exp.DataType) -> exp.Expr:
    """NUMERIC is DECIMAL(38, 9); a bare DECIMAL is (18, 3) in DuckDB."""
    if node.this == exp.DType.DECIMAL and not node.expressions:
        precision = [exp.DataTypeParam(this=exp.Literal.number(n)) for n in (NUMERIC_PRECISION, NUMERIC_SCALE)]
        return exp.DataType(this=exp.DType.DECIMAL, expressions=precision)
    return node


def _literal(node: exp.Literal) -> exp.Expr:
    """0.44 is FLOAT64 in BigQuery and DECIMAL(3, 2) in DuckDB, whose products overflow; 0.44e0 is
    DOUBLE.
    """
    if not node.is_string and "." in node.this and "e" not in node.this.lower():
        return exp.Literal.number(f"{node.this}e0")
    return node


def _date(node: exp.DateAdd | exp.DateSub | exp.DateTrunc) -> exp.Expr:
    """DATE_ADD, DATE_SUB and DATE_TRUNC of a DATE are a DATE; DuckDB gives a TIMESTAMP."""
    return exp.cast(node.copy(), exp.DType.DATE)


def _whole_units(node: exp.TimestampDiff) -> exp.Expr:
    """TIMESTAMP_DIFF counts whole units that passed, DuckDB's DATE_DIFF the boundaries crossed."""
    unit = exp.Literal.string(str(node.args["unit"].name))
    return exp.Anonymous(this="DATE_SUB", expressions=[unit, node.expression.copy(), node.this.copy()])


def _day_of_week(node: exp.Extract) -> exp.Expr:
    """Sunday is 1 in BigQuery, 0 in DuckDB."""
    if node.name.upper() == "DAYOFWEEK":
        return exp.Paren(this=exp.Add(this=node.copy(), expression=exp.Literal.number(1)))
    return node


def _never_zero(divisor: exp.Expr) -> bool:
    divisor = divisor.unnest()
    if isinstance(divisor, exp.Literal):
        return bool(float(divisor.this))
    if isinstance(divisor, exp.Neg | exp.Cast):
        return _never_zero(divisor.this)
    return isinstance(divisor, exp.Nullif) and divisor.expression.name == "0"


def _division(node: exp.Div | exp.IntDiv | exp.Mod) -> exp.Expr:
    """Division by zero is an error in BigQuery; DuckDB gives infinity, NaN or NULL."""
    if _never_zero(node.expression):
        return node
    zero = exp.EQ(this=node.expression.copy(), expression=exp.Literal.number(0))
    message = exp.Literal.string("division by zero: " + node.sql(dialect="bigquery")[:200])
    return exp.Paren(
        this=exp.Case(
            ifs=[exp.If(this=zero, true=exp.Anonymous(this="ERROR", expressions=[message]))], default=node.copy()
        )
    )


def _in_unnest(node: exp.In) -> exp.Expr:
    """x IN UNNEST(@list) as a semi-join; sqlglot's form scans the list for every row."""
    unnest = node.args.get("unnest")
    if unnest is None:
        return node
    array = (unnest.expressions[0] if isinstance(unnest, exp.Unnest) else unnest).copy()
    select = exp.Select(expressions=[exp.Anonymous(this="UNNEST", expressions=[array])])
    return exp.In(this=node.this.copy(), query=exp.Subquery(this=select))


def _array_limit(node: exp.ArrayAgg) -> exp.Expr:
    """ARRAY_AGG(...

    LIMIT n): DuckDB has no LIMIT in aggregates, the list's first n elements are the same.
    """
    if not isinstance(node.this, exp.Limit):
        return node
    whole = node.copy()
    limit = whole.this
    count = limit.expression.copy()
    whole.set("this", limit.this)
    return exp.Anonymous(this="LIST_SLICE", expressions=[whole, exp.Literal.number(1), count])


def _count_if(node: exp.CountIf) -> exp.Expr:
    """COUNTIF is 0 over no rows and over NULLs alone, where DuckDB's COUNT_IF is NULL."""
    one = exp.If(this=node.this.copy(), true=exp.Literal.number(1))
    return exp.Count(this=exp.Case(ifs=[one]))


def _merge_targets(node: exp.Merge) -> exp.Expr:
    """UPDATE SET t.column: DuckDB names the column alone."""
    for when in node.args["whens"].expressions:
        then = when.args["then"]
        if isinstance(then, exp.Update):
            for assignment in then.expressions:
                assignment.this.set("table", None)
    return node


_MENDS: dict[type[exp.Expr], Callable[..., exp.Expr]] = {
    exp.ArrayAgg: _array_limit,
    exp.CountIf: _count_if,
    exp.DataType: _numeric,
    exp.DateAdd: _date,
    exp.DateSub: _date,
    exp.DateTrunc: _date,
    exp.Div: _division,
    exp.Extract: _day_of_week,
    exp.In: _in_unnest,
    exp.IntDiv: _division,
    exp.Literal: _literal,
    exp.Merge: _merge_targets,
    exp.Mod: _division,
    exp.TimestampDiff: _whole_units,
}


def _mend(tree: exp.Expr) -> exp.Expr:
    # Innermost first, so that what a mend copies is mended already.
    for node in reversed(list(tree.walk(bfs=True))):
        mend = _MENDS.get(type(node))
        if mend is not None:
            mended = mend(node)
            if mended is not node:
                if node is tree:
                    tree = mended
                else:
                    node.replace(mended)
    return tree


# --- MERGE ----------------------------------------------------------------------------------------

MERGE_SOURCE = "_merge_source"


def _split(merge: exp.Merge) -> tuple[exp.Expr, exp.Expr] | None:
    """Take the source out of a MERGE that updates: (what makes MERGE_SOURCE, the guard)."""
    using = merge.args["using"]
    updates = any(isinstance(when.args["then"], exp.Update) for when in merge.args["whens"].expressions)
    if not updates or not isinstance(using, exp.Subquery):
        return None
    source = exp.Create(
        this=exp.to_table(MERGE_SOURCE),
        kind="TABLE",
        properties=exp.Properties(expressions=[exp.TemporaryProperty()]),
        expression=using.this.copy(),
    )
    merge.set("using", exp.alias_(exp.to_table(MERGE_SOURCE), using.alias, table=True))
    joined = exp.select("1").from_(merge.this.copy()).join(merge.args["using"].copy(), on=merge.args["on"].copy())
    row = exp.column("rowid", table=merge.this.alias_or_name)
    return source, joined.group_by(row).having("COUNT(*) > 1").limit(1)


# --- the whole ------------------------------------------------------------------------------------


def _parse(sql: str) -> exp.Expr:
    try:
        trees = [tree for tree in sqlglot.parse(sql, dialect="bigquery") if tree is not None]
    except SqlglotError as error:
        raise Fatal(
            f"This is no BigQuery SQL: {error}. The statement begins {sql[:200]!r}.", next_step="correct the SQL."
        ) from error
    if len(trees) != 1:
        raise Fatal(
            f"{len(trees)} statements where one belongs; the text begins {sql[:200]!r}.",
            next_step="run one statement at a time.",
        )
    return trees[0]


@lru_cache(maxsize=512)
def transpile(sql: str, prefix: str = "") -> Statement:
    """One BigQuery statement as DuckDB's.

    Raises Fatal for what is no single SELECT or DML statement.
    """
    collapsed, runs = collapse(with_prefix(sql, prefix))
    tree = _parse(collapsed)
    # A batch of very many units is gathered by CREATE TABLE AS SELECT; all other tables come from
    # their schemas.
    gathers = isinstance(tree, exp.Create) and isinstance(tree.expression, exp.Query)
    if not (gathers or _migrates(tree)) and not isinstance(
        tree, exp.Query | exp.Insert | exp.Update | exp.Delete | exp.Merge
    ):
        raise Fatal(
            f"{tree.key.upper()} is neither SELECT nor DML; the statement begins {sql[:200]!r}.",
            next_step="tables are made from their schemas, not by statements.",
        )
    tree = _mend(tree)
    kind: Literal["query", "dml"] = "query" if isinstance(tree, exp.Query) else "dml"
    parts = _split(tree) if isinstance(tree, exp.Merge) else None
    if parts is None:
        return _statement(tree, kind, runs)
    source, guard = parts
    return replace(
        _statement(tree, kind, []), source=_statement(source, "dml", runs), guard=_statement(guard, "query", [])
    )


def _migrates(tree: exp.Expr) -> bool:
    """Whether it renames or adds a column, as shared/stores/warehouse/migration.py does."""
    return isinstance(tree, exp.Alter) and all(
        isinstance(action, exp.RenameColumn | exp.ColumnDef) for action in tree.args["actions"]
    )


def _statement(tree: exp.Expr, kind: Literal["query", "dml"], runs: list[Run]) -> Statement:
    parameters = frozenset(parameter.name for parameter in tree.find_all(exp.Parameter))
    return Statement(expand(tree.sql(dialect="duckdb"), tree, runs), kind, parameters)
