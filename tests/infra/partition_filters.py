"""Which scans of partitioned tables BigQuery can prune: those with a filter on the partition's
column that is known before anything is read. A table of which every scan is so may require it
(requirePartitionFilter).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator

import sqlglot
from sqlglot import exp

from shared.stores.warehouse.schemas import all_schemas, all_views

COMPARISONS = (exp.EQ, exp.LT, exp.LTE, exp.GT, exp.GTE, exp.Between, exp.In)


def partition_fields() -> dict[str, str]:
    """Partition column of each partitioned table; a view's is that of the table its rows come
    from.
    """
    fields = {schema.name: schema.partition_field for schema in all_schemas() if schema.partition_field}
    return fields | {name: "game_date" for name, _ in all_views()}


def _conjuncts(condition: exp.Expr | None) -> Iterator[exp.Expr]:
    if isinstance(condition, exp.And):
        yield from _conjuncts(condition.left)
        yield from _conjuncts(condition.right)
    elif isinstance(condition, exp.Paren):
        yield from _conjuncts(condition.this)
    elif condition is not None:
        yield condition


def _conditions(scan: exp.Table, around: exp.Select | exp.Merge | exp.Delete) -> Iterator[exp.Expr]:
    """What every row of the scan that counts has to fulfil: WHERE, inner joins, and the scan's own
    outer join.
    """
    if isinstance(around, exp.Merge):
        yield from _conjuncts(around.args["on"])
        return
    if where := around.args.get("where"):
        yield from _conjuncts(where.this)
    for join in around.args.get("joins") or []:
        if not join.side or (join.side == "LEFT" and join.this is scan):
            yield from _conjuncts(join.args.get("on"))


def is_pruned(scan: exp.Table, field: str) -> bool:
    """Whether a condition compares the scan's partition column with nothing but parameters and
    literals.
    """
    around = scan.find_ancestor(exp.Select, exp.Merge, exp.Delete)
    if not isinstance(around, exp.Select | exp.Merge | exp.Delete):
        return False
    alone = isinstance(around, exp.Select | exp.Delete) and not around.args.get("joins")
    for condition in _conditions(scan, around):
        columns = list(condition.find_all(exp.Column))
        if isinstance(condition, COMPARISONS) and len(columns) == 1 and columns[0] is condition.this:
            column = columns[0]
            if column.name == field and (column.table == scan.alias_or_name or (alone and not column.table)):
                return True
    return False


def find_unpruned(statements: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    """Table or view -> names of the (name, SQL) that scan it whole."""
    fields = partition_fields()
    found = defaultdict(list)
    for name, sql in statements:
        for scan in sqlglot.parse_one(sql, dialect="bigquery").find_all(exp.Table):
            table = f"{scan.db}.{scan.name}"
            if table in fields and not is_pruned(scan, fields[table]):
                found[table].append(name)
    return dict(found)
