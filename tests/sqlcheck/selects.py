"""Rules for what a SELECT computes; DML is looked at through SELECTs of its expressions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from sqlglot import exp

from tests.sqlcheck.resolving import DECIMALS, FLOATS, Unresolved, family, with_types

AS_OF = {"as_of", "features_as_of"}
_NEEDS_ORDER = (
    exp.DenseRank | exp.FirstValue | exp.Lag | exp.LastValue | exp.Lead | exp.NthValue | exp.Rank | exp.RowNumber
)
_ROUNDED = exp.Round | exp.Floor | exp.Ceil | exp.Trunc


def show(node: exp.Expr) -> str:
    text = node.sql(dialect="bigquery")
    return text if len(text) <= 120 else text[:117] + "..."


# --- as the statement stands ----------------------------------------------------------------------


def _mentions_as_of(node: exp.Expr) -> bool:
    return any(column.name in AS_OF for column in node.find_all(exp.Column, exp.Parameter))


def as_of_problems(tree: exp.Expr) -> Iterator[str]:
    """Data is used strictly before as_of.

    Its complement, x >= as_of, is as strict; as_of >= x is not.
    """
    for node in tree.find_all(exp.LTE, exp.GTE, exp.GT, exp.LT, exp.Between):
        if isinstance(node, exp.Between):
            if any(_mentions_as_of(node.args[part]) for part in ("this", "low", "high")):
                yield f"BETWEEN includes its ends; compare with as_of by <: {show(node)}"
            continue
        earlier, later = node.this, node.expression
        inclusive = isinstance(node, exp.LTE | exp.GTE)
        if isinstance(node, exp.GTE | exp.GT):
            earlier, later = later, earlier
        outer = node.parent.parent if isinstance(node.parent, exp.Paren) else node.parent
        if isinstance(outer, exp.Not):
            earlier, later, inclusive = later, earlier, not inclusive
        if inclusive and _mentions_as_of(later) and not _mentions_as_of(earlier):
            yield f"lets in what happened at as_of itself; use <: {show(node)}"


def order_problems(tree: exp.Expr) -> Iterator[str]:
    """Functions whose answer depends on an order that is not stated."""
    named = {window.name: window for select in tree.find_all(exp.Select) for window in select.args.get("windows") or []}
    for window in tree.find_all(exp.Window):
        function = window.this.this if isinstance(window.this, exp.IgnoreNulls) else window.this
        definition = named.get(window.alias, window)
        if isinstance(function, _NEEDS_ORDER) and not definition.args.get("order"):
            yield f"has no ORDER BY: {show(window)}"
        spec = definition.args.get("spec")
        if spec and spec.args.get("kind") == "ROWS" and not definition.args.get("order"):
            yield f"a frame of ROWS without ORDER BY: {show(window)}"
    for aggregate in tree.find_all(exp.ArrayAgg, exp.GroupConcat):
        if not aggregate.find(exp.Order):
            yield f"gathers rows in no stated order: {show(aggregate)}"
    for limit in tree.find_all(exp.Limit):
        if isinstance(limit.parent, exp.Query) and not limit.parent.args.get("order"):
            yield f"takes any rows, LIMIT has no ORDER BY: {show(limit.parent)}"
    for sample in tree.find_all(exp.TableSample):
        yield f"TABLESAMPLE gives other rows each time: {show(sample)}"


def double_problems(tree: exp.Expr) -> Iterator[str]:
    """BigQuery refuses a column that is named twice where it is read or written; DuckDB renames it
    or takes the first.
    """
    for select in tree.find_all(exp.Select):
        names = Counter(item.alias_or_name for item in select.selects if not item.is_star)
        for name, count in names.items():
            if name and count > 1:
                yield f"a SELECT has {count} columns of the name {name}"


# --- with types -----------------------------------------------------------------------------------


def _is(node: exp.Expr, types: set[exp.DType]) -> bool:
    return node.type is not None and node.type.this in types


def _of_select(select: exp.Select | None, node: exp.Expr) -> exp.Expr:
    """A bare name in QUALIFY is an alias of the SELECT list."""
    if select is not None and isinstance(node, exp.Column) and not node.table:
        return next((item for item in select.selects if item.alias_or_name == node.name), node)
    return node


def float_key_problems(tree: exp.Expr) -> Iterator[str]:
    """BigQuery refuses PARTITION BY a FLOAT64; as a key of a group or join it is never what is
    meant.
    """
    for window in tree.find_all(exp.Window):
        for key in window.args.get("partition_by") or []:
            if _is(_of_select(window.parent_select, key), FLOATS):
                yield f"PARTITION BY a FLOAT64 expression: {show(key)}"
    for select in tree.find_all(exp.Select):
        group = select.args.get("group")
        for key in group.expressions if group else []:
            if isinstance(key, exp.Literal) and key.is_int:
                key = select.selects[int(key.name) - 1]
            if _is(key, FLOATS):
                yield f"GROUP BY a FLOAT64 expression: {show(key)}"
    for join in tree.find_all(exp.Join):
        on = join.args.get("on")
        for equality in on.find_all(exp.EQ, exp.NullSafeEQ) if on else []:
            if _is(equality.this, FLOATS) or _is(equality.expression, FLOATS):
                yield f"JOIN on a FLOAT64 expression: {show(equality)}"


def _alike(nodes: list[exp.Expr]) -> bool:
    # A string literal may stand for a date or a moment.
    known = {family(node) for node in nodes if not (isinstance(node, exp.Literal) and node.is_string)}
    return len(known - {None}) <= 1


def comparison_problems(tree: exp.Expr) -> Iterator[str]:
    """DuckDB compares a DATE with a TIMESTAMP, or a number with a text; BigQuery has no such
    operator.
    """
    for node in tree.walk():
        sides: list[exp.Expr] = []
        if isinstance(node, exp.EQ | exp.NEQ | exp.LT | exp.LTE | exp.GT | exp.GTE | exp.NullSafeEQ | exp.NullSafeNEQ):
            sides = [node.this, node.expression]
        elif isinstance(node, exp.Between):
            sides = [node.this, node.args["low"], node.args["high"]]
        elif isinstance(node, exp.Coalesce | exp.Least | exp.Greatest | exp.In):
            sides = [node.this, *node.expressions]
        elif isinstance(node, exp.Case):
            sides = [branch.args["true"] for branch in node.args["ifs"]]
            sides += [node.args["default"]] if node.args.get("default") else []
        elif isinstance(node, exp.If) and not isinstance(node.parent, exp.Case):
            sides = [node.args["true"]] + ([node.args["false"]] if node.args.get("false") else [])
        if not _alike(sides):
            kinds = ", ".join(str(family(side)) for side in sides if family(side))
            yield f"mixes {kinds}: {show(node)}"
    for union in tree.find_all(exp.SetOperation):
        left, right = union.left.selects, union.right.selects
        if len(left) != len(right):
            yield f"a UNION of {len(left)} and {len(right)} columns"
        for one, other in zip(left, right, strict=False):
            if not _alike([one.unalias(), other.unalias()]):
                yield f"a UNION of unlike columns: {show(one)} and {show(other)}"


def cast_problems(tree: exp.Expr) -> Iterator[str]:
    """Casts and quotients in which the engines differ."""
    for cast in tree.find_all(exp.Cast):
        source = cast.this.unnest()
        if not _is(source, FLOATS | DECIMALS):
            continue
        if cast.to.this in exp.DataType.INTEGER_TYPES and not isinstance(source, _ROUNDED):
            yield f"the engines round ties differently; ROUND, FLOOR, CEIL or TRUNC first: {show(cast)}"
        if cast.to.this in exp.DataType.TEXT_TYPES:
            yield f"the engines write such numbers differently: {show(cast)}"
    for text in tree.find_all(exp.Concat, exp.DPipe, exp.GroupConcat):
        parts = [text.this, *text.expressions, text.args.get("expression")]
        if any(_is(part, FLOATS | DECIMALS) for part in parts if isinstance(part, exp.Expr)):
            yield f"the engines write such numbers differently: {show(text)}"
    for quotient in tree.find_all(exp.IntDiv):
        if any(_is(operand, FLOATS | DECIMALS) for operand in (quotient.this, quotient.expression)):
            yield f"DIV of other numbers than INT64 is no whole number in DuckDB: {show(quotient)}"
    for node in tree.find_all(exp.Div, exp.Avg, exp.PercentileCont, exp.SafeDivide):
        inputs = [node.this] if isinstance(node, exp.Avg | exp.PercentileCont) else [node.this, node.expression]
        if any(_is(each, DECIMALS) for each in inputs) and not any(_is(each, FLOATS) for each in inputs):
            outer = node.parent
            while isinstance(outer, exp.Paren | exp.Window | exp.Round | exp.Binary | exp.Neg):
                outer = outer.parent
            if not isinstance(outer, exp.Cast) and not any(isinstance(each, exp.Cast) for each in inputs):
                yield f"NUMERIC in BigQuery, FLOAT64 in DuckDB: CAST the result, or the operands: {show(node)}"


def select_problems(tree: exp.Expr) -> list[str]:
    """Everything wrong with a SELECT but its outermost columns."""
    problems = [*as_of_problems(tree), *order_problems(tree), *double_problems(tree)]
    try:
        known = with_types(tree)
    except Unresolved as error:
        return [*problems, str(error)]
    for rule in (float_key_problems, comparison_problems, cast_problems):
        problems += rule(known)
    return problems
