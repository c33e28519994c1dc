"""SELECT * into a table."""

from __future__ import annotations

from collections.abc import Iterator

from sqlglot import exp


def star_problems(tree: exp.Expr) -> Iterator[str]:
    """The columns that leave a statement are named in it: a table's new column never slips in, or
    out of place.

    * of a WITH or subquery whose columns are named is fine.
    """
    if isinstance(tree, exp.SetOperation):
        yield from star_problems(tree.left)
        yield from star_problems(tree.right)
        return
    if isinstance(tree, exp.Subquery):
        yield from star_problems(tree.this)
        return
    if not isinstance(tree, exp.Select):
        return
    sources = {source.alias_or_name: source for source in _sources(tree)}
    for item in tree.expressions:
        if not item.is_star or isinstance(item, exp.Alias):
            continue
        wanted = item.table if isinstance(item, exp.Column) and item.table else None
        for name, source in sources.items():
            if wanted in (None, name):
                yield from _star_of(source, tree)


def _sources(select: exp.Select) -> Iterator[exp.Expr]:
    from_ = select.args.get("from_")
    if from_ is not None:
        yield from_.this
    for join in select.args.get("joins") or []:
        yield join.this


def _star_of(source: exp.Expr, select: exp.Select) -> Iterator[str]:
    if isinstance(source, exp.Table) and source.db:
        yield f"SELECT * of the table {source.db}.{source.name}: name the columns"
    elif isinstance(source, exp.Table):
        node: exp.Expr | None = select
        while node is not None:
            for common in node.ctes if isinstance(node, exp.Query) else []:
                if common.alias == source.name:
                    yield from star_problems(common.this)
                    return
            node = node.parent
    elif isinstance(source, exp.Subquery):
        yield from star_problems(source.this)
