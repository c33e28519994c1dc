"""Rules for statements that write: MERGE, INSERT, UPDATE, DELETE."""

from __future__ import annotations

from collections.abc import Iterator

from sqlglot import exp

from shared.stores.warehouse.schemas import TableSchema
from tests.sqlcheck.resolving import Unresolved, family, find_declared, list_selected, with_types
from tests.sqlcheck.selects import select_problems, show
from tests.sqlcheck.stars import star_problems

# Columns that keep what the first write of a key gave them.
PRESERVED = {"prediction_id", "created_at"}
_NULL_SAFE = "IS NOT DISTINCT FROM"
_KINDS = {"STRING": "text", "INT64": "number", "FLOAT64": "number", "NUMERIC": "number"}


def _list_assigned(update: exp.Update) -> list[tuple[str, exp.Expr]]:
    return [(assignment.this.name, assignment.expression) for assignment in update.expressions]


def _update_problems(update: exp.Update, schema: TableSchema | None) -> Iterator[str]:
    names = [name for name, _ in _list_assigned(update)]
    for name in sorted({name for name in names if names.count(name) > 1}):
        yield f"assigns {name} twice"
    for name in sorted(PRESERVED.intersection(names)):
        yield f"overwrites {name}, which keeps its first value"
    yield from _unknown(names, schema)
    for name in sorted(set(names).intersection(schema.primary_key if schema else ())):
        yield f"changes {name}, a column of the key"


def _unknown(names: list[str], schema: TableSchema | None) -> Iterator[str]:
    for name in names:
        if schema and name not in schema.columns:
            yield f"{schema.name} declares no column {name}"


def _insert_problems(names: list[str], values: int, schema: TableSchema | None) -> Iterator[str]:
    yield from _unknown(names, schema)
    if len(names) != values:
        yield f"INSERT names {len(names)} columns for {values} values"
    for name in sorted({name for name in names if names.count(name) > 1}):
        yield f"inserts {name} twice"
    if schema:
        missing = [field.name for field in schema.fields if field.required and field.name not in names]
        if missing:
            yield f"leaves out the REQUIRED {', '.join(missing)}"


def _kind_problems(pairs: list[tuple[str, exp.Expr]], schema: TableSchema | None, sources: exp.Select) -> Iterator[str]:
    """Values whose type is not the column's; `sources` selects the values in the order of the
    pairs.
    """
    if not pairs:
        return
    try:
        values = list_selected(with_types(sources))
    except Unresolved:
        return
    for (name, _), value in zip(pairs, values, strict=True):
        if schema and name in schema.columns:
            target = schema.field(name).type
            found = family(value.unalias())
            if found and found != _KINDS.get(target, target):
                yield f"{name} is {target}, its value {found}: {show(value.unalias())}"


def _with_aliases(pairs: list[tuple[str, exp.Expr]]) -> list[exp.Expr]:
    values = [value.copy() for _, value in pairs] or [exp.Literal.number(1)]
    return [exp.alias_(value, f"v{number}") for number, value in enumerate(values)]


def _constant(node: exp.Expr) -> bool:
    return not node.find(exp.Column)


def _conjuncts(node: exp.Expr | None) -> list[exp.Expr]:
    if node is None:
        return []
    return [part.unnest() for part in (node.unnest().flatten() if isinstance(node.unnest(), exp.And) else [node])]


def _column_of(node: exp.Expr, table: str) -> str | None:
    return node.name if isinstance(node, exp.Column) and node.table in (table, "") else None


def _prunes(condition: exp.Expr, table: str, partition: str) -> bool:
    """Whether a condition limits the partitions by something known before the statement runs."""
    if isinstance(condition, exp.Between):
        ends = [condition.args["low"], condition.args["high"]]
    elif isinstance(condition, exp.In):
        ends = condition.expressions or [condition.args.get("unnest") or condition]
        if condition.args.get("query"):
            return False
        if condition.args.get("unnest"):
            return _column_of(condition.this, table) == partition and _constant(condition.args["unnest"])
    elif isinstance(condition, exp.EQ | exp.LT | exp.LTE | exp.GT | exp.GTE):
        if _column_of(condition.this, table) != partition:
            condition = condition.copy()
            condition.set("this", condition.expression.copy())
            return _column_of(condition.this, table) == partition and _constant(condition.parent or exp.null())
        ends = [condition.expression]
    else:
        return False
    return _column_of(condition.this, table) == partition and all(map(_constant, ends))


def _filter_problems(conditions: list[exp.Expr], table: str, schema: TableSchema | None, where: str) -> Iterator[str]:
    partition = schema.partition_field if schema else None
    if partition and schema and not any(_prunes(condition, table, partition) for condition in conditions):
        yield f"{schema.name} is partitioned by {partition}: {where} must compare it with a parameter or constant"


