"""The SQL check: everything wrong with a statement, with the project's .sql files, and with SQL
made by Python.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

from sqlglot import exp

from shared.stores.warehouse.schemas import all_schemas
from shared.stores.warehouse.sql import FRAGMENTS, expand_fragments
from tests.house.python_sources import sources
from tests.sqlcheck.functions import TEXT, function_problems
from tests.sqlcheck.resolving import Unresolved, list_selected, parse, with_types
from tests.sqlcheck.selects import select_problems
from tests.sqlcheck.stars import star_problems
from tests.sqlcheck.writes import write_problems

ROOMS = ("functions", "shared")
# The one place where SQL may be put together by code: names of tables and columns, never values.
BUILDERS = ("shared/stores/warehouse/",)
_NAME_IN_BRACES = re.compile(r"\{\w*[A-Za-z_]\w*[^}]*\}")
_PERCENT = re.compile(r"%\([a-z_]+\)s|%s")
_SQL = re.compile(
    r"\b(SELECT\s[\s\S]*\bFROM\b|INSERT\s+INTO\b|MERGE\s+(INTO\b|`|nba_)|DELETE\s+FROM\b|UPDATE\s+\S+\s+SET\b"
    r"|(FROM|JOIN)\s+`?nba_\w+\.)"
)


def placeholder_problems(sql: str) -> Iterator[str]:
    """Places where Python would format something in."""
    uncommented = re.sub(r"--[^\n]*|/\*.*?\*/", "", sql, flags=re.DOTALL)
    for match in _NAME_IN_BRACES.finditer(uncommented):
        yield f"formats {match[0]} into the text: pass it as a @parameter"
    for match in _PERCENT.finditer(TEXT.sub("''", sql)):
        yield f"formats {match[0]} into the text: pass it as a @parameter"


def check(sql: str, *, written: bool = True) -> list[str]:
    """Sentences on what is wrong with one statement; `written` says that a SELECT's rows go into a
    table.
    """
    problems = list(placeholder_problems(sql))
    if problems:
        return problems
    try:
        tree = parse(sql)
    except Unresolved as error:
        return [str(error)]
    problems = function_problems(sql)
    if isinstance(tree, exp.Create) and isinstance(tree.expression, exp.Query):
        tree = tree.expression
    if isinstance(tree, exp.Query):
        problems += [*(star_problems(tree) if written else []), *select_problems(tree)]
    elif isinstance(tree, exp.Merge | exp.Insert | exp.Update | exp.Delete):
        problems += write_problems(tree)
    else:
        problems.append(f"{tree.key.upper()} is neither SELECT nor DML")
    return list(dict.fromkeys(problems))


def sql_files(root: Path) -> list[Path]:
    """The project's .sql files, by path; fragments are looked at where they are used."""
    found = (path for room in ROOMS for path in (root / room).rglob("*.sql"))
    return sorted(path for path in found if path.parent.name != FRAGMENTS.name)


def _find_calls(tree: ast.AST, name: str) -> Iterator[ast.Call]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            function = node.func
            if (function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")) == name:
                yield node


def is_written(path: Path) -> bool:
    """Whether the rows of a .sql file may go into a table.

    Not those of a view, of a package that writes nothing, and of query(read_sql(package, "name"))
    there.
    """
    if path.parent.name != "sql":
        return False
    writes, only_read = _find_uses(tuple(file.read_text("utf-8") for file in sorted(path.parent.parent.glob("*.py"))))
    return writes and path.stem not in only_read


@cache
def _find_uses(texts: tuple[str, ...]) -> tuple[bool, set[str]]:
    """Whether a package of these Python files writes rows of statements, and the names of those
    that it only reads; kept, as a package has several statements.
    """
    trees = [ast.parse(text) for text in texts]
    writes = any(list(_find_calls(tree, "replace_partition")) or list(_find_calls(tree, "execute")) for tree in trees)
    only_read = {
        argument.value
        for tree in trees
        for query in _find_calls(tree, "query")
        for read in _find_calls(query, "read_sql")
        for argument in read.args
        if isinstance(argument, ast.Constant) and isinstance(argument.value, str)
    }
    return writes, only_read


def fit_problems(sql: str, table: str) -> Iterator[str]:
    """Columns that a SELECT has and the table it fills has not, or the other way round.

    `table` is the name of the SELECT's file. Where no dataset has a table of this name, or the
    statement is no SELECT or does not resolve, there is nothing to compare.
    """
    schema = next((schema for schema in all_schemas() if schema.name.partition(".")[2] == table), None)
    try:
        tree = parse(sql)
        if schema is None or not isinstance(tree, exp.Query):
            return
        selected = {item.alias_or_name for item in list_selected(with_types(tree))}
    except Unresolved:
        return
    file = f"shared/stores/warehouse/schemas/{schema.name}.json"
    yield from (f"selects {name}, which {file} does not declare" for name in sorted(selected - set(schema.columns)))
    yield from (f"lacks {name}, which {file} declares" for name in sorted(set(schema.columns) - selected))


def file_problems(root: Path) -> list[str]:
    """Everything wrong with the project's .sql files."""
    found = []
    for path in sql_files(root):
        sql, written = expand_fragments(path.read_text("utf-8")), is_written(path)
        problems = [*check(sql, written=written), *(fit_problems(sql, path.stem) if written else [])]
        found += [f"{path.relative_to(root).as_posix()}: {problem}" for problem in problems]
    return found


def built_problems(statements: Iterable[tuple[str, str]]) -> list[str]:
    """Everything wrong with SQL that code has built: (name, SQL)."""
    return [f"{name}: {problem}" for name, sql in statements for problem in check(sql)]


# --- SQL in Python --------------------------------------------------------------------------------


def _text(node: ast.AST) -> str:
    """The constant text of a string expression."""
    return " ".join(
        part.value for part in ast.walk(node) if isinstance(part, ast.Constant) and isinstance(part.value, str)
    )


def _formats(node: ast.AST) -> bool:
    if isinstance(node, ast.JoinedStr):
        return any(isinstance(part, ast.FormattedValue) for part in node.values)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mod | ast.Add):
        return isinstance(node.left, ast.Constant | ast.JoinedStr | ast.BinOp)
    return (
        isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in ("format", "replace")
    )


def python_problems(root: Path) -> list[str]:
    """Python outside the builders that holds SQL: it belongs into .sql files, values into
    parameters.
    """
    found = []
    for source in sources(root, ROOMS):
        if source.path.as_posix().startswith(BUILDERS):
            continue
        reported: set[int] = set()
        documented = {id(node.value) for node in ast.walk(source.tree) if isinstance(node, ast.Expr)}
        for node in ast.walk(source.tree):
            # The outermost of nested expressions comes first and speaks for the line.
            if id(node) in documented or not isinstance(node, ast.JoinedStr | ast.BinOp | ast.Call | ast.Constant):
                continue
            formats = _formats(node)
            text = _text(node) if formats else node.value if isinstance(node, ast.Constant) else ""
            if isinstance(text, str) and _SQL.search(text) and node.lineno not in reported:
                reported.add(node.lineno)
                what = "formats SQL: pass values as @parameters" if formats else "holds SQL: put it into a .sql file"
                found.append(f"{source.at(node.lineno)} {what}")
    return found