def _null_safe(condition: exp.Expr) -> exp.Expr | None:
    """The equality of `a = b OR (a IS NULL AND b IS NULL)`."""
    if not isinstance(condition, exp.Or) or not isinstance(condition.this, exp.EQ):
        return None
    both = condition.expression.unnest()
    sides = {condition.this.this, condition.this.expression}
    if isinstance(both, exp.And) and all(isinstance(part, exp.Is) for part in (both.this, both.expression)):
        return condition.this if {both.this.this, both.expression.this} == sides else None
    return None


def _key_problems(on: exp.Expr, target: str, source: str, schema: TableSchema) -> Iterator[str]:
    keys = set()
    for condition in _conjuncts(on):
        safe = _null_safe(condition)
        equality = safe or condition
        if isinstance(equality, exp.EQ | exp.NullSafeEQ):
            sides = {side.table: side for side in (equality.this, equality.expression) if isinstance(side, exp.Column)}
            if set(sides) == {target, source}:
                name = sides[target].name
                keys.add(name)
                plain = isinstance(equality, exp.EQ) and safe is None
                if plain and name in schema.columns and not schema.field(name).required:
                    yield f"{name} may be NULL: ON compares it by {_NULL_SAFE}"
                continue
        if not (schema.partition_field and _prunes(condition, target, schema.partition_field)):
            yield f"ON holds more than the key; it belongs to WHEN or the source: {show(condition)}"
    if keys != set(schema.primary_key):
        declared_key = ", ".join(schema.primary_key) or "none"
        yield f"ON goes by {', '.join(sorted(keys))}, the declared key of {schema.name} is {declared_key}"


def _merge_problems(merge: exp.Merge) -> Iterator[str]:
    schema = find_declared(merge.this)
    target, source = merge.this.alias_or_name, merge.args["using"].alias_or_name
    yield from _filter_problems(_conjuncts(merge.args["on"]), target, schema, "ON")
    if schema:
        yield from _key_problems(merge.args["on"], target, source, schema)
    conditions = [merge.args["on"]]
    pairs: list[tuple[str, exp.Expr]] = []
    for when in merge.args["whens"].expressions:
        then = when.args["then"]
        conditions += [when.args["condition"]] if when.args.get("condition") else []
        if isinstance(then, exp.Update):
            yield from _update_problems(then, schema)
            pairs += _list_assigned(then)
        elif isinstance(then, exp.Insert):
            if not isinstance(then.this, exp.Tuple) or not isinstance(then.expression, exp.Tuple):
                yield "INSERT names no columns"
                continue
            names = [column.name for column in then.this.expressions]
            yield from _insert_problems(names, len(then.expression.expressions), schema)
            pairs += list(zip(names, then.expression.expressions, strict=False))
        elif isinstance(then, exp.Var) and not when.args.get("matched"):
            yield "WHEN NOT MATCHED BY SOURCE deletes what a source without rows does not hold"
    joined = exp.select(*_with_aliases(pairs))
    joined = joined.from_(merge.this.copy()).join(
        merge.args["using"].copy(), on=exp.and_(*[condition.copy() for condition in conditions]), join_type="full"
    )
    yield from select_problems(joined)
    yield from _kind_problems(pairs, schema, joined)
    yield from star_problems(merge.args["using"])


def write_problems(tree: exp.Expr) -> Iterator[str]:
    """Everything wrong with one DML statement."""
    if isinstance(tree, exp.Merge):
        yield from _merge_problems(tree)
    elif isinstance(tree, exp.Insert):
        table = tree.this.this if isinstance(tree.this, exp.Schema) else tree.this
        schema = find_declared(table)
        yield from star_problems(tree.expression)
        yield from select_problems(tree.expression)
        if not isinstance(tree.this, exp.Schema):
            yield "INSERT names no columns"
            return
        names = [column.name for column in tree.this.expressions]
        if isinstance(tree.expression, exp.Query):
            selects = tree.expression.selects
            yield from _insert_problems(names, len(selects), schema)
            if len(names) == len(selects) and isinstance(tree.expression, exp.Select):
                yield from _kind_problems([(name, exp.null()) for name in names], schema, tree.expression)
    elif isinstance(tree, exp.Update | exp.Delete):
        schema = find_declared(tree.this)
        where = tree.args.get("where")
        conditions = _conjuncts(where.this) if where else []
        yield from _filter_problems(conditions, tree.this.alias_or_name, schema, "WHERE")
        if schema is None:
            yield f"writes {show(tree.this)}, which no schema declares"
            return
        pairs = _list_assigned(tree) if isinstance(tree, exp.Update) else []
        if isinstance(tree, exp.Update):
            yield from _update_problems(tree, schema)
        read = exp.select(*_with_aliases(pairs)).from_(tree.this.copy())
        from_ = tree.args.get("from_")
        if from_ is not None:
            read = read.join(from_.this.copy(), join_type="cross")
        if where is not None:
            read = read.where(where.this.copy())
        yield from select_problems(read)
        yield from _kind_problems(pairs, schema, read)
